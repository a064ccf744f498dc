//! Building again with a JAR that changed: it is read once, and what comes of it is
//! what a first build makes.

use std::fs;

use serde_json::Value;

use super::{digest_of, project};
use crate::support::project::{Project, Run, noise};

const TWO: &str = "[udfs]\nrisk = { path = \"risk.jar\" }\nfraud = { path = \"fraud.jar\" }\n";

/// A JAR of 2 MB that does not compress.
fn big(project: &Project, name: &str, seed: u64) {
    let path = project.path("noise");
    noise(&path, 2_000_000, seed);
    let bytes = fs::read(&path).expect("a file");
    project.jar(name, &[("noise", &bytes)]);
}

fn build(project: &Project) -> Run {
    project.ok(&[
        "build",
        "--output",
        "oci-archive:out.tar",
        "--format",
        "json",
    ])
}

/// What a first build makes of the same files.
fn first(project: &Project, sections: &str) -> String {
    let other = super::project(sections);
    for name in ["risk.jar", "fraud.jar"] {
        other.write(name, fs::read(project.path(name)).expect("a JAR"));
    }
    digest_of(&other.ok(&["build", "--output", "oci:out"]).stdout)
}

fn digest(run: &Run) -> String {
    run.json()["digest"].as_str().expect("a digest").to_string()
}

/// Names of the project's own layers, and what became of them.
fn statuses(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let layers = json["layers"].as_array().expect("layers").iter();
    let own = layers.filter(|layer| layer["kind"] != "base");
    let word = |layer: &Value, key: &str| layer[key].as_str().unwrap_or_default().to_string();
    own.map(|layer| (word(layer, "name"), word(layer, "status")))
        .collect()
}

fn are(run: &Run, wanted: &[(&str, &str)]) {
    let found = statuses(run);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, status)| (name.as_str(), status.as_str()))
        .collect();
    assert_eq!(found, wanted);
}

fn blobs(project: &Project) -> usize {
    let folder = project.cache().join("blobs/sha256");
    fs::read_dir(folder).expect("blobs").count()
}

/// With both JARs, built once.
fn built() -> Project {
    let project = project(TWO);
    big(&project, "risk.jar", 1);
    big(&project, "fraud.jar", 2);
    are(&build(&project), &[("fraud", "built"), ("risk", "built")]);
    project
}

#[test]
fn one_that_changed_is_the_only_one_that_is_written() {
    let project = built();
    let before = blobs(&project);
    big(&project, "risk.jar", 3);
    let run = build(&project);
    are(&run, &[("fraud", "cached"), ("risk", "built")]);
    assert_eq!(digest(&run), first(&project, TWO));
    // The layer and the manifest.
    assert_eq!(blobs(&project), before + 2);
}

#[test]
fn two_that_changed_at_once() {
    let project = built();
    big(&project, "risk.jar", 3);
    big(&project, "fraud.jar", 4);
    let run = build(&project);
    are(&run, &[("fraud", "built"), ("risk", "built")]);
    assert_eq!(digest(&run), first(&project, TWO));
}

#[test]
fn one_that_was_only_touched_or_was_there_before() {
    let project = built();
    let same = digest(&build(&project));
    big(&project, "risk.jar", 1);
    let run = build(&project);
    are(&run, &[("fraud", "cached"), ("risk", "cached")]);
    assert_eq!(digest(&run), same);
    big(&project, "risk.jar", 3);
    build(&project);
    big(&project, "risk.jar", 1);
    let run = build(&project);
    are(&run, &[("fraud", "cached"), ("risk", "cached")]);
    assert_eq!(digest(&run), same);
}

#[test]
fn one_that_changed_and_goes_elsewhere() {
    let project = built();
    big(&project, "risk.jar", 3);
    let moved = TWO.replace("\"risk.jar\"", "\"risk.jar\", in = \"usrlib\"");
    project.write("flinkpack.toml", format!("{}{moved}", super::HEAD));
    let run = build(&project);
    are(&run, &[("fraud", "cached"), ("risk", "built")]);
    assert_eq!(digest(&run), first(&project, &moved));
    let tree = project.ok(&["inspect", "oci-archive:out.tar"]).stdout;
    assert!(tree.contains("usrlib"), "{tree}");
}

#[test]
fn one_that_is_none_any_more() {
    let project = built();
    let before = blobs(&project);
    project.write("risk.jar", vec![b'x'; 2_000_000]);
    let run = project.fails(1, &["build", "--output", "oci:out"]);
    let told = "risk.jar is not a JAR that can be used";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    project.write("risk.jar", "");
    let run = project.fails(1, &["build", "--output", "oci:out"]);
    assert!(run.stderr.contains(told), "{}", run.stderr);
    fs::remove_file(project.path("risk.jar")).unwrap();
    let run = project.fails(1, &["build", "--output", "oci:out"]);
    assert!(run.stderr.contains("risk.jar"), "{}", run.stderr);
    // No layer was made of any of that.
    assert_eq!(blobs(&project), before);
    big(&project, "risk.jar", 1);
    are(&build(&project), &[("fraud", "cached"), ("risk", "cached")]);
}

#[test]
fn what_is_only_looked_at_writes_no_layer() {
    let project = built();
    let before = blobs(&project);
    big(&project, "risk.jar", 3);
    project.ok(&["build", "--dry-run"]);
    project.ok(&["check"]);
    assert_eq!(blobs(&project), before);
}
