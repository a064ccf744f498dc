//! Combinations that people use and that work: none has an error.

use super::page::{IMAGE, Section, keep};
use super::{Base, FLINK_1_8, FLINK_1_12, FLINK_1_13, FLINK_1_20, FLINK_2, Findings, each, image};

/// Connectors of the catalogue, each alone.
const ALONE: &[(Base, &[&str])] = &[
    (
        FLINK_1_12,
        &[
            "avro",
            "elasticsearch6",
            "hbase-1.4",
            "hive-1",
            "hudi",
            "iceberg",
            "jdbc",
            "kafka",
        ],
    ),
    (
        FLINK_1_13,
        &[
            "avro",
            "db2-cdc",
            "elasticsearch7",
            "hive-2",
            "hive-3",
            "hudi",
            "iceberg",
            "jdbc",
            "kafka",
            "mongodb-cdc",
            "mysql-cdc",
            "oceanbase-cdc",
            "oracle-cdc",
            "orc",
            "parquet",
            "postgres-cdc",
            "sqlserver-cdc",
            "starrocks",
            "tidb-cdc",
        ],
    ),
    (
        FLINK_1_20,
        &[
            "avro",
            "avro-confluent-registry",
            "db2-cdc",
            "doris",
            "hive-2",
            "iceberg",
            "jdbc",
            "mongodb-cdc",
            "mysql-cdc",
            "oracle-cdc",
            "paimon",
            "postgres-cdc",
            "sqlserver-cdc",
        ],
    ),
    (
        FLINK_2,
        &[
            "avro",
            "avro-confluent-registry",
            "orc",
            "parquet",
            "protobuf",
        ],
    ),
];

/// File systems, each alone and two by two.
const FILESYSTEMS: &[(Base, &[&str])] = &[
    (FLINK_1_8, &["s3-hadoop", "s3-presto", "oss", "swift"]),
    (
        FLINK_1_12,
        &["s3-hadoop", "s3-presto", "oss", "swift", "azure"],
    ),
    (FLINK_1_13, &["s3-hadoop", "s3-presto", "oss", "azure"]),
    (
        FLINK_1_20,
        &["s3-hadoop", "s3-presto", "oss", "azure", "gs"],
    ),
    (
        FLINK_2,
        &["s3-hadoop", "s3-presto", "s3-native", "oss", "azure", "gs"],
    ),
];

const KAFKA: &str = "kafka = { maven = \"org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19\" }";
const JDBC: &str = "jdbc = { version = \"auto\", with = [\"org.postgresql:postgresql:42.7.4\"] }";
const MYSQL: &str =
    "mysql-cdc = { version = \"auto\", with = [\"com.mysql:mysql-connector-j:8.0.33\"] }";

/// The usual pairs: what they are called, connectors, file system.
const TOGETHER: &[(Base, &str, &[&str], &str)] = &[
    (
        FLINK_1_12,
        "kafka, jdbc and a driver",
        &["kafka = \"auto\"", JDBC],
        "",
    ),
    (
        FLINK_1_12,
        "kafka and avro",
        &["kafka = \"auto\"", "avro = \"auto\""],
        "",
    ),
    (
        FLINK_1_12,
        "kafka and elasticsearch6",
        &["kafka = \"auto\"", "elasticsearch6 = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "kafka, jdbc and a driver",
        &["kafka = \"auto\"", JDBC],
        "",
    ),
    (
        FLINK_1_13,
        "kafka and avro",
        &["kafka = \"auto\"", "avro = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "kafka, orc and parquet",
        &["kafka = \"auto\"", "orc = \"auto\"", "parquet = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "kafka and elasticsearch7",
        &["kafka = \"auto\"", "elasticsearch7 = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "kafka, jdbc and mysql-cdc",
        &["kafka = \"auto\"", JDBC, "mysql-cdc = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "elasticsearch7 and hive-2",
        &["elasticsearch7 = \"auto\"", "hive-2 = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "mysql-cdc and postgres-cdc",
        &["mysql-cdc = \"auto\"", "postgres-cdc = \"auto\""],
        "",
    ),
    (
        FLINK_1_13,
        "starrocks and mysql-cdc",
        &["starrocks = \"auto\"", "mysql-cdc = \"auto\""],
        "",
    ),
    (FLINK_1_13, "hudi on oss", &["hudi = \"auto\""], "oss"),
    (
        FLINK_1_13,
        "iceberg on s3",
        &["iceberg = \"auto\""],
        "s3-hadoop",
    ),
    (FLINK_1_20, "kafka", &[KAFKA], ""),
    (FLINK_1_20, "kafka, jdbc and a driver", &[KAFKA, JDBC], ""),
    (
        FLINK_1_20,
        "kafka and avro",
        &[KAFKA, "avro = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "kafka and avro-confluent-registry",
        &[KAFKA, "avro-confluent-registry = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "kafka and mongodb-cdc",
        &[KAFKA, "mongodb-cdc = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "jdbc and a driver, s3-presto",
        &[JDBC],
        "s3-presto",
    ),
    (
        FLINK_1_20,
        "iceberg on s3",
        &["iceberg = \"auto\""],
        "s3-hadoop",
    ),
    (FLINK_1_20, "paimon on oss", &["paimon = \"auto\""], "oss"),
    (
        FLINK_1_20,
        "mysql-cdc, its driver and paimon",
        &[MYSQL, "paimon = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "mysql-cdc, its driver and doris",
        &[MYSQL, "doris = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "mysql-cdc, its driver and iceberg",
        &[MYSQL, "iceberg = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "mysql-cdc, its driver and postgres-cdc",
        &[MYSQL, "postgres-cdc = \"auto\""],
        "",
    ),
    (
        FLINK_1_20,
        "hive 2.3.9 on s3",
        &[
            "hive = { maven = \"org.apache.flink:flink-sql-connector-hive-2.3.9_2.12:1.19.1\", fat = true }",
        ],
        "s3-hadoop",
    ),
    (
        FLINK_2,
        "avro and protobuf",
        &["avro = \"auto\"", "protobuf = \"auto\""],
        "",
    ),
    (
        FLINK_2,
        "kafka",
        &["kafka = { maven = \"org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2\" }"],
        "",
    ),
    (
        FLINK_2,
        "parquet on s3",
        &["parquet = \"auto\""],
        "s3-native",
    ),
    (FLINK_2, "orc on oss", &["orc = \"auto\""], "oss"),
    (
        FLINK_2,
        "avro-confluent-registry and parquet",
        &["avro-confluent-registry = \"auto\"", "parquet = \"auto\""],
        "",
    ),
];

/// Base, name, manifest.
fn combinations() -> Vec<(Base, String, String)> {
    let mut all = Vec::new();
    for (base, names) in ALONE {
        for name in *names {
            let manifest = format!("[connectors]\n\"{name}\" = \"auto\"");
            all.push((*base, name.to_string(), manifest));
        }
    }
    for (base, names) in FILESYSTEMS {
        for (at, name) in names.iter().enumerate() {
            let alone = format!("[filesystems]\n{name} = {{}}");
            for other in &names[at + 1..] {
                all.push((
                    *base,
                    format!("{name} and {other}"),
                    format!("{alone}\n{other} = {{}}"),
                ));
            }
            all.push((*base, name.to_string(), alone));
        }
    }
    for (base, what, connectors, filesystem) in TOGETHER {
        let mut manifest = format!("[connectors]\n{}\n", connectors.join("\n"));
        if !filesystem.is_empty() {
            manifest.push_str(&format!("[filesystems]\n{filesystem} = {{}}\n"));
        }
        all.push((*base, what.to_string(), manifest));
    }
    all
}

#[test]
fn what_works_gives_no_error() {
    let rows = each(
        &combinations(),
        |(base, what, _)| format!("{what} on {}", base.flink),
        |(base, what, manifest)| {
            let found = Findings::of(&image("registry.test/good", *base, manifest, &[]));
            assert_eq!(
                found.errors(),
                0,
                "{what} on {}:\n{}",
                base.flink,
                found.shown()
            );
            let row = vec![what.clone(), base.flink.to_string(), found.listed()];
            (row, IMAGE)
        },
    );
    keep(
        &Section {
            title: "Combinations that work",
            about: "Connectors and file systems alone and together, as people use them: an error here\nwould be wrong. Warnings were not tried.",
            columns: &["image", "Flink", "findings"],
        },
        &rows,
    );
}
