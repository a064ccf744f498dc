//! Daemons that are not at the usual socket: behind TLS, behind ssh, of a context.

use std::path::Path;

use crate::support::base::{Tar, TinyBase};
use crate::support::docker::Docker;
use crate::support::hosts::{Sshd, TlsDaemon};
use crate::support::podman::Podman;
use crate::support::project::{Project, environment, noise};

use super::{name, project};

fn small(image: &str) -> Project {
    let base = environment("FLINKPACK_TEST_BASE_1_20");
    project(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"docker-daemon:{base}\"\n[udfs]\nrisk = {{ path = \"risk-udf.jar\" }}\n"
    ))
}

fn is_there(docker: &Docker, image: &str) {
    docker.ok(&["image", "inspect", &format!("{image}:1")]);
}

/// The context of this name, as docker's own client makes one of this endpoint.
fn context(project: &Project, name: &str, endpoint: &str) {
    let config = project.home().join(".docker");
    std::fs::create_dir_all(&config).expect("a folder");
    let docker = Docker::classic();
    let mut command = docker.command(&["context", "create", name, "--docker", endpoint]);
    command
        .env("DOCKER_CONFIG", &config)
        .env_remove("DOCKER_HOST");
    let output = command.output().expect("docker runs");
    assert!(output.status.success(), "{output:?}");
    let chosen = format!("{{\"currentContext\": \"{name}\"}}");
    std::fs::write(config.join("config.json"), chosen).expect("a file");
}

#[test]
fn behind_tls() {
    let docker = Docker::classic();
    let far = TlsDaemon::start(docker.host());
    let image = name("tls");
    let _tag = docker.removed_later(format!("{image}:1"));
    let mut project = small(&image);
    project.set("DOCKER_HOST", far.address());
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("DOCKER_TLS_VERIFY=1"), "{}", run.stderr);
    project.set("DOCKER_TLS", "1");
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("DOCKER_TLS_VERIFY=1"), "{}", run.stderr);
    project.set("DOCKER_TLS_VERIFY", "1");
    let folder = project.home().join("certificates");
    project.set("DOCKER_CERT_PATH", folder.display().to_string());
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("ca.pem"), "{}", run.stderr);
    far.strange_certificates(&folder);
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("cert.pem"), "{}", run.stderr);
    far.certificates(&folder);
    project.ok(&["build", "--load"]);
    is_there(&docker, &image);

    // The same daemon, by a context.
    docker.ok(&["rmi", &format!("{image}:1")]);
    for name in [
        "DOCKER_HOST",
        "DOCKER_TLS",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
    ] {
        project.set(name, "");
    }
    let (address, at) = (far.address(), folder.display());
    let own = format!("cert={at}/cert.pem,key={at}/key.pem");
    context(
        &project,
        "far",
        &format!("host={address},ca={at}/ca.pem,{own}"),
    );
    let run = project.ok(&["build", "--load"]);
    is_there(&docker, &image);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);

    // By one that does not look at the daemon's certificate, and by one that does
    // but does not know its authority.
    docker.ok(&["rmi", &format!("{image}:1")]);
    context(
        &project,
        "any",
        &format!("host={address},skip-tls-verify=true,{own}"),
    );
    project.ok(&["build", "--load"]);
    is_there(&docker, &image);
    let strange = project.home().join("strange");
    far.strange_certificates(&strange);
    let stranger = strange.display();
    let own = format!("cert={stranger}/cert.pem,key={stranger}/key.pem");
    context(
        &project,
        "wrong",
        &format!("host={address},skip-tls-verify=true,{own}"),
    );
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("cert.pem"), "{}", run.stderr);
}

#[test]
fn behind_ssh() {
    let docker = Docker::classic();
    let far = Sshd::start(docker.host());
    let image = name("ssh");
    let _tag = docker.removed_later(format!("{image}:1"));
    let mut project = small(&image);
    project.set("DOCKER_HOST", far.address());
    far.client("strange", "");
    project.set("PATH", far.path("strange"));
    let run = project.fails(1, &["build", "--load"]);
    assert!(
        run.stderr
            .contains("ssh says: Host key verification failed"),
        "{}",
        run.stderr
    );
    project.set("PATH", far.path("known"));
    project.ok(&["build", "--load"]);
    is_there(&docker, &image);
    // A connection is used again, and nothing changed is little work.
    let before = far.sessions();
    project.ok(&["build", "--load"]);
    let used = far.sessions() - before;
    assert!((1..=2).contains(&used), "{used} sessions");

    // The same daemon, by a context.
    docker.ok(&["rmi", &format!("{image}:1")]);
    project.set("DOCKER_HOST", "");
    context(&project, "far", &format!("host={}", far.address()));
    project.ok(&["build", "--load"]);
    is_there(&docker, &image);
}

#[test]
fn podman_takes_what_it_lacks() {
    let podman = Podman::start();
    let mut project = Project::with_manifest(
        "[image]\nname = \"example.test/team/orders\"\ntags = [\"1\"]\nbase = \"oci:base\"\n[udfs]\nrisk = { path = \"risk.jar\" }\n",
    );
    let big = project.write("big.bin", "");
    noise(&big, 2_000_000, 1);
    let big = std::fs::read(&big).expect("a file");
    let base = TinyBase::flink("1.20.5").layer(Tar::new().file("opt/flink/opt/big.bin", &big));
    base.write(&project.path("base"));
    project.set("DOCKER_HOST", podman.host());
    let mut sent = Vec::new();
    for content in ["one", "two"] {
        project.jar("risk.jar", &[("x/Risk.class", content.as_bytes())]);
        let run = project.ok(&["build", "--load", "--format", "json"]);
        sent.push(
            run.json()["transferred"]["daemon_bytes"]
                .as_u64()
                .expect("bytes"),
        );
        let image = "example.test/team/orders:1";
        let mount = podman.ok(&["image", "mount", image]);
        let jar = std::fs::read(Path::new(&mount).join("opt/flink/lib/risk.jar"));
        podman.ok(&["image", "unmount", image]);
        let own = std::fs::read(project.path("risk.jar")).expect("a JAR");
        assert!(jar.expect("it is in the image") == own);
        let saved = project.path("saved.tar").display().to_string();
        podman.ok(&["save", "-q", "-o", &saved, image]);
        assert!(std::fs::metadata(&saved).expect("a file").len() > 2_000_000);
        std::fs::remove_file(&saved).expect("it goes");
    }
    assert!(sent[0] > 2_000_000 && sent[1] < 60_000, "{sent:?}");
}
