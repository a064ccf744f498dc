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

/// A way to the real registry that counts what passes, both ways.
fn counting() -> (String, std::sync::Arc<std::sync::atomic::AtomicU64>) {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::Ordering;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = count.clone();
    let registry = environment("FLINKPACK_TEST_REGISTRY");
    std::thread::spawn(move || {
        for from in listener.incoming().flatten() {
            let to = TcpStream::connect(&registry).expect("the registry");
            let ways = [
                (
                    from.try_clone().expect("a stream"),
                    to.try_clone().expect("a stream"),
                ),
                (to, from),
            ];
            for (mut source, mut sink) in ways {
                let counter = counter.clone();
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 64 << 10];
                    while let Ok(read @ 1..) = source.read(&mut buffer) {
                        counter.fetch_add(read as u64, Ordering::SeqCst);
                        if sink.write_all(&buffer[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = sink.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, count)
}

#[test]
fn a_fresh_runner_moves_what_changed_and_attaches_documents() {
    use crate::support::base::{Tar, TinyBase};
    use crate::support::maven::Server;
    use crate::support::project::noise;
    use std::sync::atomic::Ordering;

    const MOST: u64 = 500_000;
    let (address, count) = counting();
    let name = format!("fresh-{}", std::process::id());
    let text = HEAD
        .replace("registry.test/team/orders", &format!("{address}/{name}"))
        .replace("oci:base", &format!("docker://{address}/{name}-base:1"));
    let mut project = Project::with_manifest(&format!(
        "{text}[connectors]\nacme = {{ maven = \"com.example:acme:1.0\" }}\n[udfs]\nrisk = {{ path = \"risk.jar\" }}\n"
    ));
    super::alone(&mut project);
    let maven = Server::start();
    super::mirror(&project, maven.url("/m2").as_str());
    let jar = |size: usize, seed: u64| {
        let path = project.path("noise.bin");
        noise(&path, size, seed);
        crate::support::project::jar(&[("noise.bin", &std::fs::read(&path).expect("bytes"))])
    };
    maven.release("com.example:acme:1.0", &jar(8 << 20, 1), "");
    project.write("risk.jar", jar(2 << 20, 2));
    // The base, by a project of its own.
    let seed = Project::with_manifest(&format!(
        "[image]\nname = \"{address}/{name}-base\"\ntags = [\"1\"]\nbase = \"oci:base\"\n"
    ));
    TinyBase::flink("1.20.5")
        .layer(Tar::new().folder("opt"))
        .write(&seed.path("base"));
    seed.ok(&["build", "--push"]);

    let push = [
        "build",
        "--push",
        "--sbom",
        "--provenance",
        "--format",
        "json",
    ];
    let first = project.ok(&push).json();
    let empty = || {
        std::fs::remove_dir_all(project.cache()).expect("a cache");
        maven.forget();
        count.store(0, Ordering::SeqCst);
    };
    empty();
    let again = project.ok(&push).json();
    let moved = count.load(Ordering::SeqCst);
    assert_eq!(again["digest"], first["digest"]);
    assert!(maven.paths().is_empty(), "{:?}", maven.paths());
    assert!(moved < MOST, "unchanged: {moved} bytes");
    // HEAD of the tag; the referrers API, and the tag that stands in for it.
    assert_eq!(again["transferred"]["registry_requests"], 3);
    eprintln!("unchanged, empty cache: {moved} bytes");

    empty();
    let changed = jar(2 << 20, 3);
    project.write("risk.jar", &changed);
    let run = project.ok(&push).json();
    let moved = count.load(Ordering::SeqCst);
    assert_ne!(run["digest"], first["digest"]);
    assert!(maven.paths().is_empty(), "{:?}", maven.paths());
    let most = changed.len() as u64 + MOST;
    assert!(moved < most, "one UDF: {moved} bytes, at most {most}");
    eprintln!(
        "one UDF of {} bytes changed, empty cache: {moved} bytes",
        changed.len()
    );

    let image = format!("docker://{address}/{name}:1");
    let seen = project.ok(&["inspect", &image, "--format", "json"]).json();
    assert_eq!(
        seen["attached"].as_array().expect("a list").len(),
        2,
        "{seen}"
    );
}
