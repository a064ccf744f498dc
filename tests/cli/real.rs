//! The same commands on the real daemon and the real registry.

use super::{HEAD, digest_of, small_jar};
use crate::support::project::{Project, environment};

/// A project on the real base, whose image has a name of its own.
fn real(name: &str) -> (Project, String) {
    let image = format!(
        "{}/cli-{name}-{}",
        environment("FLINKPACK_TEST_REGISTRY"),
        std::process::id()
    );
    let text = HEAD
        .replace("registry.test/team/orders", &image)
        .replace("oci:base", &environment("FLINKPACK_TEST_BASE_1_20"));
    let mut project = Project::with_manifest(&format!(
        "{text}[udfs]\nrisk = {{ path = \"risk.jar\" }}\n[filesystems]\ns3-hadoop = {{}}\n"
    ));
    project.set("DOCKER_HOST", environment("DOCKER_HOST"));
    project.write("risk.jar", small_jar("Risk"));
    (project, image)
}

fn docker(args: &[&str]) -> (bool, String) {
    let output = std::process::Command::new("docker")
        .args(args)
        .output()
        .expect("docker");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn load_and_push_and_inspect_agree() {
    let (project, image) = real("agree");
    let loaded = project.ok(&["build", "--load", "--format", "json"]).json();
    let (found, id) = docker(&["image", "inspect", "-f", "{{.Id}}", &format!("{image}:1")]);
    assert!(found);
    let id = id.trim();
    assert!(
        loaded["image_id"] == id || loaded["digest"] == id,
        "{id}: {loaded}"
    );
    let pushed = project.ok(&["push"]);
    let digest = digest_of(&pushed.stdout);
    assert_eq!(loaded["digest"], digest);
    let there = project
        .ok(&[
            "inspect",
            &format!("docker://{image}:1"),
            "--format",
            "json",
        ])
        .json();
    assert_eq!(there["digest"], digest);
    let here = project
        .ok(&[
            "inspect",
            &format!("docker-daemon:{image}:1"),
            "--format",
            "json",
        ])
        .json();
    assert_eq!(here["lib"], there["lib"]);
    assert_eq!(here["plugins"], there["plugins"]);
    let again = project
        .ok(&["build", "--load", "--push", "--format", "json"])
        .json();
    assert_eq!(again["digest"], digest);
    assert_eq!(again["transferred"]["daemon_bytes"], 0);
    assert_eq!(again["transferred"]["registry_requests"], 1);
    let (removed, _) = docker(&["image", "rm", &format!("{image}:1")]);
    assert!(removed);
}

#[test]
fn one_processor_or_all_give_one_digest_on_a_real_base() {
    let (project, _) = real("digest");
    let first = digest_of(
        &project
            .ok(&[
                "build",
                "--output",
                "oci:a",
                "--base",
                &format!("docker://{}", environment("FLINKPACK_TEST_BASE_1_20")),
            ])
            .stdout,
    );
    let (second, _) = real("digest");
    let digest = digest_of(
        &second
            .ok(&[
                "build",
                "--no-cache",
                "--output",
                "oci:a",
                "--base",
                &format!("docker://{}", environment("FLINKPACK_TEST_BASE_1_20")),
            ])
            .stdout,
    );
    assert_eq!(first, digest);
}
