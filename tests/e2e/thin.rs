//! Connectors without a fat JAR: what their POMs say comes along, what the base
//! has stays out, Flink starts and the factories load.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::{name, project, script};
use crate::support::docker::Docker;
use crate::support::flink::Turn;
use crate::support::project::{Run, environment};

/// The class of `java/Factories.java`, compiled against Flink.
static FACTORIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-factories");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/java/Factories.java");
    let lib = format!("{}/lib/*", script("distribution", &["1.20.5"]));
    let mut javac = Command::new("javac");
    javac.args(["--release", "11", "-cp", &lib, "-d"]);
    javac.arg(&folder).arg(source);
    let run = Run::of(javac.output().expect("javac runs"));
    assert_eq!(run.code, 0, "javac: {}{}", run.stdout, run.stderr);
    folder
});

/// What was built from some connectors, and seen of it.
struct Seen {
    /// flinkpack.lock.
    lock: String,
    /// One line a factory: class and identifier, or `failed` and why.
    factories: String,
}

impl Seen {
    fn jars(&self) -> usize {
        self.lock.matches("[[jar]]").count()
    }

    fn has(&self, file: &str) -> bool {
        self.lock.contains(&format!("path = \"lib/{file}"))
    }

    /// The section of the lock that tells by what an artifact is provided.
    fn provided(&self, artifact: &str) -> Option<&str> {
        let sections = self.lock.split("\n\n");
        let mut provided = sections.filter(|section| section.contains("[[provided]]"));
        provided.find(|section| section.contains(&format!(":{artifact}:")))
    }

    fn loads(&self, factories: &[&str]) {
        let failed = self
            .factories
            .lines()
            .find(|line| line.starts_with("failed "));
        assert_eq!(failed, None, "{}", self.factories);
        for factory in factories {
            let mut lines = self.factories.lines();
            assert!(
                lines.any(|line| line == *factory),
                "{factory}:\n{}",
                self.factories
            );
        }
    }
}

/// Builds on the 1.20 base, starts a JobManager, loads all factories.
fn start(what: &str, connectors: &str) -> Seen {
    let image = name(&format!("thin-{what}"));
    let base = environment("FLINKPACK_TEST_BASE_1_20");
    let project = project(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"{base}\"\n[connectors]\n{connectors}\n"
    ));
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    project.ok(&["build"]);

    let image = format!("{image}:1");
    let _turn = Turn::take();
    let properties = "FLINK_PROPERTIES=jobmanager.rpc.address: localhost
jobmanager.rpc.port: 0
jobmanager.bind-host: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.bind-port: 0
blob.server.port: 0";
    let arguments = ["--network", "host", "-e", properties, &image, "jobmanager"];
    let jobmanager = docker.start(&arguments);
    jobmanager.printed(120, &["Rest endpoint listening at"]);
    let classes = format!("{}:/seen:ro", FACTORIES.display());
    let factories = docker.ok(&[
        "run",
        "--rm",
        "--network",
        "host",
        "-v",
        &classes,
        "--entrypoint",
        "bash",
        &image,
        "-c",
        "exec java -cp '/opt/flink/lib/*:/seen' Factories",
    ]);
    Seen {
        lock: project.read("flinkpack.lock"),
        factories,
    }
}

#[test]
fn jdbc_with_drivers() {
    let seen = start(
        "jdbc",
        r#"jdbc = { version = "auto", with = ["org.postgresql:postgresql:42.7.4", "com.mysql:mysql-connector-j:8.4.0"] }"#,
    );
    // Files moved into the connector's own JARs from 3.3 on: each is needed.
    assert!(seen.has("flink-connector-jdbc-core-"), "{}", seen.lock);
    assert!(seen.has("postgresql-42.7.4.jar") && seen.has("mysql-connector-j-8.4.0.jar"));
    // The base carries these classes in another JAR of its own.
    let base = seen.provided("flink-connector-base").expect("provided");
    assert!(base.contains("lib/flink-connector-files-"), "{base}");
    seen.loads(&["org.apache.flink.connector.jdbc.core.table.JdbcDynamicTableFactory jdbc"]);
}

#[test]
fn kafka_without_its_fat_jar() {
    let seen = start(
        "kafka",
        r#"kafka = { maven = "org.apache.flink:flink-connector-kafka:3.4.0-1.20" }"#,
    );
    assert!(seen.has("kafka-clients-"), "{}", seen.lock);
    // It wants another version of SLF4J than what Flink's logging is bound to.
    assert!(seen.provided("slf4j-api").is_some(), "{}", seen.lock);
    seen.loads(&[
        "org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicTableFactory kafka",
        "org.apache.flink.streaming.connectors.kafka.table.UpsertKafkaDynamicTableFactory upsert-kafka",
    ]);
}

#[test]
fn hive_with_what_its_pom_leaves_to_the_platform() {
    let seen = start(
        "hive",
        r#"hive = { maven = "org.apache.flink:flink-connector-hive_2.12:3.0.0-1.20", with = ["org.apache.hive:hive-exec:2.3.10", "org.apache.hadoop:hadoop-common:2.10.2", "org.apache.hadoop:hadoop-mapreduce-client-core:2.10.2"] }"#,
    );
    assert!(seen.jars() > 100, "{}", seen.jars());
    // Other versions of the base's own logging would be in its way.
    assert!(!seen.has("log4j-api-") && !seen.has("log4j-slf4j-impl-"));
    seen.loads(&[
        "org.apache.flink.table.catalog.hive.factories.HiveCatalogFactory hive",
        "org.apache.flink.table.module.hive.HiveModuleFactory hive",
        "org.apache.flink.table.endpoint.hive.HiveServer2EndpointFactory hiveserver2",
    ]);
}

#[test]
fn iceberg_without_its_runtime_bundle() {
    let seen = start(
        "iceberg",
        r#"iceberg = { maven = "org.apache.iceberg:iceberg-flink-1.20:1.10.1" }"#,
    );
    assert!(seen.has("iceberg-core-1.10.1.jar"), "{}", seen.lock);
    assert!(seen.provided("slf4j-api").is_some(), "{}", seen.lock);
    seen.loads(&["org.apache.iceberg.flink.FlinkDynamicTableFactory iceberg"]);
}

#[test]
fn elasticsearch_without_its_fat_jar() {
    let seen = start(
        "elasticsearch",
        r#"es = { maven = "org.apache.flink:flink-connector-elasticsearch7:3.0.1-1.17" }"#,
    );
    assert!(seen.has("elasticsearch-"), "{}", seen.lock);
    seen.loads(&["org.apache.flink.streaming.connectors.elasticsearch.table.Elasticsearch7DynamicSinkFactory elasticsearch-7"]);
}
