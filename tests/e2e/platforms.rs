//! An index: into the registry, read by skopeo, pulled by a daemon that takes its
//! own part of it.

use std::process::Command;

use flinkpack::image::Platform;
use serde_json::Value;

use super::name;
use crate::support::base::{Tar, TinyBase};
use crate::support::docker::Docker;
use crate::support::project::{Project, Run};

const BOTH: &str = "linux/amd64,linux/arm64";

fn skopeo(args: &[&str]) -> String {
    let output = Command::new("skopeo").args(args).output();
    let run = Run::of(output.expect("skopeo runs"));
    assert_eq!(run.code, 0, "skopeo {args:?}: {}", run.stderr);
    run.stdout
}

#[test]
fn an_index_is_pushed_read_and_pulled() {
    let (base, image) = (name("platforms-base"), name("platforms"));
    let mut project = Project::with_manifest(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\", \"2\"]\nbase = \"{base}:1\"\n[udfs]\nrisk = {{ path = \"risk.jar\" }}\n"
    ));
    project.write(
        "risk.jar",
        crate::support::project::jar(&[("x/Risk.class", b"x")]),
    );
    let bases = ["amd64", "arm64"].map(|platform| {
        let native = Tar::new()
            .folder("usr")
            .file("usr/native", platform.as_bytes());
        TinyBase::flink("1.20.5")
            .platform(&format!("linux/{platform}"))
            .layer(native)
    });
    TinyBase::write_index(&project.path("base"), &[&bases[0], &bases[1]]);
    let layout = format!("oci:{}", project.path("base").display());
    let at = format!("docker://{base}:1");
    skopeo(&[
        "copy",
        "-q",
        "--all",
        "--dest-tls-verify=false",
        &layout,
        &at,
    ]);

    let docker = Docker::classic();
    project.set("DOCKER_HOST", docker.host());
    let pushed = project
        .ok(&[
            "build",
            "--push",
            "--sbom",
            "--platform",
            BOTH,
            "--format",
            "json",
        ])
        .json();
    let digest = pushed["digest"].as_str().expect("a digest");
    for tag in ["1", "2"] {
        let raw = skopeo(&[
            "inspect",
            "--raw",
            "--tls-verify=false",
            &format!("docker://{image}:{tag}"),
        ]);
        assert_eq!(
            flinkpack::image::Digest::of(raw.as_bytes()).to_string(),
            digest
        );
        let index: Value = serde_json::from_str(&raw).expect("an index");
        assert_eq!(index["manifests"].as_array().map(Vec::len), Some(2));
    }
    // skopeo copies what is whole and right only.
    let copy = format!("oci:{}:1", project.path("copy").display());
    skopeo(&[
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        &format!("docker://{image}:1"),
        &copy,
    ]);
    let seen = project
        .ok(&[
            "inspect",
            &format!("docker://{image}:1"),
            "--format",
            "json",
        ])
        .json();
    assert_eq!(seen["index"]["digest"], digest);
    assert_eq!(seen["attached"].as_array().map(Vec::len), Some(1));

    let again = project
        .ok(&[
            "build",
            "--push",
            "--platform",
            BOTH,
            "-t",
            "1",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(again["transferred"]["registry_requests"], 1);

    // The daemon gets its own platform, and pulls the same from the index.
    let host = Platform::host();
    let tag = docker.removed_later(format!("{image}:1"));
    let loaded = project.ok(&["build", "--platform", BOTH, "-t", "1"]);
    let other = if host.architecture == "amd64" {
        "linux/arm64"
    } else {
        "linux/amd64"
    };
    let told = format!("the daemon takes {host} alone; {other} goes to registries and files");
    assert!(loaded.stderr.contains(&told), "{}", loaded.stderr);
    assert!(loaded.stdout.contains(digest), "{}", loaded.stdout);
    let format = [
        "image",
        "inspect",
        "--format",
        "{{.Os}}/{{.Architecture}} {{.Id}}",
    ];
    let inspected = |name: &str| docker.ok(&[&format[..], &[name]].concat());
    let own = inspected(&format!("{image}:1"));
    assert!(own.starts_with(&host.to_string()), "{own}");
    drop(tag);
    let _tag = docker.removed_later(format!("{image}:2"));
    docker.ok(&["pull", "-q", &format!("{image}:2")]);
    assert_eq!(inspected(&format!("{image}:2")), own);
}
