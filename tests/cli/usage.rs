//! `init`, `inspect`, `completions`, help.

use super::transcript::Transcript;
use super::{alone, project, small_jar};
use crate::support::project::Project;

#[test]
fn init_writes_a_manifest_that_only_lacks_the_base() {
    let mut project = Project::new();
    alone(&mut project);
    let run = project.ok(&["init"]);
    assert!(run.stdout.is_empty());
    assert!(
        run.stderr.contains("wrote flinkpack.toml"),
        "{}",
        run.stderr
    );
    let text = project.read("flinkpack.toml");
    // Without a network the base is what fails, and it alone.
    let run = project.fails(1, &["build", "--dry-run", "--offline"]);
    assert!(run.stderr.contains("base"), "{}", run.stderr);
    let on_tiny = regex_base(&text);
    project.write("flinkpack.toml", on_tiny);
    crate::support::base::TinyBase::flink("1.20.5").write(&project.path("base"));
    project.ok(&["build", "--dry-run"]);

    let mine = project.write("flinkpack.toml", "# mine\n");
    let run = project.fails(1, &["init"]);
    assert!(
        run.stderr.contains("is there already") && run.stderr.contains("hint:"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "# mine\n");
    project.ok(&["init", "--manifest", "other/job.toml"]);
    assert_eq!(project.read("other/job.toml"), text);
}

fn regex_base(text: &str) -> String {
    text.lines()
        .map(|line| match line.starts_with("base = ") {
            true => "base = \"oci:base\"".to_string(),
            false => line.to_string(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a line begins as `key = ` does.
fn is_setting(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(key, _)| {
        let key = key.trim_matches('"');
        !key.contains(' ') || key.starts_with('/')
    })
}

/// The template's comments are examples that work when they are taken in.
#[test]
fn what_init_comments_out_is_right() {
    let project = Project::new();
    project.ok(&["init"]);
    let text = project.read("flinkpack.toml");
    let taken: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || is_setting(rest) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(taken, text);
    let path = project.path("flinkpack.toml");
    flinkpack::manifest::Manifest::of_text(&path, &taken)
        .unwrap_or_else(|error| panic!("{}", error.report()));
}

#[test]
fn inspect_tells_what_is_in_an_image() {
    let project = project(
        "[udfs]\nrisk = { path = \"risk.jar\" }\nfraud = { path = \"fraud.jar\", in = \"usrlib\" }\n[filesystems]\ns3-hadoop = {}\noss = { place = \"move\" }\n",
    );
    project.write("risk.jar", small_jar("Risk"));
    project.write("fraud.jar", small_jar("Fraud"));
    let built = project.ok(&["build", "--output", "oci:out"]);
    let mut run = project.ok(&["inspect", "oci:out"]);
    run.stderr.clear();
    let mut transcript = Transcript::new();
    let host = flinkpack::image::Platform::host().to_string();
    transcript.failure(
        "flinkpack inspect oci:out",
        &project,
        &run,
        &[(&host, "[host]")],
    );
    transcript.check("inspect");
    let found = project
        .ok(&["inspect", "oci:out:1", "--format", "json"])
        .json();
    assert_eq!(found["digest"], super::digest_of(&built.stdout));
    assert_eq!(found["flink"], "1.20.5");
    assert_eq!(found["scala"], "2.12");
    assert_eq!(found["java"], 17);
    assert_eq!(found["flink_home"], "/opt/flink");
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|file| file["name"].as_str().unwrap().to_string())
            .collect()
    };
    assert!(names(&found["lib"]).contains(&"risk.jar".to_string()));
    assert_eq!(names(&found["usrlib"]), ["fraud.jar"]);
    assert_eq!(names(&found["plugins"]), ["oss", "s3-hadoop"]);
    assert_eq!(
        names(&found["opt"]),
        ["flink-s3-fs-hadoop-1.20.5.jar"],
        "oss moved"
    );
    assert_eq!(
        names(&found["artifacts"]),
        ["risk", "oss", "s3-hadoop", "fraud"]
    );
    assert_eq!(found["base"]["reference"], "oci:base");
    let run = project.ok(&["inspect", "oci:base", "--format", "json"]);
    assert_eq!(run.json()["artifacts"], serde_json::json!([]));
    let run = project.fails(1, &["inspect", "oci:out:nope"]);
    assert!(
        run.stderr.contains("nope") && run.stderr.contains("it has 1"),
        "{}",
        run.stderr
    );
}

#[test]
fn completions_for_each_shell() {
    let project = Project::new();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef flinkpack"),
        ("fish", "complete -c flinkpack"),
    ] {
        let run = project.ok(&["completions", shell]);
        assert!(run.stdout.contains(word), "{shell}");
        assert!(
            run.stdout.contains("inspect") && run.stdout.contains("metadata-file"),
            "{shell}"
        );
    }
    project.fails(2, &["completions", "tcl"]);
}

#[test]
fn help_fits_a_terminal_and_says_what_each_does() {
    let project = Project::new();
    for args in [
        &["--help"][..],
        &["build", "--help"],
        &["lock", "-h"],
        &["base", "build", "-h"],
        &["cache", "prune", "-h"],
    ] {
        let run = project.ok(args);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 100, "{args:?}: {line}");
        }
    }
    let help = project.ok(&["--help"]).stdout;
    for command in [
        "init",
        "lock",
        "build",
        "push",
        "inspect",
        "base",
        "plugins",
        "cache",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
    assert!(project.ok(&["--version"]).stdout.starts_with("flinkpack "));
}

#[test]
fn another_folder_that_is_not_there() {
    let project = Project::new();
    let run = project.run(&["-C", "absent", "build"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("absent"), "{}", run.stderr);
}
