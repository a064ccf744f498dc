//! Other tools read what was written, and see the same image.

use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::support::docker::Docker;
use crate::support::project::{Run, environment};

use super::{name, project};

/// Runs a command in a folder; what it printed.
fn ok(folder: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let run = Run::of(output);
    assert_eq!(
        run.code, 0,
        "{program} {args:?}\n{}{}",
        run.stdout, run.stderr
    );
    run.stdout
}

/// All paths of a tree with kind, mode, owner, and a file's size or a link's
/// target. What engines put into a container is left out.
const LIST: &str = r"find . -mindepth 1 -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./.dockerenv \
  -o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf -o -path ./etc/mtab \) -prune -o \
  \( -type f -printf '%P %m %U:%G %s\n' -o -printf '%P %y %m %U:%G [%l]\n' \) | LC_ALL=C sort";

/// What was added, hashed.
const SUMS: &str = "cd opt/flink && sha256sum lib/*.jar opt/*.jar conf/* | LC_ALL=C sort -k 2";

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn texts<'a>(values: &'a serde_json::Value, pointer: &str) -> Vec<&'a str> {
    values
        .as_array()
        .expect("a list")
        .iter()
        .map(|value| value.pointer(pointer).and_then(|text| text.as_str()))
        .map(|text| text.expect("a text"))
        .collect()
}

#[test]
fn skopeo_umoci_and_docker_agree() {
    let image = name("interop");
    let base = environment("FLINKPACK_TEST_BASE_1_8");
    let project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{base}"
[udfs]
risk = {{ path = "risk-udf.jar" }}
[filesystems]
s3-hadoop = {{}}
swift = {{ place = "move" }}
[config]
"parallelism.default" = "3"
[files]
"/opt/flink/scripts/run.sh" = {{ path = "run.sh", mode = "0750" }}
"#
    ));
    project.write("run.sh", "#!/bin/sh\n");
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    // One run, five places.
    project.ok(&[
        "build",
        "--load",
        "--push",
        "--output",
        "oci:layout:1",
        "--output",
        "oci-archive:oci.tar:1",
        "--output",
        "docker-archive:docker.tar",
        "--metadata-file",
        "metadata.json",
    ]);
    let image = format!("{image}:1");
    let made = json(&project.read("metadata.json"));
    let digest = made["digest"].as_str().expect("a digest");
    let blobs = texts(&made["layers"], "/digest");
    let diff_ids = texts(&made["layers"], "/diff_id");
    assert_eq!(made["layers"].as_array().expect("a list").len(), 9);

    let folder = project.folder();
    let registry = format!("docker://{image}");
    for (options, place) in [
        (&[][..], "oci:layout:1"),
        (&[], "oci-archive:oci.tar:1"),
        (&["--tls-verify=false"], &registry),
    ] {
        let mut args = vec!["inspect"];
        args.extend(options);
        args.push(place);
        let seen = json(&ok(&folder, "skopeo", &args));
        assert_eq!(seen["Digest"], digest, "{place}");
        assert_eq!(texts(&seen["Layers"], ""), blobs, "{place}");
    }
    // Copying reads every blob, and checks it.
    ok(&folder, "skopeo", &["copy", "oci:layout:1", "dir:copied"]);
    let copied = std::fs::read(project.path("copied/manifest.json")).expect("a manifest");
    assert_eq!(
        format!("sha256:{}", hex::encode(Sha256::digest(&copied))),
        digest
    );

    let format = "{{.Id}} {{json .RootFS.Layers}}";
    let inspect = ["image", "inspect", "--format", format, &image];
    let of_docker = docker.ok(&inspect);
    let (id, layers) = of_docker.split_once(' ').expect("two words");
    assert_eq!(id, made["image_id"]);
    assert_eq!(texts(&json(layers), ""), diff_ids);

    ok(
        &folder,
        "umoci",
        &["unpack", "--image", "layout:1", "bundle"],
    );
    let rootfs = project.path("bundle/rootfs");
    let bash = |script: &str| ok(&rootfs, "bash", &["-ec", script]);
    let in_docker = |script: &str| docker.shell(&image, &format!("cd /; {script}"));
    let (ours, theirs) = (bash(LIST), in_docker(LIST));
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.trim(), theirs);
    for line in [
        "opt/flink/lib/flink-s3-fs-hadoop-1.8.0.jar l 777 9999:9999 [../opt/flink-s3-fs-hadoop-1.8.0.jar]",
        "opt/flink/scripts/run.sh 750 9999:9999 10",
        "opt/flink/scripts d 755 9999:9999 []",
    ] {
        assert!(ours.lines().any(|other| other == line), "{line}");
    }
    assert!(!ours.contains("opt/flink/opt/flink-swift"), "moved away");
    let sums = bash(SUMS);
    assert_eq!(sums.trim(), in_docker(SUMS));
    let udf = std::fs::read(project.path("risk-udf.jar")).expect("a JAR");
    let line = format!("{}  lib/risk-udf.jar", hex::encode(Sha256::digest(&udf)));
    assert!(sums.lines().any(|other| other == line), "{sums}");

    // What was built last is this image, and it is there already.
    let run = project.ok(&["push", "--metadata-file", "pushed.json"]);
    assert_eq!(json(&project.read("pushed.json"))["digest"], digest);
    assert!(run.stderr.contains("pushed nothing"), "{}", run.stderr);

    // The archive for docker is the same image again.
    docker.ok(&["rmi", &image]);
    let archive = project.path("docker.tar").display().to_string();
    docker.ok(&["load", "-q", "-i", &archive]);
    assert_eq!(docker.ok(&inspect), of_docker);
}
