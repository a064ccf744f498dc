//! What scripts rely on: stdout, the metadata file, events, exit codes.

use std::path::Path;

use serde_json::Value;

use super::{digest_of, project, small_jar};
use crate::support::base::TinyBase;
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

fn with_udf() -> Project {
    let project = project("[udfs]\nrisk = { path = \"risk.jar\" }\n[filesystems]\noss = {}\n");
    project.write("risk.jar", small_jar("Risk"));
    project
}

/// The names of an object, sorted.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// The contract of the result of build and push.
fn check_result(result: &Value) {
    for name in [
        "image",
        "tags",
        "digest",
        "image_id",
        "base",
        "layers",
        "transferred",
        "seconds",
    ] {
        assert!(!result[name].is_null(), "{name}: {result}");
    }
    assert_eq!(names(result).len(), 8, "{result}");
    assert_eq!(names(&result["base"]), ["digest", "reference"]);
    assert_eq!(
        names(&result["transferred"]),
        ["daemon_bytes", "registry_bytes", "registry_requests"]
    );
    assert!(result["seconds"].is_f64());
    for layer in result["layers"].as_array().unwrap() {
        for name in ["kind", "digest", "diff_id", "size", "entries", "status"] {
            assert!(!layer[name].is_null(), "{name}: {layer}");
        }
        assert!(layer["diff_id"].as_str().unwrap().starts_with("sha256:"));
        let status = layer["status"].as_str().unwrap();
        assert!(
            [
                "cached", "built", "present", "mounted", "uploaded", "loaded"
            ]
            .contains(&status),
            "{status}"
        );
    }
}

fn statuses(result: &Value, own: bool) -> Vec<String> {
    let layers = result["layers"].as_array().unwrap().iter();
    layers
        .filter(|layer| (layer["kind"] != "base") == own)
        .map(|layer| layer["status"].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn the_metadata_file_and_stdout_hold_the_same_document() {
    let project = with_udf();
    let run = project.ok(&[
        "build",
        "--output",
        "oci:out",
        "--metadata-file",
        "deep/in/result.json",
        "--format",
        "json",
    ]);
    let result = run.json();
    check_result(&result);
    let file: Value = serde_json::from_str(&project.read("deep/in/result.json")).unwrap();
    assert_eq!(file, result);
    assert_eq!(result["image"], "registry.test/team/orders");
    assert_eq!(result["tags"], serde_json::json!(["1"]));
    assert_eq!(result["base"]["reference"], "oci:base");
    assert_eq!(statuses(&result, true), ["built", "built"]);
    assert_eq!(result["transferred"]["daemon_bytes"], 0);
    let digest = result["digest"].as_str().unwrap();
    let config = super::config(&project.path("out"), digest);
    assert!(
        config["rootfs"]["diff_ids"].as_array().unwrap().len()
            == result["layers"].as_array().unwrap().len()
    );
    let again = project
        .ok(&["build", "--output", "oci:out", "--format", "json"])
        .json();
    check_result(&again);
    assert_eq!(statuses(&again, true), ["present", "present"]);
    assert_eq!(again["digest"], result["digest"]);
    let anew = project
        .ok(&["build", "--output", "oci:new", "--format", "json"])
        .json();
    assert_eq!(statuses(&anew, true), ["cached", "cached"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn push_says_what_moved() {
    let registry = FaultRegistry::start().await;
    let project = with_udf();
    let text = project
        .read("flinkpack.toml")
        .replace("registry.test", registry.address());
    project.write("flinkpack.toml", text);
    TinyBase::flink("1.20.5").publish(&registry, "flink", "1.20");
    let base = format!("docker://{}/flink:1.20", registry.address());
    let run = project.ok(&[
        "build",
        "--base",
        &base,
        "--push",
        "--format",
        "json",
        "--metadata-file",
        "first.json",
    ]);
    let result = run.json();
    check_result(&result);
    assert_eq!(statuses(&result, true), ["uploaded", "uploaded"]);
    assert_eq!(statuses(&result, false), ["mounted", "mounted"]);
    assert!(result["transferred"]["registry_bytes"].as_u64().unwrap() > 0);
    assert!(
        run.stderr.contains("pushed 2 of 4 layers"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("2 mounted"), "{}", run.stderr);

    let result = project.ok(&["push", "--format", "json"]).json();
    check_result(&result);
    assert_eq!(statuses(&result, true), ["present", "present"]);
    assert_eq!(result["transferred"]["registry_requests"], 1);
    assert_eq!(result["transferred"]["registry_bytes"], 0);

    let run = project.ok(&[
        "push",
        "-t",
        "2",
        "-t",
        &format!("{}/other/place:3", registry.address()),
    ]);
    assert!(
        run.stdout
            .starts_with(&format!("{}/team/orders:2@sha256:", registry.address())),
        "{}",
        run.stdout
    );
    assert!(
        registry
            .state()
            .manifests
            .contains_key(&("other/place".to_string(), "3".to_string()))
    );
}

#[test]
fn push_before_build_is_told() {
    let project = with_udf();
    let run = project.fails(1, &["push"]);
    assert!(run.stderr.contains("nothing was built"), "{}", run.stderr);
    assert!(
        run.stderr.contains("hint: `flinkpack build --push`"),
        "{}",
        run.stderr
    );
    let empty = Project::new();
    let run = empty.run(&["push"]);
    assert!(run.stderr.contains("flinkpack.toml"), "{}", run.stderr);
}

#[test]
fn stdout_carries_the_result_alone() {
    let project = with_udf();
    let run = project.ok(&["build", "--output", "oci:out"]);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    let digest = digest_of(&run.stdout);
    assert_eq!(
        run.stdout,
        format!("registry.test/team/orders:1@{digest}\n")
    );
    for args in [
        &["build", "-vv", "--output", "oci:out"][..],
        &["build", "-q", "--output", "oci:out"],
        &["build", "--progress", "json", "--output", "oci:out"],
        &["build", "--color", "always", "--output", "oci:out"],
    ] {
        assert_eq!(project.ok(args).stdout, run.stdout, "{args:?}");
    }
    assert_eq!(project.ok(&["build", "-q", "--output", "oci:x"]).stderr, "");
    assert_eq!(
        project
            .ok(&["build", "--progress", "none", "--output", "oci:y"])
            .stderr,
        ""
    );
}

#[test]
fn the_last_line_says_what_moved() {
    let project = with_udf();
    let first = project.ok(&["build", "--output", "oci:out"]);
    let last = first.stderr.lines().last().unwrap();
    assert!(last.starts_with("wrote oci:out:1, "), "{}", first.stderr);
    let second = project.ok(&["build", "--output", "oci:out"]);
    assert_eq!(
        second.stderr.lines().count(),
        1,
        "nothing changed, one line: {}",
        second.stderr
    );
}

#[test]
fn events_are_json_lines() {
    let project = with_udf();
    let run = project.ok(&["build", "--progress", "json", "--output", "oci:out"]);
    let mut open = std::collections::HashMap::new();
    let mut ended = 0;
    for line in run.stderr.lines() {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match event["event"].as_str().unwrap() {
            "started" => {
                assert!(
                    event["phase"].is_string() && event["name"].is_string(),
                    "{event}"
                );
                open.insert(event["id"].as_u64().unwrap(), 0u64);
            }
            "advanced" => {
                *open.get_mut(&event["id"].as_u64().unwrap()).unwrap() +=
                    event["bytes"].as_u64().unwrap()
            }
            "finished" => {
                let bytes = open.remove(&event["id"].as_u64().unwrap()).unwrap();
                assert_eq!(event["bytes"], bytes, "{event}");
                assert_ne!(event["outcome"], "stopped", "{event}");
                ended += 1;
            }
            "note" | "detail" | "warning" => assert!(event["text"].is_string(), "{event}"),
            other => panic!("{other}"),
        }
    }
    assert!(open.is_empty() && ended > 0, "{open:?}");
    let failed = project.fails(
        1,
        &[
            "build",
            "--progress",
            "json",
            "--base",
            "oci:absent",
            "--output",
            "oci:x",
        ],
    );
    let last = failed
        .stderr
        .lines()
        .find(|line| !line.starts_with('{'))
        .unwrap_or_default();
    assert!(last.starts_with("error:"), "{}", failed.stderr);
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = with_udf();
    let run = project.ok(&["build", "--dry-run", "--output", "oci:out", "--push"]);
    assert!(
        run.stdout
            .contains("would build registry.test/team/orders:1"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("lock: flinkpack.lock is new"),
        "{}",
        run.stdout
    );
    for name in ["out", "flinkpack.lock", "target"] {
        assert!(!project.path(name).exists(), "{name}");
    }
    let forecast = project
        .ok(&[
            "build",
            "--dry-run",
            "--output",
            "oci:out",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        forecast["references"],
        serde_json::json!(["registry.test/team/orders:1"])
    );
    assert!(forecast["build_bytes"].as_u64().unwrap() > 0);
    assert!(forecast["daemon_bytes"].is_null());
    project.ok(&["build", "--output", "oci:out"]);
    let forecast = project
        .ok(&[
            "build",
            "--dry-run",
            "--output",
            "oci:out",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(forecast["build_bytes"], 0, "{forecast}");
    assert_eq!(forecast["lock_changes"], serde_json::json!([]));
    let run = project.fails(2, &["build", "--dry-run", "--metadata-file", "x.json"]);
    assert!(run.stderr.contains("--metadata-file"), "{}", run.stderr);
}

#[test]
fn several_outputs_at_once() {
    let project = with_udf();
    let run = project.ok(&[
        "build",
        "--output",
        "oci:out",
        "--output",
        "oci-archive:a/out.tar",
        "--output",
        "docker-archive:b.tar",
    ]);
    for name in ["out/index.json", "a/out.tar", "b.tar"] {
        assert!(project.path(name).is_file(), "{name}");
    }
    let inspected = project
        .ok(&["inspect", "oci-archive:a/out.tar", "--format", "json"])
        .json();
    assert_eq!(inspected["digest"], digest_of(&run.stdout));
    let run = project.fails(2, &["build", "--output", "oci:out", "--output", "oci:out"]);
    assert!(run.stderr.contains("same place twice"), "{}", run.stderr);
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let project = with_udf();
    project.write("file", "x");
    for (output, word) in [
        ("oci:file/out", "file/out"),
        ("oci-archive:file/out.tar", "file"),
        ("docker-archive:file/out.tar", "file"),
        ("oci:file", "file"),
    ] {
        let run = project.fails(1, &["build", "--output", output]);
        assert!(run.stderr.contains(word), "{output}: {}", run.stderr);
        assert!(run.stdout.is_empty());
    }
    let run = project.fails(
        1,
        &[
            "build",
            "--output",
            "oci:out",
            "--metadata-file",
            "file/result.json",
        ],
    );
    assert!(run.stderr.contains("result.json"), "{}", run.stderr);
    assert!(Path::new(&project.path("file")).is_file());
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let project = with_udf();
    let mut child = project
        .command(&["plugins"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let run = crate::support::project::Run::of(child.wait_with_output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
