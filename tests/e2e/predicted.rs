//! What `check` says and what Flink then does: the very failure where there is a
//! finding, none where there is not.

use super::{name, project};
use crate::support::docker::Docker;
use crate::support::flink::Turn;
use crate::support::project::environment;

/// An image of the 1.20 base with these connectors.
struct Seen {
    /// Warnings and errors: code, and what is said.
    findings: Vec<(String, String)>,
    /// What the SQL client of the image printed.
    said: String,
}

/// Checks, builds all the same, and runs the statements in the image.
fn seen(what: &str, connectors: &str, sql: &[&str]) -> Seen {
    let image = name(&format!("predicted-{what}"));
    let base = environment("FLINKPACK_TEST_BASE_1_20");
    let project = project(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"{base}\"\n[connectors]\n{connectors}\n"
    ));
    let checked = project.run(&["check", "--format", "json"]).json();
    let text = |one: &serde_json::Value| {
        let details = one["details"].as_array().into_iter().flatten();
        let parts = [&one["message"]].into_iter().chain(details);
        let texts = parts.map(|part| part.as_str().unwrap_or_default());
        texts.collect::<Vec<_>>().join("\n")
    };
    let findings = checked["findings"].as_array().expect("a list").iter();
    let findings = findings
        .filter(|one| one["severity"] != "information")
        .map(|one| (one["code"].as_str().expect("a code").to_string(), text(one)))
        .collect();
    let docker = Docker::classic();
    let image = format!("{image}:1");
    let _tag = docker.removed_later(image.as_str());
    project.ok(&["build", "--no-check"]);
    let script = project.write("statements.sql", sql.join("\n"));
    let mount = format!("{}:/statements.sql:ro", script.display());
    let client = "exec bin/sql-client.sh -f /statements.sql 2>&1";
    let _turn = Turn::take();
    let run = docker.run(&[
        "run",
        "--rm",
        "--network",
        "host",
        "-v",
        &mount,
        &image,
        "bash",
        "-c",
        client,
    ]);
    Seen {
        findings,
        said: run.stdout,
    }
}

impl Seen {
    fn fails_as_predicted(&self, (code, about): (&str, &str), failure: &str) {
        let mut findings = self.findings.iter();
        assert!(
            findings.any(|(found, text)| found == code && text.contains(about)),
            "{code} {about}: {:?}",
            self.findings
        );
        assert!(self.said.contains(failure), "{failure}:\n{}", self.said);
    }
}

const KAFKA: [&str; 2] = [
    "CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1', 'scan.startup.mode' = 'earliest-offset', 'format' = 'csv');",
    "EXPLAIN SELECT * FROM t;",
];

const AVRO: [&str; 2] = [
    "CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '/tmp/t', 'format' = 'avro');",
    "EXPLAIN SELECT * FROM t;",
];

#[test]
fn two_factories_of_one_identifier() {
    let seen = seen(
        "jdbc",
        "jdbc = \"3.3.0-1.20\"",
        &[
            "CREATE CATALOG c WITH ('type' = 'jdbc', 'default-database' = 'd', 'username' = 'u', 'password' = 'p', 'base-url' = 'jdbc:postgresql://127.0.0.1:1');",
        ],
    );
    let failure = "Multiple factories for identifier 'jdbc' that implement 'org.apache.flink.table.factories.CatalogFactory'";
    seen.fails_as_predicted(("FP0303", "two factories answer to 'jdbc'"), failure);
}

#[test]
fn a_connector_without_what_it_needs() {
    let thin =
        "k = { maven = \"org.apache.flink:flink-connector-kafka:3.4.0-1.20\", transitive = false }";
    let failure = "ClassNotFoundException: org.apache.kafka.clients";
    seen("kafka-thin", thin, &KAFKA).fails_as_predicted(("FP0601", "org.apache.kafka"), failure);
    let whole = "k = { maven = \"org.apache.flink:flink-connector-kafka:3.4.0-1.20\" }";
    let seen = seen("kafka", whole, &KAFKA);
    assert!(seen.said.contains("Execution Plan"), "{}", seen.said);
    let told = |(code, text): &(String, String)| code == "FP0601" && text.contains("kafka-clients");
    assert!(!seen.findings.iter().any(told), "{:?}", seen.findings);
}

#[test]
fn a_format_without_what_it_needs() {
    let thin = "a = { maven = \"org.apache.flink:flink-avro:1.20.0\", transitive = false }";
    let failure = "ClassNotFoundException: org.apache.avro";
    seen("avro-thin", thin, &AVRO).fails_as_predicted(("FP0601", "org.apache.avro"), failure);
    let whole = "a = { maven = \"org.apache.flink:flink-avro:1.20.0\" }";
    let seen = seen("avro", whole, &AVRO);
    assert!(seen.said.contains("Execution Plan"), "{}", seen.said);
    assert_eq!(
        seen.findings,
        [],
        "a bulk format and a record format, both `avro`"
    );
}

#[test]
fn a_library_that_hides_a_newer_one() {
    let seen = seen(
        "cli",
        "a = { maven = \"commons-cli:commons-cli:1.2\", platform = false }",
        &["SELECT 1;"],
    );
    seen.fails_as_predicted(
        ("FP0102", "org.apache.commons.cli.Option$Builder"),
        "NoSuchMethodError: 'org.apache.commons.cli.Option$Builder",
    );
}
