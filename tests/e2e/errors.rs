//! What would give a broken image is refused, and nothing is built.

use crate::support::docker::Docker;
use crate::support::project::{Run, environment};

use super::{name, project};

/// A build on this base with these rows in the manifest, and with JARs of these
/// names; it must be refused.
fn refused(base: &str, rows: &str, jars: &[&str]) -> Run {
    let image = name("refused");
    let project = project(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"{}\"\n{rows}\n",
        environment(base)
    ));
    for jar in jars {
        project.jar(jar, &[("A.class", b"\xca\xfe\xba\xbe")]);
    }
    let run = project.fails(2, &["build"]);
    assert_eq!(run.stdout, "");
    let inspected = Docker::classic().run(&["image", "inspect", &format!("{image}:1")]);
    assert_ne!(inspected.code, 0, "an image was made");
    run
}

/// Whether the error has all of these words.
fn says(run: &Run, words: &[&str]) {
    for word in words {
        assert!(run.stderr.contains(word), "{word}:\n{}", run.stderr);
    }
}

#[test]
fn swift_where_it_was_removed() {
    let run = refused("FLINKPACK_TEST_BASE_1_13", "[filesystems]\nswift = {}", &[]);
    says(
        &run,
        &["flinkpack.toml:6", "swift", "removed", "1.13", "hint: "],
    );
}

#[test]
fn gs_before_there_was_any() {
    let run = refused("FLINKPACK_TEST_BASE_1_13", "[filesystems]\ngs = {}", &[]);
    says(&run, &["flinkpack.toml:6", "gs", "1.15", "1.13", "hint: "]);
}

#[test]
fn a_second_planner() {
    let jar = "flink-table-planner_2.12-1.20.5.jar";
    let rows = format!("[connectors]\nplanner = {{ path = \"{jar}\" }}");
    let run = refused("FLINKPACK_TEST_BASE_1_20", &rows, &[jar]);
    says(
        &run,
        &[
            jar,
            "flink-table-planner-loader-1.20.5.jar",
            "one planner only",
            "hint: ",
        ],
    );
}

#[test]
fn s3_in_lib() {
    let jar = "flink-s3-fs-hadoop-1.12.5.jar";
    let rows = format!("[connectors]\ns3 = {{ path = \"{jar}\" }}");
    let run = refused("FLINKPACK_TEST_BASE_1_12", &rows, &[jar]);
    says(&run, &[jar, "in lib/", "plugins/", "[filesystems]"]);
}
