//! A daemon that has lost a base, or a part of it, between two builds.

use crate::support::base::{Tar, TinyBase};
use crate::support::docker::Docker;
use crate::support::dockerd::Dockerd;
use crate::support::project::Project;

const BASE: &str = "registry.test/team/base:1";
const IMAGE: &str = "registry.test/team/orders:1";

/// A project on this base whose image is called so.
fn on(docker: &Docker, image: &str, base: &str) -> Project {
    let (name, tag) = image.rsplit_once(':').expect("a tag");
    let udfs = match image {
        IMAGE => "[udfs]\nrisk = { path = \"risk.jar\" }\n",
        _ => "",
    };
    let mut project = Project::with_manifest(&format!(
        "[image]\nname = \"{name}\"\ntags = [\"{tag}\"]\nbase = \"{base}\"\n{udfs}"
    ));
    project.set("DOCKER_HOST", docker.host());
    change(&project, "one");
    project
}

fn change(project: &Project, content: &str) {
    project.jar("risk.jar", &[("x/Risk.class", content.as_bytes())]);
}

/// A base of two layers.
fn base() -> TinyBase {
    let big = Tar::new().file("opt/flink/opt/big.bin", &[7; 100_000]);
    TinyBase::flink("1.20.5").layer(big)
}

/// The image can be written out again, so nothing of it is missing.
fn is_whole(docker: &Docker, project: &Project, image: &str) {
    let saved = project.path("saved.tar").display().to_string();
    docker.ok(&["save", "-o", &saved, image]);
    std::fs::remove_file(saved).expect("it goes");
    project.ok(&["inspect", image]);
}

fn lost(daemon: Dockerd) {
    let docker = daemon.docker();
    let below = on(&docker, BASE, "oci:base");
    base().write(&below.path("base"));
    below.ok(&["build", "--load"]);
    let job = on(&docker, IMAGE, &format!("docker-daemon:{BASE}"));
    job.ok(&["build", "--load"]);
    is_whole(&docker, &job, IMAGE);

    // Its name is gone, its layers are not.
    docker.ok(&["rmi", BASE]);
    change(&job, "two");
    let run = job.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains(BASE), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    is_whole(&docker, &job, IMAGE);

    // An image on the lower half of the base is all that is left.
    let half = on(&docker, "registry.test/team/half:1", "oci:base");
    TinyBase::flink("1.20.5").write(&half.path("base"));
    half.ok(&["build", "--load"]);
    docker.ok(&["rmi", "-f", IMAGE]);
    docker.run(&["image", "prune", "-f"]);
    below.ok(&["build", "--load"]);
    is_whole(&docker, &below, BASE);
    job.ok(&["build", "--load"]);
    is_whole(&docker, &job, IMAGE);
}

#[test]
fn a_base_that_is_gone() {
    lost(Dockerd::start());
}

#[test]
fn a_base_that_is_gone_from_containerds_store() {
    lost(Dockerd::containerd());
}

#[test]
fn a_base_whose_blobs_are_gone() {
    let daemon = Dockerd::containerd();
    let docker = daemon.docker();
    let below = on(&docker, BASE, "oci:base");
    let base = base();
    base.write(&below.path("base"));
    below.ok(&["build", "--load"]);
    let job = on(&docker, IMAGE, &format!("docker-daemon:{BASE}"));
    job.ok(&["build", "--load"]);
    daemon.lose_blob(&base.layer_digest(0));
    change(&job, "two");
    let run = job.fails(1, &["build", "--load"]);
    for part in [BASE, "lost a part of the image", "docker rmi"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    // Where the bytes are to be had, they are sent again.
    below.ok(&["build", "--load"]);
    is_whole(&docker, &below, BASE);
    job.ok(&["build", "--load"]);
    is_whole(&docker, &job, IMAGE);
}
