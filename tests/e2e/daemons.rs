//! Both image stores of the daemon: what was loaded works as any image, and
//! only what the daemon lacks was sent.

use flinkpack::image::Digest;

use crate::support::docker::Docker;
use crate::support::project::{Project, environment};

use super::{name, project};

/// A project with a UDF on this base, for this daemon.
fn on(docker: &Docker, image: &str, base: &str) -> Project {
    let mut project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{base}"
[udfs]
risk = {{ path = "risk-udf.jar" }}
big = {{ path = "big.jar" }}
[filesystems]
s3-hadoop = {{}}
[config]
"parallelism.default" = "3"
"#
    ));
    project.set("DOCKER_HOST", docker.host());
    big(&project, 1);
    project
}

/// A JAR of 2 MB that does not compress.
fn big(project: &Project, seed: u64) {
    let path = project.path("noise");
    crate::support::project::noise(&path, 2_000_000, seed);
    let bytes = std::fs::read(&path).expect("a file");
    project.jar(
        "big.jar",
        &[("A.class", b"\xca\xfe\xba\xbe"), ("noise", &bytes)],
    );
}

/// `docker run`, `docker save` and `docker push` of an image that was loaded.
fn works(docker: &Docker, image: &str) {
    let seen = docker.shell(
        image,
        "cd /opt/flink; ls lib/risk-udf.jar plugins/s3-hadoop; test -s plugins/s3-hadoop/*.jar; cat conf/flink-conf.yaml conf/config.yaml 2>/dev/null | grep -A1 ^parallelism",
    );
    assert!(seen.contains("lib/risk-udf.jar"), "{seen}");
    assert!(seen.contains("default: "), "{seen}");
    let saved = docker
        .command(&["save", image])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let mut archive = tar::Archive::new(child.stdout.take().expect("a pipe"));
            let count = archive.entries()?.filter_map(|entry| entry.ok()).count();
            child.wait()?;
            Ok(count)
        })
        .expect("docker save gives a tar");
    assert!(saved > 10, "{saved} entries");
    docker.ok(&["push", "-q", image]);
}

/// Bytes that the last run sent to the daemon.
fn sent(project: &Project) -> u64 {
    let text = project.read("metadata.json");
    let made: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    made["transferred"]["daemon_bytes"].as_u64().expect("bytes")
}

/// Builds on a second name of the base, which then goes away; changes a JAR.
fn thin_and_whole(docker: &Docker, base: &str) {
    let image = name("daemon");
    let alias = name("alias") + ":1";
    docker.ok(&["tag", base, &alias]);
    let project = on(docker, &image, base);
    let _tag = docker.removed_later(format!("{image}:1"));
    let build = [
        "build",
        "--load",
        "--base",
        &alias,
        "--metadata-file",
        "metadata.json",
    ];
    project.ok(&build);
    let (bytes, limit) = (sent(&project), 3_000_000);
    assert!((2_000_000..limit).contains(&bytes), "{bytes}");
    docker.ok(&["rmi", &alias]);
    works(docker, &format!("{image}:1"));

    // Its name goes to the next one.
    let first = format!("{image}:1");
    let id = docker.ok(&["image", "inspect", "--format", "{{.Id}}", &first]);
    let _first = docker.removed_later(id);

    // One JAR changes: that one moves.
    docker.ok(&["tag", base, &alias]);
    big(&project, 2);
    project.ok(&build);
    let bytes = sent(&project);
    assert!((2_000_000..limit).contains(&bytes), "{bytes}");
    // The same bytes, written anew: nothing does.
    for _ in 0..2 {
        let run = project.ok(&build);
        assert_eq!(sent(&project), 0);
        assert!(run.stderr.contains("loaded nothing"), "{}", run.stderr);
        big(&project, 2);
    }
    let wanted = Digest::of(&std::fs::read(project.path("big.jar")).expect("a JAR"));
    let found = docker.shell(&first, "sha256sum /opt/flink/lib/big.jar");
    assert!(found.starts_with(&wanted.hex()), "{found}");

    // It changes and goes elsewhere: what was sent of its old place is of no use.
    let _second =
        docker.removed_later(docker.ok(&["image", "inspect", "--format", "{{.Id}}", &first]));
    big(&project, 3);
    let manifest = project.read("flinkpack.toml");
    let moved = manifest.replace("\"big.jar\"", "\"big.jar\", in = \"usrlib\"");
    project.write("flinkpack.toml", &moved);
    project.ok(&build);
    let bytes = sent(&project);
    assert!((2_000_000..2 * limit).contains(&bytes), "{bytes}");
    let wanted = Digest::of(&std::fs::read(project.path("big.jar")).expect("a JAR"));
    let places = "cd /opt/flink; sha256sum usrlib/big.jar; ls lib";
    let found = docker.shell(&first, places);
    assert!(found.starts_with(&wanted.hex()), "{found}");
    assert!(found.lines().all(|line| line != "big.jar"), "{found}");
    docker.ok(&["rmi", &alias]);
    works(docker, &format!("{image}:1"));
}

#[test]
fn classic_store() {
    let base = environment("FLINKPACK_TEST_BASE_1_13");
    thin_and_whole(&Docker::classic(), &base);
}

#[test]
fn containerd_store() {
    let docker = Docker::containerd();
    let base = environment("FLINKPACK_TEST_BASE_1_20");
    docker.ok(&["pull", "-q", &base]);
    thin_and_whole(&docker, &base);
}

/// The base comes from a registry, and the daemon has never seen it: all of the
/// image goes into it, once.
#[test]
fn base_that_the_containerd_store_lacks() {
    let docker = Docker::containerd();
    let base = environment("FLINKPACK_TEST_BASE_1_8");
    docker.run(&["rmi", &base]);
    let image = name("lacking");
    let project = project(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"docker://{base}\"\n[udfs]\nrisk = {{ path = \"risk-udf.jar\" }}\n"
    ));
    let _tag = docker.removed_later(format!("{image}:1"));
    let mut command = project.command(&["build", "--load", "--metadata-file", "metadata.json"]);
    command.env("DOCKER_HOST", docker.host());
    let run = crate::support::project::Run::of(command.output().expect("it runs"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let image = format!("{image}:1");
    let seen = docker.shell(&image, "cd /opt/flink; ls lib");
    assert!(seen.contains("risk-udf.jar") && seen.contains("flink-dist_2.11-1.8.3.jar"));
    docker.ok(&["push", "-q", &image]);
}
