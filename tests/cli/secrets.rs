//! Secrets go to the one who wants them, and nowhere else.

use std::path::Path;

use super::{alone, project, small_jar};
use crate::support::maven::{Reply, Server};
use crate::support::project::{Project, Run};
use crate::support::registry::FaultRegistry;
use crate::support::tokens::{Auth, basic};

/// What must be seen nowhere.
const SECRETS: [&str; 4] = [
    "pass-url-9x7",
    "token-url-9x7",
    "pass-maven-9x7",
    "pass-docker-9x7",
];

fn clean(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{place} holds {secret}");
        use base64::Engine as _;
        let hidden = base64::engine::general_purpose::STANDARD.encode(format!("ann:{secret}"));
        assert!(!text.contains(&hidden), "{place} holds {secret} in base64");
    }
}

fn all_clean(project: &Project, run: &Run) {
    clean("stdout", run.stdout.as_bytes());
    clean("stderr", run.stderr.as_bytes());
    for name in ["flinkpack.lock", "result.json"] {
        if let Ok(bytes) = std::fs::read(project.path(name)) {
            clean(name, &bytes);
        }
    }
    for folder in [project.path("out"), project.cache()] {
        walk(&folder);
    }
}

fn walk(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path);
        } else {
            clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// A project with a secret of each kind.
fn secretive(server: &Server, registry: &FaultRegistry) -> Project {
    let port = server.url("/").port().unwrap();
    let mut project = project("");
    alone(&mut project);
    let text = format!(
        "[image]\nname = \"{}/team/orders\"\nbase = \"oci:base\"\n\
         [connectors]\n\
         by-url = {{ url = \"http://ann:pass-url-9x7@127.0.0.1:{port}/closed.jar?token=token-url-9x7\" }}\n\
         by-maven = {{ maven = \"com.example:job:1.0\" }}\n",
        registry.address(),
    );
    project.write("flinkpack.toml", text);
    project.write_home(
        ".m2/settings.xml",
        format!(
            "<settings><servers><server><id>company</id><username>ann</username><password>pass-maven-9x7</password></server></servers>\
             <mirrors><mirror><id>company</id><mirrorOf>*</mirrorOf><url>{}</url></mirror></mirrors></settings>",
            server.url("/m2")
        ),
    );
    let login = basic("ann", "pass-docker-9x7");
    project.write_home(
        ".docker/config.json",
        format!(
            "{{\"auths\": {{\"{}\": {{\"auth\": \"{}\"}}}}}}",
            registry.address(),
            login.trim_start_matches("Basic ")
        ),
    );
    project
}

async fn registry(password: &str) -> FaultRegistry {
    let registry = FaultRegistry::start().await;
    registry.behaviour().auth = Auth::Basic {
        user: "ann".into(),
        password: password.into(),
    };
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_used_and_not_shown() {
    let server = Server::start();
    let registry = registry("pass-docker-9x7").await;
    let jar = small_jar("Closed");
    server.on(
        "/closed.jar?token=token-url-9x7",
        [Reply::ok(&jar[..]).needing_basic("ann", "pass-url-9x7")],
    );
    let path = "/m2/com/example/job/1.0/job-1.0.jar";
    server.release("com.example:job:1.0", &small_jar("Job"), "");
    server.on(
        path,
        [Reply::ok(small_jar("Job")).needing_basic("ann", "pass-maven-9x7")],
    );
    let project = secretive(&server, &registry);
    let run = project.ok(&[
        "build",
        "-vv",
        "--push",
        "--output",
        "oci:out",
        "--metadata-file",
        "result.json",
        "--format",
        "json",
    ]);
    all_clean(&project, &run);
    let lock = project.read("flinkpack.lock");
    assert!(lock.contains("/closed.jar\""), "{lock}");
    // A cold cache with the lock: the whole address comes from the manifest.
    std::fs::remove_dir_all(project.cache()).unwrap();
    let run = project.ok(&[
        "build",
        "-vv",
        "--locked",
        "--output",
        "oci:out",
        "--progress",
        "json",
    ]);
    all_clean(&project, &run);
    let run = project.ok(&["build", "-vv", "--dry-run", "--push"]);
    all_clean(&project, &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_not_shown_where_they_are_refused() {
    let registry = registry("another").await;
    for (closed, job) in [
        (Reply::status(401), Reply::ok(small_jar("Job"))),
        (Reply::status(500), Reply::ok(small_jar("Job"))),
        (
            Reply::redirect("/loop?token=token-url-9x7"),
            Reply::ok(small_jar("Job")),
        ),
        (Reply::ok("text"), Reply::ok(small_jar("Job"))),
        (Reply::ok(small_jar("Closed")), Reply::status(403)),
        (Reply::ok(small_jar("Closed")), Reply::ok("text")),
        (Reply::ok(small_jar("Closed")), Reply::ok(small_jar("Job"))),
    ] {
        let server = Server::start();
        server.on("/closed.jar?token=token-url-9x7", [closed]);
        server.on(
            "/loop?token=token-url-9x7",
            [Reply::redirect("/closed.jar?token=token-url-9x7")],
        );
        let path = "/m2/com/example/job/1.0/job-1.0.jar";
        server.release("com.example:job:1.0", &small_jar("Job"), "");
        server.on(path, [job]);
        let project = secretive(&server, &registry);
        let run = project.fails(1, &["build", "-vv", "--push"]);
        all_clean(&project, &run);
    }
}

#[test]
fn a_manifest_that_is_wrong_beside_a_secret_does_not_show_it() {
    let mut project = project("");
    alone(&mut project);
    for line in [
        "a = { url = \"https://ann:pass-url-9x7@host.test/a.jar\", sha256 = \"x\" }",
        "a = { url = \"https://ann:pass-url-9x7@host.test:99999/a.jar\" }",
        "a = { url = \"https://host.test/a.jar?token=token-url-9x7\", mode = 1 }",
        "a = { url = \"https://ann:pass-url-9x7@host.test/a.jar\" ",
    ] {
        let text = format!("{}[connectors]\n{line}\n", super::HEAD);
        project.write("flinkpack.toml", text);
        let run = project.run(&["build", "-vv"]);
        assert!(run.code != 0);
        clean(line, run.stderr.as_bytes());
    }
}
