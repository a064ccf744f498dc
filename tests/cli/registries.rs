//! Registries that refuse, fail or lie.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::transcript::Transcript;
use super::{HEAD, alone, digest_of, small_jar};
use crate::support::base::TinyBase;
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::maven::{Reply, Server};
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;
use crate::support::tokens::{Auth, Tokens, basic};

/// A project whose image goes to `host`.
fn to(host: &str) -> Project {
    let text = HEAD.replace("registry.test", host);
    let mut project =
        Project::with_manifest(&format!("{text}[udfs]\nrisk = {{ path = \"risk.jar\" }}\n"));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    project.write("risk.jar", small_jar("Risk"));
    alone(&mut project);
    project
}

/// Logs in at `host` by the Docker configuration.
fn log_in(project: &Project, host: &str, user: &str, password: &str) {
    let login = basic(user, password);
    let word = login.trim_start_matches("Basic ");
    project.write_home(
        ".docker/config.json",
        format!("{{\"auths\": {{\"{host}\": {{\"auth\": \"{word}\"}}}}}}"),
    );
}

fn basic_only(registry: &FaultRegistry) {
    registry.behaviour().auth = Auth::Basic {
        user: "ann".into(),
        password: "hunter2-secret".into(),
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_registry_and_the_login_that_was_tried() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, registry: &FaultRegistry, make: &dyn Fn(&Project)| {
        let project = to(registry.address());
        make(&project);
        let run = project.fails(1, &["build", "--push"]);
        assert!(run.stdout.is_empty(), "{title}: {}", run.stdout);
        assert!(!run.stderr.contains("hunter2"), "{title}: {}", run.stderr);
        // Blobs go at once, and any of them may fail first.
        let first = |name: &'static str| (name, "the layer [any]");
        let varying = [
            (registry.address(), "[registry]"),
            first("the layer base 1"),
            first("the layer base 2"),
            first("the layer risk"),
            first("the image configuration"),
        ];
        transcript.failure(title, &project, &run, &varying);
    };

    let registry = FaultRegistry::start().await;
    basic_only(&registry);
    case("401, and no credentials", &registry, &|_| {});
    case(
        "401, and wrong credentials in the file",
        &registry,
        &|project| {
            log_in(project, registry.address(), "bob", "hunter2-wrong");
        },
    );
    case(
        "401, and credentials for another host only",
        &registry,
        &|project| {
            log_in(project, "other.test", "ann", "hunter2-secret");
        },
    );
    case(
        "401, and a helper that is not there",
        &registry,
        &|project| {
            project.write_home(".docker/config.json", r#"{"credsStore": "absent"}"#);
        },
    );
    case(
        "a Docker configuration that is no JSON",
        &registry,
        &|project| {
            project.write_home(".docker/config.json", "{");
        },
    );

    let tokens = FaultRegistry::with_tokens(Tokens::for_user("ann", "hunter2-secret")).await;
    case("a token is refused, without credentials", &tokens, &|_| {});
    case(
        "a token is refused, with credentials",
        &tokens,
        &|project| {
            log_in(project, tokens.address(), "ann", "hunter2-wrong");
        },
    );

    for (title, status) in [("403", 403), ("404", 404), ("500, again and again", 500)] {
        let registry = FaultRegistry::start().await;
        for method in ["GET", "HEAD", "POST", "PUT"] {
            let answer = Response::new(status)
                .body(r#"{"errors":[{"code":"X","message":"the reason of the server"}]}"#);
            registry.fault(Fault::new(method, "/v2/", Action::Answer(answer)).always());
        }
        case(title, &registry, &|_| {});
    }
    transcript.check("registries");
}

#[test]
fn a_refused_connection_is_told() {
    // A port that was free a moment ago.
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let project = to(&address);
    let run = project.fails(1, &["build", "--push"]);
    let mut transcript = Transcript::new();
    transcript.failure(
        "refused connection",
        &project,
        &run,
        &[(&address, "[registry]")],
    );
    transcript.check("registries_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_is_asked_and_named() {
    let registry = FaultRegistry::start().await;
    basic_only(&registry);
    let project = {
        let mut project = to(registry.address());
        let helper = project.write_home(
            "bin/docker-credential-vault",
            "#!/bin/sh\ncat > /dev/null\necho '{\"Username\":\"ann\",\"Secret\":\"hunter2-old\"}'\n",
        );
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", helper.parent().unwrap().display());
        project.set("PATH", path);
        project.write_home(
            ".docker/config.json",
            format!(
                "{{\"credHelpers\": {{\"{}\": \"vault\"}}}}",
                registry.address()
            ),
        );
        project
    };
    let run = project.fails(1, &["build", "--push"]);
    let mut transcript = Transcript::new();
    transcript.failure(
        "the helper's password is refused",
        &project,
        &run,
        &[(registry.address(), "[registry]")],
    );
    transcript.check("registries_helper");
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);

    project.write_home(
        "bin/docker-credential-vault",
        "#!/bin/sh\ncat > /dev/null\necho '{\"Username\":\"ann\",\"Secret\":\"hunter2-secret\"}'\n",
    );
    let run = project.ok(&["build", "--push", "-vv"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_go_where_they_could_be_read() {
    let registry = FaultRegistry::start().await;
    registry.behaviour().auth = Auth::Bearer {
        realm: "http://auth.test/token".into(),
        tokens: Tokens::for_user("ann", "hunter2-secret"),
    };
    let project = to(registry.address());
    log_in(&project, registry.address(), "ann", "hunter2-secret");
    let run = project.fails(1, &["build", "--push", "-vv"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let mut transcript = Transcript::new();
    transcript.failure(
        "a realm elsewhere, without TLS",
        &project,
        &run,
        &[(registry.address(), "[registry]")],
    );
    transcript.check("registries_realm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realm_on_another_host_serves() {
    let tokens = Tokens::for_user("ann", "hunter2-secret");
    let elsewhere = FaultRegistry::start().await;
    elsewhere.behaviour().tokens = Some(tokens.clone());
    let port = elsewhere.address().rsplit_once(':').unwrap().1.to_string();
    let registry = FaultRegistry::start().await;
    registry.behaviour().auth = Auth::Bearer {
        realm: format!("http://localhost:{port}/token"),
        tokens,
    };
    let project = to(registry.address());
    log_in(&project, registry.address(), "ann", "hunter2-secret");
    let run = project.ok(&["build", "--push", "-vv"]);
    assert!(
        !run.stderr.contains("hunter2") && !run.stderr.contains("secret-token"),
        "{}",
        run.stderr
    );
    let basic = |request: &crate::support::http::Request| {
        request
            .header("authorization")
            .is_some_and(|sent| sent.starts_with("Basic "))
    };
    assert!(
        !registry.requests().iter().any(basic),
        "the password goes to the realm alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_with_wrong_bytes_is_refused() {
    let registry = FaultRegistry::start().await;
    let mut transcript = Transcript::new();
    for (title, path) in [
        ("the manifest has other bytes", "/manifests/"),
        ("a blob has other bytes", "/blobs/"),
    ] {
        let digest = TinyBase::flink("1.20.5").publish(&registry, "flink", "1.20");
        registry.fault(Fault::new("GET", path, Action::Corrupt).always());
        let reference = match path {
            "/manifests/" => format!("docker://{}/flink@{digest}", registry.address()),
            _ => format!("docker://{}/flink:1.20", registry.address()),
        };
        let mut project = Project::with_manifest(&HEAD.replace("oci:base", &reference));
        alone(&mut project);
        let run = project.fails(1, &["build", "--output", "oci:out"]);
        transcript.failure(title, &project, &run, &[(registry.address(), "[registry]")]);
        registry.0.faults.lock().unwrap().clear();
        let run = project.run(&["build", "--output", "oci:out"]);
        assert_eq!(run.code, 0, "nothing wrong was kept: {}", run.stderr);
    }
    transcript.check("registries_bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_fails_half_way_goes_on_where_it_was() {
    let registry = FaultRegistry::start().await;
    let project = to(registry.address());
    crate::support::project::noise(&project.path("risk.bin"), 300_000, 5);
    let text = project.read("flinkpack.toml");
    project.write(
        "flinkpack.toml",
        format!("{text}[files]\n\"/opt/risk.bin\" = \"risk.bin\"\n"),
    );
    registry.fault(Fault::new("PUT", "/manifests/", Action::Answer(Response::new(403))).always());
    project.fails(1, &["build", "--push"]);
    registry.0.faults.lock().unwrap().clear();
    registry.clear_log();
    let run = project.ok(&["build", "--push", "--format", "json"]);
    let bytes = run.json()["transferred"]["registry_bytes"].as_u64();
    assert!(
        bytes.unwrap() < 100_000,
        "what is large is asked for first: {bytes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_ends_when_the_user_says() {
    let registry = FaultRegistry::start().await;
    let mut project = to(registry.address());
    project.set("FLINKPACK_STALL_TIMEOUT", "1");
    registry.fault(Fault::new("HEAD", "/manifests/", Action::Stall));
    let begin = std::time::Instant::now();
    let run = project.ok(&["build", "--push", "-v"]);
    assert!(
        run.stderr.contains("did not answer in time"),
        "{}",
        run.stderr
    );
    assert!(begin.elapsed() < std::time::Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_with_a_connector_in_common_send_it_once() {
    let registry = FaultRegistry::start().await;
    let project = to(registry.address());
    let noise = crate::support::images::noise(3, 2 << 20);
    let connector = crate::support::project::jar(&[("noise", &noise)]);
    project.write("connector.jar", &connector);
    let text = project.read("flinkpack.toml");
    let text = format!("{text}[connectors]\nours = {{ path = \"connector.jar\" }}\n");
    let arrived = |name: &str| {
        let before = registry.state().arrived;
        project.write("risk.jar", small_jar(name));
        project.write("flinkpack.toml", text.replace("team/orders", name));
        project.ok(&["build", "--push"]);
        registry.state().arrived - before
    };
    assert!(arrived("first") > 2 << 20);
    let second = arrived("second");
    assert!(second < 100_000, "{second} bytes beside the connector");
    assert_eq!(
        registry.count("POST", "&from=first"),
        3,
        "{:?}",
        registry.log()
    );
    // The other repository is gone: it is sent.
    registry.state().blobs.clear();
    assert!(arrived("third") > 2 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_push_is_one_request() {
    let registry = FaultRegistry::start().await;
    let project = to(registry.address());
    let first = project.ok(&["build", "--push"]);
    registry.clear_log();
    let second = project.ok(&["build", "--push"]);
    assert_eq!(digest_of(&first.stdout), digest_of(&second.stdout));
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
    assert!(second.stderr.contains("1 request"), "{}", second.stderr);
    registry.clear_log();
    project.ok(&["push"]);
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
    // A release tag: two questions and the manifest, no blob.
    registry.clear_log();
    let release = project.ok(&["push", "-t", "release"]);
    assert_eq!(digest_of(&first.stdout), digest_of(&release.stdout));
    assert_eq!(registry.log().len(), 3, "{:?}", registry.log());
    assert_eq!(registry.count("PUT", "/manifests/release"), 1);
}

/// A project whose JAR takes a second to come, or not to come.
fn with_a_slow_jar(host: &str, server: &Server, reply: Reply) -> Project {
    let project = to(host);
    server.on("/risk.jar", [reply.after(Duration::from_secs(1))]);
    let text = HEAD.replace("registry.test", host);
    let url = server.url("/risk.jar");
    project.write(
        "flinkpack.toml",
        format!("{text}[udfs]\nrisk = {{ url = \"{url}\" }}\n"),
    );
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_is_asked_while_jars_come() {
    let (registry, server) = (FaultRegistry::start().await, Server::start());
    let project = with_a_slow_jar(registry.address(), &server, Reply::status(404));
    let run = project.fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("/risk.jar"), "{}", run.stderr);
    assert_eq!(registry.log(), ["HEAD /v2/team/orders/manifests/1"]);
    // Without a push nobody asks, and what a tag's name waits for, neither.
    registry.clear_log();
    project.fails(1, &["build", "--output", "oci:out"]);
    project.fails(1, &["build", "--push", "-t", "{lock.digest}"]);
    assert_eq!(registry.log(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_early_is_not_asked_again() {
    let registry = FaultRegistry::with_tokens(Tokens::for_user("ann", "hunter2-secret")).await;
    let server = Server::start();
    let project = with_a_slow_jar(registry.address(), &server, Reply::ok(small_jar("Risk")));
    log_in(&project, registry.address(), "ann", "hunter2-secret");
    let run = project.ok(&["build", "--push", "--format", "json"]);
    assert_eq!(registry.count("HEAD", "/manifests/1"), 2, "once refused");
    let outcome: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        outcome["transferred"]["registry_requests"],
        registry.log().len()
    );
    let tokens = registry.requests();
    let tokens = tokens.iter().filter(|one| one.path.starts_with("/token"));
    assert_eq!(tokens.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_does_not_tell_of_the_registry() {
    let (registry, server) = (FaultRegistry::start().await, Server::start());
    basic_only(&registry);
    let project = with_a_slow_jar(registry.address(), &server, Reply::status(404));
    let run = project.fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("/risk.jar"), "{}", run.stderr);
    assert!(!run.stderr.contains(registry.address()), "{}", run.stderr);
}

#[test]
fn a_tag_that_cannot_be_is_told_before_the_work() {
    let project = to("registry.test");
    project.write("risk.jar", "no JAR");
    let run = project.fails(1, &["build"]);
    assert!(run.stderr.contains("risk.jar"), "{}", run.stderr);
    let run = project.fails(2, &["build", "-t", "{git.sah}"]);
    assert!(run.stderr.contains("known are {git.sha}"), "{}", run.stderr);
}
