//! Conflicts that were seen in the wild, made with the real artifacts; and
//! combinations that work, which must give no error.

use super::CACHE;
use crate::support::project::{Project, environment};

/// The findings of these connectors on the base that the variable names.
fn findings(base: &str, connectors: &str) -> (i32, Vec<serde_json::Value>, String) {
    let base = environment(base);
    let mut project = Project::with_manifest(&format!(
        "[image]\nname = \"registry.test/check\"\nbase = \"{base}\"\n[connectors]\n{connectors}\n"
    ));
    project.set("FLINKPACK_CACHE_DIR", CACHE.display().to_string());
    let run = project.run(&["check", "--format", "json"]);
    let shown = format!("{connectors}\n{}", run.stderr);
    assert!(matches!(run.code, 0 | 3), "{shown}");
    let found = run.json()["findings"].as_array().expect("a list").clone();
    (run.code, found, shown)
}

const FLINK_1_13: &str = "FLINKPACK_TEST_BASE_1_13";
const FLINK_1_20: &str = "FLINKPACK_TEST_BASE_1_20";
const FLINK_2: &str = "FLINKPACK_TEST_BASE_2";

const HIVE: &str = "hive = { maven = \"org.apache.flink:flink-sql-connector-hive-2.3.9_2.12:1.19.1\", fat = true }";
const MYSQL_CDC: &str = "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:2.4.2\" }";

#[test]
fn conflicts_that_were_seen_in_the_wild_are_found() {
    let with = |more: &str| format!("{HIVE}\n{more}");
    for (base, connectors, code, words) in [
        // The MySQL connector alone relocates Kafka.
        (
            FLINK_1_13,
            "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:3.0.0\" }\nmongodb = { maven = \"com.ververica:flink-sql-connector-mongodb-cdc:3.0.0\" }".to_string(),
            "FP0102",
            "mongodb-cdc-3.0.0.jar hides",
        ),
        // With its dependencies and without them.
        (
            FLINK_1_13,
            format!("{MYSQL_CDC}\nthin = {{ maven = \"com.ververica:flink-connector-mysql-cdc:2.4.2\" }}"),
            "FP0204",
            "flink-connector-mysql-cdc",
        ),
        // Hive and the table formats: Parquet and what else they bundle.
        (FLINK_1_20, with("paimon = \"auto\""), "FP0102", "hive-2.3.9"),
        (FLINK_1_20, with("iceberg = \"auto\""), "FP0102", "flink-dist"),
        (
            FLINK_1_13,
            "hive-2 = \"auto\"\nhudi = \"auto\"".to_string(),
            "FP0102",
            "hudi",
        ),
        // Calcite in hive-exec and in the planner.
        (
            FLINK_1_13,
            "hive = { maven = \"org.apache.hive:hive-exec:2.3.9\", transitive = false }".to_string(),
            "FP0102",
            "org.apache.calcite",
        ),
        // The MySQL driver twice.
        (
            FLINK_1_20,
            "a = { maven = \"mysql:mysql-connector-java:8.0.28\", transitive = false }\nb = { maven = \"com.mysql:mysql-connector-j:8.0.33\", transitive = false }".to_string(),
            "FP0102",
            "mysql-connector-j-8.0.33",
        ),
        (
            FLINK_1_20,
            "a = { maven = \"commons-cli:commons-cli:1.2\", platform = false }".to_string(),
            "FP0102",
            "org.apache.commons.cli.Option",
        ),
        // Without its dependencies.
        (
            FLINK_1_20,
            "a = { maven = \"org.apache.flink:flink-connector-kafka:3.2.0-1.19\", transitive = false }".to_string(),
            "FP0601",
            "org.apache.kafka",
        ),
        // For another Flink.
        (
            FLINK_1_20,
            "a = { maven = \"org.apache.flink:flink-sql-connector-kafka:1.15.0\" }".to_string(),
            "FP0201",
            "Flink 1.15",
        ),
    ] {
        let (_, found, shown) = findings(base, &connectors);
        let fits = |one: &serde_json::Value| one["code"] == code && one.to_string().contains(words);
        assert!(found.iter().any(fits), "{code} {words}: {shown}{found:#?}");
    }
}

#[test]
fn what_works_gives_no_error() {
    let mut combinations = vec![
        (FLINK_1_20, HIVE.to_string()),
        (
            FLINK_1_20,
            "kafka = { maven = \"org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19\" }\njdbc = { version = \"auto\", with = [\"org.postgresql:postgresql:42.7.4\"] }".to_string(),
        ),
        (FLINK_1_13, "kafka = \"auto\"\njdbc = \"auto\"\nmysql-cdc = \"auto\"".to_string()),
        (FLINK_1_13, "elasticsearch7 = \"auto\"\nhive-2 = \"auto\"".to_string()),
    ];
    for (base, names) in [
        (
            FLINK_1_20,
            &[
                "mysql-cdc",
                "postgres-cdc",
                "paimon",
                "iceberg",
                "avro-confluent-registry",
            ][..],
        ),
        (
            FLINK_1_13,
            &[
                "kafka",
                "jdbc",
                "hive-2",
                "elasticsearch7",
                "mysql-cdc",
                "hudi",
                "iceberg",
                "avro",
                "parquet",
                "orc",
            ][..],
        ),
        (FLINK_2, &["parquet"][..]),
    ] {
        combinations.extend(
            names
                .iter()
                .map(|name| (base, format!("{name} = \"auto\""))),
        );
    }
    for (base, connectors) in combinations {
        let (code, found, shown) = findings(base, &connectors);
        let errors: Vec<_> = found
            .iter()
            .filter(|one| one["severity"] == "error")
            .collect();
        assert!(code == 0 && errors.is_empty(), "{shown}{errors:#?}");
    }
}
