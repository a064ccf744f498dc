//! Whole commands, as their users run them: the real program, on projects whose
//! base is a tiny image in a folder. Where a message matters, tests/golden has
//! it as it is printed.

mod again;
mod attached;
mod bases;
mod cache;
mod check;
mod credentials;
mod daemons;
mod dependencies;
mod determinism;
mod dockerfiles;
mod documentation;
mod interrupted;
mod jars;
mod locks;
mod manifests;
mod offline;
mod platforms;
mod plugins;
mod real;
mod recorded;
mod registries;
mod results;
mod resume;
mod secrets;
mod transcript;
mod trees;
mod urls;
mod usage;

use std::path::Path;

use flinkpack::image::Digest;
use serde_json::Value;

use crate::support::base::TinyBase;
use crate::support::maven::Server;
use crate::support::project::Project;

/// The head of a manifest on the tiny base.
const HEAD: &str =
    "[image]\nname = \"registry.test/team/orders\"\ntags = [\"1\"]\nbase = \"oci:base\"\n";

/// A project on a tiny Flink 1.20.5, with these sections below `[image]`. It
/// has no daemon, and no repository.
fn project(sections: &str) -> Project {
    on(&TinyBase::flink("1.20.5"), sections)
}

/// The same on another base.
fn on(base: &TinyBase, sections: &str) -> Project {
    let mut project = Project::with_manifest(&format!("{HEAD}{sections}"));
    base.write(&project.path("base"));
    alone(&mut project);
    project
}

/// Nothing outside of the project answers: no daemon, no Maven repository.
fn alone(project: &mut Project) {
    let socket = project.path("no-daemon.sock");
    project.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    let nowhere = project.path("no-repository");
    mirror(project, &format!("file://{}", nowhere.display()));
}

/// Every Maven repository is this one.
fn mirror(project: &Project, address: &str) {
    project.write_home(
        ".m2/settings.xml",
        format!(
            "<settings><mirrors><mirror><id>test</id><mirrorOf>*</mirrorOf><url>{address}</url></mirror></mirrors></settings>"
        ),
    );
}

/// A server that is every Maven repository of the project.
fn repository(project: &Project) -> Server {
    let server = Server::start();
    mirror(project, server.url("/m2").as_str());
    server
}

/// Bytes of a small JAR that differ by `name`.
fn small_jar(name: &str) -> Vec<u8> {
    crate::support::project::jar(&[(&format!("com/example/{name}.class"), name.as_bytes())])
}

/// The digest in what `build` prints: `NAME:TAG@DIGEST`.
fn digest_of(stdout: &str) -> String {
    let (_, digest) = stdout.trim().rsplit_once('@').expect("a digest");
    digest.to_string()
}

/// A blob of an OCI layout.
fn blob(layout: &Path, digest: &str) -> Vec<u8> {
    let name = digest.trim_start_matches("sha256:");
    let bytes = std::fs::read(layout.join("blobs/sha256").join(name)).expect("a blob");
    assert_eq!(
        Digest::of(&bytes).hex(),
        name,
        "the blob is what its name says"
    );
    bytes
}

/// The configuration of the image with this manifest digest.
fn config(layout: &Path, digest: &str) -> Value {
    let manifest: Value = serde_json::from_slice(&blob(layout, digest)).expect("a manifest");
    let config = manifest["config"]["digest"].as_str().expect("a digest");
    serde_json::from_slice(&blob(layout, config)).expect("a configuration")
}
