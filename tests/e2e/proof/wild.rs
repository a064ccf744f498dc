//! Conflicts that people met (the issues of flink-cdc, iceberg, hudi, paimon,
//! dinky and streampark tell of them), made with the real artifacts.

use super::page::{Counts, IMAGE, Section, keep};
use super::{Base, FLINK_1_8, FLINK_1_13, FLINK_1_20, FLINK_2, Findings, each, image};

const HIVE: &str = "hive = { maven = \"org.apache.flink:flink-sql-connector-hive-2.3.9_2.12:1.19.1\", fat = true }";

/// A conflict.
struct Conflict<'a> {
    what: &'a str,
    base: Base,
    connectors: &'a [&'a str],
    /// The rest of the manifest.
    more: &'a str,
    code: &'a str,
    names: &'a str,
}

const fn conflict<'a>(
    what: &'a str,
    base: Base,
    connectors: &'a [&'a str],
    (code, names): (&'a str, &'a str),
) -> Conflict<'a> {
    Conflict {
        what,
        base,
        connectors,
        more: "",
        code,
        names,
    }
}

const CONFLICTS: &[Conflict<'_>] = &[
    conflict(
        "mysql-cdc and mongodb-cdc 3.0.0",
        FLINK_1_13,
        &[
            "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:3.0.0\" }",
            "mongodb = { maven = \"com.ververica:flink-sql-connector-mongodb-cdc:3.0.0\" }",
        ],
        ("FP0102", "mongodb-cdc-3.0.0.jar hides"),
    ),
    conflict(
        "mysql-cdc 3.0.0 and tidb-cdc 2.3.0",
        FLINK_1_13,
        &[
            "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:3.0.0\" }",
            "tidb = { maven = \"com.ververica:flink-sql-connector-tidb-cdc:2.3.0\" }",
        ],
        ("FP0101", "tidb-cdc-2.3.0.jar"),
    ),
    conflict(
        "mysql-cdc 2.4.2 with its dependencies and without",
        FLINK_1_13,
        &[
            "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:2.4.2\" }",
            "thin = { maven = \"com.ververica:flink-connector-mysql-cdc:2.4.2\" }",
        ],
        ("FP0204", "flink-connector-mysql-cdc"),
    ),
    conflict(
        "mysql-cdc 2.0.2 and the thin kafka connector",
        FLINK_1_13,
        &[
            "mysql = { maven = \"com.ververica:flink-sql-connector-mysql-cdc:2.0.2\" }",
            "k = { maven = \"org.apache.flink:flink-connector-kafka_2.12:1.13.6\" }",
        ],
        ("FP0102", "org.apache.kafka"),
    ),
    conflict(
        "hive and paimon",
        FLINK_1_20,
        &[HIVE, "paimon = \"auto\""],
        ("FP0102", "hive-2.3.9"),
    ),
    conflict(
        "hive and iceberg",
        FLINK_1_20,
        &[HIVE, "iceberg = \"auto\""],
        ("FP0102", "hive-2.3.9"),
    ),
    conflict(
        "hive and hudi",
        FLINK_1_13,
        &["hive-2 = \"auto\"", "hudi = \"auto\""],
        ("FP0102", "hudi"),
    ),
    conflict(
        "hive-exec and the planner: Calcite",
        FLINK_1_13,
        &["hive = { maven = \"org.apache.hive:hive-exec:2.3.9\", transitive = false }"],
        ("FP0102", "org.apache.calcite"),
    ),
    conflict(
        "the MySQL driver twice",
        FLINK_1_20,
        &[
            "a = { maven = \"mysql:mysql-connector-java:8.0.28\", transitive = false }",
            "b = { maven = \"com.mysql:mysql-connector-j:8.0.33\", transitive = false }",
        ],
        ("FP0102", "mysql-connector-j-8.0.33"),
    ),
    conflict(
        "commons-cli 1.2",
        FLINK_1_20,
        &["a = { maven = \"commons-cli:commons-cli:1.2\", platform = false }"],
        ("FP0102", "org.apache.commons.cli.Option"),
    ),
    conflict(
        "Scala 2.11 on 2.12",
        FLINK_1_13,
        &[
            "a = { maven = \"org.apache.flink:flink-streaming-scala_2.11:1.13.6\", transitive = false }",
        ],
        ("FP0202", "is built for Scala 2.11"),
    ),
    conflict(
        "classes for Java 11 on Java 8",
        FLINK_1_8,
        &["a = { maven = \"org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2\" }"],
        ("FP0203", "is made for Java 11, and the image has Java 8"),
    ),
    conflict(
        "a thin connector without its dependencies",
        FLINK_1_20,
        &[
            "a = { maven = \"org.apache.flink:flink-connector-kafka:3.2.0-1.19\", transitive = false }",
        ],
        ("FP0601", "org.apache.kafka"),
    ),
    conflict(
        "kafka for Flink 1.15",
        FLINK_1_20,
        &["a = { maven = \"org.apache.flink:flink-sql-connector-kafka:1.15.0\" }"],
        ("FP0201", "Flink 1.15"),
    ),
    conflict(
        "iceberg for Flink 1.20",
        FLINK_2,
        &["a = { maven = \"org.apache.iceberg:iceberg-flink-runtime-1.20:1.11.0\" }"],
        ("FP0201", "Flink 1.20"),
    ),
    Conflict {
        what: "a connector in usrlib/ that SQL names",
        base: FLINK_1_13,
        connectors: &[],
        more: "[udfs]\nkafka = { maven = \"org.apache.flink:flink-sql-connector-kafka_2.12:1.13.6\", in = \"usrlib\" }\n[files]\n\"/opt/flink/job.sql\" = \"job.sql\"",
        code: "FP0304",
        names: "names the connector 'kafka', and no JAR in lib/",
    },
];

#[test]
fn conflicts_that_were_seen_in_the_wild_are_found() {
    let rows = each(
        CONFLICTS,
        |one| one.what.to_string(),
        |one| {
            let connectors = one.connectors.join("\n");
            let manifest = format!("[connectors]\n{connectors}\n{}", one.more);
            let sql = b"CREATE TABLE t (a STRING) WITH ('connector' = 'kafka');".to_vec();
            let project = image(
                "registry.test/wild",
                one.base,
                &manifest,
                &[("job.sql", sql)],
            );
            let found = Findings::of(&project);
            found.must_have(one.what, one.code, one.names);
            let row = vec![
                one.what.to_string(),
                one.base.flink.to_string(),
                one.code.to_string(),
                found.listed(),
            ];
            (row, Counts { right: 1, ..IMAGE })
        },
    );
    keep(
        &Section {
            title: "Seen in the wild",
            about: "People met these; here they are found, and not run again.",
            columns: &["image", "Flink", "finding", "all findings"],
        },
        &rows,
    );
}
