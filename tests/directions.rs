//! Files within a folder have a direction, too: none leads back to itself by what
//! it names.

use std::collections::{BTreeMap, BTreeSet};

use super::architecture::{Source, sources, top_level};

/// Files of one folder that name each other all the same, and why. A folder that
/// holds its own types and joins its files is listed as `mod`.
const CIRCLES: &[(&str, &[&str], &str)] = &[
    (
        "store",
        &["large", "mod"],
        "how a file of the store begins and ends is said once, in `mod`",
    ),
    (
        "base",
        &[
            "from_daemon",
            "from_layout",
            "materialise",
            "mod",
            "registry_side",
        ],
        "`mod` has the types of a base and opens it by its kind",
    ),
];

/// What a folder's files name of each other.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// A file as a module: `registry/pull.rs` is `registry::pull`, `registry/mod.rs`
/// and a folder without one are `registry`.
fn module(source: &Source) -> Vec<String> {
    let path = source.path.with_extension("");
    let parts = path.iter().map(|part| part.to_str().expect("UTF-8"));
    parts
        .filter(|part| *part != "mod")
        .map(str::to_string)
        .collect()
}

/// Every path in a text that begins with `crate::` or `super::`, and in the file of
/// a folder with the name of a child, each from the crate's root.
fn paths(text: &str, here: &[String], children: &BTreeSet<String>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let starts = text.match_indices("crate::").map(|(at, _)| (at, true));
    let starts = starts.chain(text.match_indices("super::").map(|(at, _)| (at, false)));
    for (at, of_root) in starts {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let (mut base, mut rest) = match of_root {
            true => (Vec::new(), &text[at + "crate::".len()..]),
            false => (parent(here), &text[at + "super::".len()..]),
        };
        while let Some(above) = rest.strip_prefix("super::") {
            (base, rest) = (parent(&base), above);
        }
        spread(&base, rest, &mut found);
    }
    for child in children {
        for (at, _) in text.match_indices(&format!("{child}::")) {
            if !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                found.push([here, std::slice::from_ref(child)].concat());
            }
        }
    }
    found
}

fn parent(module: &[String]) -> Vec<String> {
    module[..module.len().saturating_sub(1)].to_vec()
}

/// The paths that `a::{b::c, d}` stands for.
fn spread(base: &[String], text: &str, found: &mut Vec<Vec<String>>) {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        for part in top_level(group) {
            spread(base, part, found);
        }
        return;
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = [base, &[word.to_string()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '{') => {
            spread(&path, rest, found);
        }
        _ => found.push(path),
    }
}

/// The text without what it only passes on, and where each name that is passed on
/// comes from.
fn passed_on(text: &str, here: &[String]) -> (String, BTreeMap<String, Vec<String>>) {
    let (mut rest, mut names) = (String::new(), BTreeMap::new());
    for statement in text.split_inclusive(';') {
        let code = statement.trim_start();
        let code = code
            .strip_prefix("pub(crate) use ")
            .or(code.strip_prefix("pub use "));
        let Some(code) = code.filter(|code| !code.contains("crate::")) else {
            rest.push_str(statement);
            continue;
        };
        let mut found = Vec::new();
        spread(here, code, &mut found);
        for path in found {
            let name = path.last().expect("a name").clone();
            names.insert(name, path);
        }
    }
    (rest, names)
}

/// The place that a name comes from, where it was passed on.
fn source_of<'a>(
    target: &'a Vec<String>,
    aliases: &'a BTreeMap<Vec<String>, Vec<String>>,
    modules: &BTreeSet<&Vec<String>>,
) -> &'a Vec<String> {
    let passed_on = |length: usize| {
        // A function may have the name of a file beside it.
        let is_file = length < target.len() && modules.contains(&target[..length].to_vec());
        aliases.get(&target[..length]).filter(|_| !is_file)
    };
    match (1..=target.len()).rev().find_map(passed_on) {
        Some(further) if *further != *target => source_of(further, aliases, modules),
        _ => target,
    }
}

/// The edges of every folder.
fn edges() -> BTreeMap<String, Edges> {
    let sources = sources();
    let modules: Vec<(Vec<String>, &Source)> = sources
        .iter()
        .map(|source| (module(source), source))
        .filter(|(path, _)| path[0] != "lib" && path[0] != "main")
        .collect();
    let mut children: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for (path, _) in &modules {
        for depth in 1..path.len() {
            let below = children.entry(path[..depth].to_vec()).or_default();
            below.insert(path[depth].clone());
        }
    }
    let files: BTreeSet<&Vec<String>> = modules.iter().map(|(path, _)| path).collect();
    let none = BTreeSet::new();
    let mut aliases = BTreeMap::new();
    let mut named = Vec::new();
    for (path, source) in &modules {
        let (text, names) = passed_on(&source.text, path);
        for (name, target) in names {
            aliases.insert([&path[..], &[name]].concat(), target);
        }
        let own = children.get(path).unwrap_or(&none);
        named.push((path, paths(&text, path, own)));
    }
    let mut folders: BTreeMap<String, Edges> = BTreeMap::new();
    for (folder, inside) in &children {
        let edges = folders.entry(folder.join("/")).or_default();
        for (path, targets) in &named {
            if !path.starts_with(folder) {
                continue;
            }
            let node = |path: &[String]| match path.get(folder.len()) {
                Some(child) if inside.contains(child) => child.clone(),
                _ => "mod".to_string(),
            };
            for target in targets {
                let target = source_of(target, &aliases, &files);
                let (from, to) = (node(path), node(target));
                if target.starts_with(folder) && from != to {
                    edges.entry(from).or_default().insert(to);
                }
            }
        }
    }
    folders
}

/// All that can be reached from a file.
fn reached<'a>(edges: &'a Edges, from: &'a str) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for next in edges.get(at).into_iter().flatten() {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

#[test]
fn files_of_a_folder_name_only_what_is_before_them() {
    let mut wrong = Vec::new();
    let mut circles = BTreeSet::new();
    for (folder, edges) in edges() {
        for file in edges.keys() {
            let circle = reached(&edges, file);
            if !circle.contains(file.as_str()) {
                continue;
            }
            let back = circle
                .into_iter()
                .filter(|other| reached(&edges, other).contains(file.as_str()));
            circles.insert((folder.clone(), back.collect::<Vec<_>>().join(" ")));
        }
    }
    for (folder, circle) in &circles {
        let is_known = CIRCLES
            .iter()
            .any(|(known, files, _)| known == folder && files.join(" ") == *circle);
        if !is_known {
            wrong.push(format!("src/{folder}: {circle}"));
        }
    }
    for (folder, files, _) in CIRCLES {
        if !circles.contains(&(folder.to_string(), files.join(" "))) {
            wrong.push(format!(
                "src/{folder} has no such circle any more: {files:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "circles:\n{}", wrong.join("\n"));
}
