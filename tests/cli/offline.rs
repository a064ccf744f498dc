//! Without a network.

use super::transcript::Transcript;
use super::{HEAD, alone, digest_of, project, repository, small_jar};
use crate::support::base::TinyBase;
use crate::support::maven::{Reply, Server};
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

const BUILD: &[&str] = &["build", "--output", "oci:out"];
const OFFLINE: &[&str] = &["build", "--offline", "--output", "oci:out"];

#[test]
fn a_warm_cache_is_enough() {
    let project = project(
        "[connectors]\nacme = { maven = \"com.example:acme:1.0\" }\nkafka = \"auto\"\nremote = { url = \"[server]/a.jar\" }\n[filesystems]\noss = {}\n",
    );
    let server = repository(&project);
    let text = project.read("flinkpack.toml");
    project.write(
        "flinkpack.toml",
        text.replace("[server]/", server.url("/").as_str()),
    );
    server.on("/a.jar", [Reply::ok(small_jar("Remote"))]);
    server.release("com.example:acme:1.0", &small_jar("Acme"), "");
    let kafka = "/m2/org/apache/flink/flink-sql-connector-kafka";
    for version in ["3.3.0-1.20", "3.4.0-1.20"] {
        server.file(
            &format!("{kafka}/{version}/flink-sql-connector-kafka-{version}.jar"),
            &small_jar("Kafka"),
        );
    }
    server.versions(kafka, &["3.3.0-1.20", "3.4.0-1.20"]);
    let first = project.ok(BUILD);
    let asked = server.asked().len();
    let second = project.ok(OFFLINE);
    assert_eq!(digest_of(&first.stdout), digest_of(&second.stdout));
    project.ok(&["build", "--offline", "--locked", "--output", "oci:out"]);
    project.ok(&["lock", "--offline", "--check"]);
    project.ok(&["build", "--offline", "--dry-run"]);
    std::fs::remove_dir_all(project.path("out")).unwrap();
    let third = project.ok(OFFLINE);
    assert_eq!(digest_of(&first.stdout), digest_of(&third.stdout));
    assert_eq!(server.asked().len(), asked, "nothing was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let mut transcript = Transcript::new();
    let server = Server::start();
    server.on("/a.jar", [Reply::ok(small_jar("Remote"))]);
    let port = server.url("/").port().unwrap().to_string();
    let mut case = |title: &str, sections: &str, warm: bool| {
        let project = project(sections);
        super::mirror(&project, server.url("/m2").as_str());
        if warm {
            project.ok(&["lock"]);
            std::fs::remove_dir_all(project.cache()).unwrap();
        }
        let run = project.fails(1, OFFLINE);
        transcript.failure(title, &project, &run, &[(&port, "[port]")]);
    };
    server.release("com.example:acme:1.0", &small_jar("Acme"), "");
    let by_maven = "[connectors]\nacme = { maven = \"com.example:acme:1.0\" }\n";
    let by_url = format!(
        "[connectors]\nremote = {{ url = \"{}\" }}\n",
        server.url("/a.jar")
    );
    case("a coordinate", by_maven, false);
    case("a coordinate that the lock pins", by_maven, true);
    case("an address", &by_url, false);
    case("an address that the lock pins", &by_url, true);
    case("a catalogue name", "[connectors]\navro = \"auto\"\n", false);

    let registry = FaultRegistry::start().await;
    TinyBase::flink("1.20.5").publish(&registry, "flink", "1.20");
    let base = format!("docker://{}/flink:1.20", registry.address());
    let mut project = Project::with_manifest(&HEAD.replace("oci:base", &base));
    alone(&mut project);
    let run = project.fails(1, OFFLINE);
    transcript.failure(
        "a base",
        &project,
        &run,
        &[(registry.address(), "[registry]")],
    );
    transcript.check("offline");

    project.ok(&["lock"]);
    registry.clear_log();
    project.ok(&["build", "--offline", "--dry-run"]);
    assert!(registry.log().is_empty(), "{:?}", registry.log());
    // The layout needs the base's layers, which the cache does not have.
    let run = project.run(OFFLINE);
    assert!(registry.log().is_empty(), "{:?}", registry.log());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let address = registry.address();
    assert!(
        run.stderr.contains("--offline") && run.stderr.contains(address),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_and_push_do_not_go_together() {
    let registry = FaultRegistry::start().await;
    let mut project = Project::with_manifest(&HEAD.replace("registry.test", registry.address()));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    alone(&mut project);
    let run = project.fails(2, &["build", "--offline", "--push"]);
    assert!(run.stderr.contains("--offline"), "{}", run.stderr);
    assert!(registry.log().is_empty(), "{:?}", registry.log());
}
