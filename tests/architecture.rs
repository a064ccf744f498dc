//! The flow goes one way: a stage knows those before it, never those after it,
//! and only `ops` joins them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules that it may name; its own is always allowed.
const TABLE: &[(&str, &[&str])] = &[
    // What everything stands on.
    ("maven", &[]),
    ("rules", &[]),
    ("error", &["maven"]),
    ("parallel", &["error"]),
    ("report", &[]),
    ("catalogue", &["maven"]),
    ("image", &["error"]),
    ("store", &["error", "image"]),
    ("jar", &["error", "image", "parallel", "store"]),
    // Ways to the outside.
    ("fetch", &["error", "image", "report", "store"]),
    ("daemon", &["error", "image", "store"]),
    ("registry", &["error", "fetch", "image", "report", "store"]),
    (
        "repository",
        &["error", "fetch", "image", "jar", "maven", "report", "store"],
    ),
    // The flow.
    ("manifest", &["error", "image", "maven", "rules"]),
    ("job", &["manifest"]),
    ("lock", &["error", "image", "manifest", "maven", "store"]),
    (
        "base",
        &[
            "daemon", "error", "image", "jar", "maven", "registry", "report", "store",
        ],
    ),
    ("dockerfile", &["base", "error", "image"]),
    (
        "resolve",
        &[
            "base",
            "catalogue",
            "error",
            "fetch",
            "image",
            "jar",
            "job",
            "lock",
            "manifest",
            "maven",
            "parallel",
            "report",
            "repository",
            "store",
        ],
    ),
    (
        "stage",
        &[
            "base", "error", "image", "job", "lock", "manifest", "maven", "resolve",
        ],
    ),
    (
        "check",
        &["base", "catalogue", "image", "jar", "maven", "rules"],
    ),
    (
        "layer",
        &["base", "error", "image", "lock", "report", "stage", "store"],
    ),
    ("attest", &["error", "image", "lock", "maven"]),
    (
        "sink",
        &[
            "attest", "base", "daemon", "error", "image", "registry", "report", "store",
        ],
    ),
    // Joins the stages.
    (
        "ops",
        &[
            "attest",
            "base",
            "catalogue",
            "check",
            "daemon",
            "dockerfile",
            "error",
            "fetch",
            "image",
            "jar",
            "job",
            "layer",
            "lock",
            "manifest",
            "maven",
            "parallel",
            "registry",
            "report",
            "repository",
            "resolve",
            "rules",
            "sink",
            "stage",
            "store",
        ],
    ),
    (
        "cli",
        &[
            "check", "error", "image", "manifest", "ops", "report", "rules", "sink", "store",
        ],
    ),
];

/// A file of src/ without its comments and tests.
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.components().next().expect("a name");
        let name = first.as_os_str().to_str().expect("UTF-8");
        name.trim_end_matches(".rs")
    }

    /// Modules of the crate that it names.
    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (at, _) in self.text.match_indices("crate::") {
            let rest = &self.text[at + "crate::".len()..];
            let word = |text: &str| -> String {
                let text = text.trim_start();
                text.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect()
            };
            match rest.strip_prefix('{') {
                None => drop(names.insert(word(rest))),
                Some(group) => names.extend(top_level(group).iter().map(|part| word(part))),
            }
        }
        names.remove("");
        names
    }
}

/// The parts of `a::{b, c}, d}` up to the brace that closes it.
pub fn top_level(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&text[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    assert!(found.len() > 50);
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        if path.is_dir() {
            walk(root, &path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("a file");
            let code = text.split("#[cfg(test)]\nmod ").next().expect("a part");
            let lines = code.lines();
            let lines: Vec<&str> = lines
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            found.push(Source {
                path: path.strip_prefix(root).expect("below").to_path_buf(),
                text: lines.join("\n"),
            });
        }
    }
}

#[test]
fn modules_name_only_what_is_before_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{module} is not in the table"));
            continue;
        };
        for name in source.names() {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("src/{} names {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_circle() {
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    while placed.len() < TABLE.len() {
        let next: Vec<&str> = TABLE
            .iter()
            .filter(|(name, needs)| {
                !placed.contains(name) && needs.iter().all(|need| placed.contains(need))
            })
            .map(|(name, _)| *name)
            .collect();
        let left = || TABLE.iter().filter(|(name, _)| !placed.contains(name));
        assert!(
            !next.is_empty(),
            "a circle among {:?}",
            left().collect::<Vec<_>>()
        );
        placed.extend(next);
    }
}

#[test]
fn some_things_have_one_place() {
    for (word, allowed) in [
        ("indicatif", &["report/bars.rs"][..]),
        ("bollard::", &["daemon/"]),
        ("clap", &["cli/", "main.rs"]),
        // What is read while it is written would be seen by halves.
        ("fs::write(", &["store/"]),
        // A second way to end would lose what is being written.
        ("process::exit", &[]),
        ("set_current_dir", &["cli/"]),
        ("println!(", &["cli/", "report/bars.rs"]),
    ] {
        for source in sources() {
            let path = source.path.display().to_string();
            let at_home = allowed.iter().any(|place| path.starts_with(place));
            assert!(
                at_home || !source.text.contains(word),
                "src/{path} has `{word}`"
            );
        }
    }
}
