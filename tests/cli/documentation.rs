//! The examples of README and docs: manifests are read and fit the schema, sessions are
//! executed.

use std::fs;
use std::path::Path;

use flinkpack::manifest::{Manifest, schema::schema};

use super::{alone, mirror, small_jar};
use crate::support::base::TinyBase;
use crate::support::maven::Server;
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

/// A block between fences: the word behind the first of them, and its lines.
struct Block {
    word: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(word), None) => {
                open = Some(Block {
                    word: word.to_string(),
                    text: String::new(),
                });
            }
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    blocks
}

/// README and the pages of docs/, with their names.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    let docs = fs::read_dir(root.join("docs")).expect("docs/");
    paths.extend(docs.map(|entry| entry.expect("an entry").path()));
    paths.sort();
    let pages = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), fs::read_to_string(path).expect("a page"))
        })
        .collect()
}

#[test]
fn every_manifest_is_read_and_fits_the_schema() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut manifests: Vec<(String, String)> = Vec::new();
    for (name, page) in pages() {
        let own = blocks(&page)
            .into_iter()
            .filter(|block| block.word == "toml");
        // A part of a manifest is shown without what every manifest has.
        manifests.extend(own.map(|block| {
            let rest = match block.text.contains("[image") {
                true => block.text,
                false => format!(
                    "[image]\nname = \"a/b\"\nbase = \"flink:1.20.1\"\n{}",
                    block.text
                ),
            };
            let rest = match rest.contains("[image.base]") && !rest.contains("[image]") {
                true => format!("[image]\nname = \"a/b\"\n{rest}"),
                false => rest,
            };
            (name.clone(), rest)
        }));
    }
    for name in ["examples/orders/flinkpack.toml", "src/ops/init/init.toml"] {
        let text = fs::read_to_string(root.join(name)).expect("a manifest");
        manifests.push((name.to_string(), text));
    }
    assert!(manifests.len() > 10, "{}", manifests.len());
    for (name, text) in manifests {
        if let Err(error) = Manifest::of_text(Path::new("flinkpack.toml"), &text) {
            panic!("{name}: {}\n{text}", error.report());
        }
        let value: serde_json::Value = toml::from_str(&text).expect("TOML");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{text}");
    }
}

#[test]
fn the_schema_refuses_what_flinkpack_refuses() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let head = "[image]\nname = \"a/b\"\nbase = \"flink:1.20.1\"\n";
    for wrong in [
        "[conectors]\n",
        "[udfs]\nrisk = { path = \"a.jar\", into = \"lib\" }\n",
        "[udfs]\nrisk = { path = \"a.jar\", in = \"opt\" }\n",
        "[filesystems]\ns3-hadoop = { place = \"beside\" }\n",
        "[check]\nallow = [{ code = \"FP0101\" }]\n",
    ] {
        let text = format!("{head}{wrong}");
        let value: serde_json::Value = toml::from_str(&text).expect("TOML");
        assert!(!validator.is_valid(&value), "{text}");
        assert!(
            Manifest::of_text(Path::new("flinkpack.toml"), &text).is_err(),
            "{text}"
        );
    }
}

#[test]
fn manual_pages_are_written_into_a_new_folder() {
    let project = Project::new();
    project.ok(&["man", "share/man1"]);
    let build = project.read("share/man1/flinkpack-build.1");
    assert!(
        build.contains("metadata") && build.contains("locked"),
        "{build}"
    );
    assert!(project.read("share/man1/flinkpack.1").contains(".TH"));
}

/// What the examples stand on: bases, a UDF, a registry, a Maven repository.
async fn prepared() -> (Project, FaultRegistry, Server) {
    let mut project = Project::new();
    TinyBase::flink("1.20.5").write(&project.path("base"));
    let [amd64, arm64] =
        ["linux/amd64", "linux/arm64"].map(|name| TinyBase::flink("1.20.5").platform(name));
    TinyBase::write_index(&project.path("bases"), &[&amd64, &arm64]);
    project.write("target/risk-udf.jar", small_jar("Risk"));
    alone(&mut project);
    let maven = Server::start();
    let driver = "<dependency><groupId>com.acme</groupId><artifactId>acme-driver</artifactId><version>2.0</version></dependency>";
    maven.release("com.acme:acme-connector:1.2", &small_jar("Acme"), driver);
    maven.release("com.acme:acme-driver:2.0", &small_jar("Driver"), "");
    mirror(&project, maven.url("/m2").as_str());
    (project, FaultRegistry::start().await, maven)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_is_what_happens() {
    let mut executed = 0;
    for (name, page) in pages() {
        let (project, registry, _maven) = prepared().await;
        let here = |text: &str| text.replace("registry.example.com", registry.address());
        for block in blocks(&page) {
            match block.word.as_str() {
                "toml" if block.text.starts_with("# flinkpack.toml\n") => {
                    project.write("flinkpack.toml", here(&block.text));
                }
                "console" => {
                    executed += session(&name, &project, &here(&block.text));
                }
                _ => {}
            }
        }
    }
    assert!(executed >= 8, "{executed} commands were executed");
}

/// Executes the commands of a block, each behind `$ `; answers how many.
fn session(page: &str, project: &Project, text: &str) -> usize {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("{page}: a session begins with `$ `"),
        }
    }
    for (command, shown) in &commands {
        let (words, code) = match command.split_once("  # exit code ") {
            Some((words, code)) => (words, code.parse().expect("an exit code")),
            None => (*command, 0),
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(words[0], "flinkpack", "{page}: {command}");
        let run = project.run(&words[1..]);
        let printed = project.masked(&format!("{}{}", run.stderr, run.stdout));
        let printed: Vec<&str> = printed.lines().collect();
        assert_eq!(run.code, code, "{page}: {command}\n{}", printed.join("\n"));
        assert!(
            fits(shown, &printed),
            "{page}: {command}\n--- shown\n{}\n--- printed\n{}",
            shown.join("\n"),
            printed.join("\n")
        );
    }
    commands.len()
}

/// Whether the printed lines are as shown: `...` stands for lines, `…` for a part of one.
fn fits(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => (0..=printed.len()).any(|at| fits(rest, &printed[at..])),
        (Some((line, rest)), Some((other, others))) => line_fits(line, other) && fits(rest, others),
        _ => false,
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown == printed,
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            (0..=printed.len())
                .filter(|at| printed.is_char_boundary(*at))
                .any(|at| line_fits(rest, &printed[at..]))
        }),
    }
}
