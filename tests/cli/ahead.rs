//! A JAR that changed goes to the registry while the rest of its image is made.

use std::fs;
use std::time::Duration;

use super::{HEAD, alone};
use crate::support::base::TinyBase;
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::maven::{Reply, Server};
use crate::support::project::{Project, Run, noise};
use crate::support::registry::FaultRegistry;

const UDFS: &str = "[udfs]\nrisk = { path = \"risk.jar\" }\n";

/// A JAR of 2 MB that does not compress.
fn big(project: &Project, seed: u64) {
    let path = project.path("noise");
    noise(&path, 2_000_000, seed);
    let bytes = fs::read(&path).expect("a file");
    project.jar("risk.jar", &[("noise", &bytes)]);
}

fn head(registry: &FaultRegistry) -> String {
    HEAD.replace("registry.test", registry.address())
}

/// A project that was pushed once, and whose JAR has changed since; the registry's
/// log begins after that.
fn changed(registry: &FaultRegistry) -> Project {
    let mut project = Project::with_manifest(&format!("{}{UDFS}", head(registry)));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    alone(&mut project);
    big(&project, 1);
    push(&project);
    big(&project, 2);
    registry.clear_log();
    project
}

fn push(project: &Project) -> Run {
    project.ok(&["build", "--push", "--format", "json"])
}

/// PUTs that ended an upload.
fn uploads(registry: &FaultRegistry) -> usize {
    registry.count("PUT", "/blobs/uploads/")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_sent_once_and_with_no_more_requests() {
    let registry = FaultRegistry::start().await;
    let project = changed(&registry);
    let run = push(&project).json();
    // The question, two for the layer, two for the configuration, the manifest.
    assert_eq!(registry.log().len(), 6, "{:?}", registry.log());
    assert_eq!(uploads(&registry), 2);
    assert_eq!(run["transferred"]["registry_requests"], 6);
    let sent = run["transferred"]["registry_bytes"]
        .as_u64()
        .expect("bytes");
    assert!((2_000_000..2_100_000).contains(&sent), "{sent}");
    let layers = run["layers"].as_array().expect("layers");
    let risk = layers.iter().find(|layer| layer["name"] == "risk");
    assert_eq!(risk.expect("the layer")["status"], "uploaded");
    // What is there is what a push by itself would bring.
    registry.state().blobs.clear();
    registry.clear_log();
    big(&project, 2);
    let again = project.ok(&["build", "--push", "-t", "2", "--format", "json"]);
    assert_eq!(again.json()["digest"], run["digest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_on_its_way_before_the_rest_is_known() {
    let (registry, server) = (FaultRegistry::start().await, Server::start());
    let project = changed(&registry);
    server.on(
        "/late.jar",
        [Reply::status(404).after(Duration::from_secs(2))],
    );
    let late = format!("late = {{ url = \"{}\" }}\n", server.url("/late.jar"));
    project.write("flinkpack.toml", format!("{}{UDFS}{late}", head(&registry)));
    let run = project.fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("/late.jar"), "{}", run.stderr);
    assert_eq!(uploads(&registry), 1, "{:?}", registry.log());
    assert_eq!(registry.count("PUT", "/manifests/"), 0);
    // The next run finds it there.
    project.write("flinkpack.toml", format!("{}{UDFS}", head(&registry)));
    registry.clear_log();
    push(&project);
    assert_eq!(uploads(&registry), 1, "{:?}", registry.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_on_the_way_is_tried_again_or_told() {
    let registry = FaultRegistry::start().await;
    let project = changed(&registry);
    let broken = Action::Answer(Response::new(503));
    registry.fault(Fault::new("POST", "/blobs/uploads/", broken.clone()).times(2));
    registry.fault(Fault::new(
        "PUT",
        "/blobs/uploads/",
        Action::ResetAfter(1 << 20),
    ));
    push(&project);
    big(&project, 3);
    let refused = Response::new(403).body(r#"{"errors":[{"code":"DENIED","message":"full"}]}"#);
    registry.fault(Fault::new("POST", "/blobs/uploads/", Action::Answer(refused)).always());
    let run = project.fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("full"), "{}", run.stderr);
    assert!(run.stderr.contains("pushing to"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_goes_elsewhere_does_no_harm() {
    let registry = FaultRegistry::start().await;
    let project = changed(&registry);
    let moved = UDFS.replace("\"risk.jar\"", "\"risk.jar\", in = \"usrlib\"");
    project.write("flinkpack.toml", format!("{}{moved}", head(&registry)));
    let run = push(&project).json();
    let other = Project::with_manifest(&format!("{}{moved}", head(&registry)));
    TinyBase::flink("1.20.5").write(&other.path("base"));
    other.write(
        "risk.jar",
        fs::read(project.path("risk.jar")).expect("a JAR"),
    );
    registry.clear_log();
    let same = push(&other).json();
    assert_eq!(same["digest"], run["digest"]);
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jar_that_was_only_touched_is_not_sent() {
    let registry = FaultRegistry::start().await;
    let project = changed(&registry);
    big(&project, 1);
    push(&project);
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
}
