//! A daemon that is killed, full, or cleaned by somebody else, while it loads: the
//! command says so or is right, and the next one is right.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::base::TinyBase;
use crate::support::docker::Docker;
use crate::support::dockerd::Dockerd;
use crate::support::project::{Project, Run, noise};

const IMAGE: &str = "registry.test/team/orders:1";

fn on(docker: &Docker) -> Project {
    let mut project = Project::with_manifest(
        "[image]\nname = \"registry.test/team/orders\"\ntags = [\"1\"]\nbase = \"oci:base\"\n[udfs]\nrisk = { path = \"risk.jar\" }\n",
    );
    TinyBase::flink("1.20.5").write(&project.path("base"));
    project.set("DOCKER_HOST", docker.host());
    change(&project, 0);
    project
}

/// Another JAR of 30 MB.
fn change(project: &Project, seed: u64) {
    let path = project.path("noise");
    noise(&path, 30_000_000, seed);
    let bytes = std::fs::read(&path).expect("a file");
    project.jar("risk.jar", &[("noise", &bytes)]);
}

/// The image has the JAR that is here, and every byte of it.
fn is_right(docker: &Docker, project: &Project) {
    let saved = project.path("saved.tar").display().to_string();
    docker.ok(&["save", "-o", &saved, IMAGE]);
    let again = project.ok(&["inspect", IMAGE, "--format", "json"]);
    assert!(again.stdout.contains("lib/risk.jar"), "{}", again.stdout);
    let saved = std::fs::metadata(saved).expect("a file").len();
    assert!(saved > 30_000_000, "{saved}");
}

#[test]
fn killed_while_it_loads() {
    is_killed(Dockerd::start());
}

#[test]
fn killed_while_it_loads_into_containerds_store() {
    is_killed(Dockerd::containerd());
}

fn is_killed(mut daemon: Dockerd) {
    let docker = daemon.docker();
    let project = on(&docker);
    project.ok(&["build", "--load"]);
    for (seed, millis) in [20, 80, 160, 320].into_iter().enumerate() {
        change(&project, seed as u64 + 1);
        let mut command = project.command(&["build", "--load"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let build = command.spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(millis));
        daemon.kill();
        let run = Run::of(build.wait_with_output().expect("it ends"));
        assert!(
            run.code == 0 || run.stderr.contains("the Docker daemon at unix://"),
            "{}",
            run.stderr
        );
        assert_eq!(run.code == 0, !run.stdout.is_empty(), "{}", run.stdout);
        daemon.restart();
        project.ok(&["build", "--load"]);
        is_right(&docker, &project);
    }
}

fn fills(daemon: &Dockerd) {
    let docker = daemon.docker();
    let project = on(&docker);
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("no space left"), "{}", run.stderr);
    assert!(run.stderr.contains("docker system df"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    // No broken tag is left.
    let left = docker.run(&["image", "inspect", IMAGE]);
    assert_ne!(left.code, 0, "{}", left.stdout);
    daemon.grow(300);
    project.ok(&["build", "--load"]);
    is_right(&docker, &project);
}

#[test]
fn full() {
    fills(&Dockerd::with_room(45));
}

#[test]
fn full_with_containerds_store() {
    // The blob fits, and its files beside it do not.
    fills(&Dockerd::containerd_with_room(50));
    // Not even the blob does.
    fills(&Dockerd::containerd_with_room(20));
}

#[test]
fn cleaned_by_somebody_else() {
    is_cleaned(Dockerd::start());
}

#[test]
fn cleaned_by_somebody_else_in_containerds_store() {
    is_cleaned(Dockerd::containerd());
}

/// Ends the cleaning, also where the test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn is_cleaned(daemon: Dockerd) {
    let docker = daemon.docker();
    let project = on(&docker);
    project.ok(&["build", "--load"]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                docker.run(&["rmi", "-f", IMAGE]);
                docker.run(&["image", "prune", "-a", "-f"]);
            }
        });
        let _done = Done(&done);
        for seed in 1..8 {
            change(&project, seed);
            let run = project.run(&["build", "--load"]);
            // It may be gone before it was looked at, or unpacked; then that is said.
            let told = ["does not have its layers", "something else removes images"];
            let is_told = told.iter().any(|part| run.stderr.contains(part));
            assert!(run.code == 0 || is_told, "{}", run.stderr);
        }
    });
    project.ok(&["build", "--load"]);
    is_right(&docker, &project);
}
