//! `flinkpack plugins`, and rows of a project's own.

use super::{project, repository, small_jar};
use crate::support::project::Project;

#[test]
fn the_list_fits_a_terminal() {
    let project = Project::new();
    for args in [
        &["plugins"][..],
        &["plugins", "--flink", "1.20"],
        &["plugins", "--flink", "2.0.1"],
    ] {
        let run = project.ok(args);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{args:?}: {line}");
            assert_eq!(
                line.trim_end(),
                line,
                "{args:?}: blanks at the end of {line:?}"
            );
        }
        assert!(run.stderr.is_empty(), "{}", run.stderr);
    }
    let text = project.ok(&["plugins", "--flink", "1.20"]).stdout;
    for name in ["kafka", "jdbc", "s3-hadoop", "oss"] {
        assert!(
            text.lines().any(|line| line.trim_start().starts_with(name)),
            "{name}: {text}"
        );
    }
    assert!(
        !text.contains("swift"),
        "there is no Swift for 1.20: {text}"
    );
}

#[test]
fn as_json_it_says_the_same() {
    let project = Project::new();
    let rows = project
        .ok(&["plugins", "--flink", "1.20", "--format", "json"])
        .json();
    let rows = rows.as_array().unwrap();
    let kafka = rows.iter().find(|row| row["name"] == "kafka").unwrap();
    assert_eq!(kafka["kind"], "connector");
    assert!(
        kafka["versions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|version| version.as_str().unwrap().ends_with("-1.20"))
    );
    let all = project.ok(&["plugins", "--format", "json"]).json();
    assert!(all.as_array().unwrap().len() > rows.len());
}

#[test]
fn a_project_adds_rows_of_its_own() {
    let project = project("[connectors]\nacme = \"auto\"\n");
    project.write(
        "plugins/connectors/acme.toml",
        "name = \"acme\"\nkind = \"connector\"\nabout = \"Acme's own\"\n\n[[release]]\nversion = \"1.0\"\nflink = [\"1.20\"]\nmaven = \"com.example:acme\"\nfat = true\n",
    );
    let listed = project.run(&["plugins", "--flink", "1.20"]);
    assert!(
        listed.stdout.contains("Acme's own"),
        "{}{}",
        listed.stdout,
        listed.stderr
    );
    let server = repository(&project);
    server.release("com.example:acme:1.0", &small_jar("Acme"), "");
    project.ok(&["build", "--output", "oci:out"]);
    assert!(
        project
            .read("flinkpack.lock")
            .contains("com.example:acme:1.0")
    );

    project.write("plugins/connectors/broken.toml", "name = 7\n");
    let run = project.fails(2, &["plugins"]);
    assert!(run.stderr.contains("broken.toml"), "{}", run.stderr);
}
