//! Images in which Flink runs what they are for: without a finding, and with
//! findings that do not come true in what is run.

use super::flink::{Case, Seen, Start, look};
use super::page::{Counts, IMAGE, Section, keep};
use super::{Base, FLINK_1_8, FLINK_1_12, FLINK_1_13, FLINK_1_20, FLINK_2, each, samples};

const PLAN: &str = "Physical Plan";
const UP: &str = "Rest endpoint listening at";
const READ: &str = "EXPLAIN SELECT * FROM t;";

const MYSQL_CDC: &str = "CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'mysql-cdc', 'hostname' = '127.0.0.1', 'username' = 'u', 'password' = 'p', 'database-name' = 'd', 'table-name' = 't');";
const POSTGRES_CDC: &str = "CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'postgres-cdc', 'hostname' = '127.0.0.1', 'port' = '1', 'username' = 'u', 'password' = 'p', 'database-name' = 'd', 'schema-name' = 's', 'table-name' = 't', 'slot.name' = 'x');";
const SQLSERVER_CDC: &str = "CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'sqlserver-cdc', 'hostname' = '127.0.0.1', 'username' = 'u', 'password' = 'p', 'database-name' = 'd', 'table-name' = 's.t');";
const ORACLE_CDC: &str = "CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'oracle-cdc', 'hostname' = '127.0.0.1', 'username' = 'u', 'password' = 'p', 'database-name' = 'd', 'schema-name' = 's', 'table-name' = 't');";
const MONGODB_CDC: &str = "CREATE TABLE t (_id STRING, PRIMARY KEY (_id) NOT ENFORCED) WITH ('connector' = 'mongodb-cdc', 'hosts' = '127.0.0.1:1', 'database' = 'd', 'collection' = 'c');";
const KAFKA: &str = "CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');";
const JDBC: &str = "CREATE TABLE t (a STRING) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://127.0.0.1:1/d', 'table-name' = 't');";
const ELASTICSEARCH: &str = "CREATE TABLE t (a STRING) WITH ('connector' = 'elasticsearch-7', 'hosts' = 'http://127.0.0.1:1', 'index' = 'i');";
const AVRO: &str = "CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '/tmp/t', 'format' = 'avro');";
const WITH_DRIVER: &str =
    "jdbc = { version = \"auto\", with = [\"org.postgresql:postgresql:42.7.4\"] }";

/// What is run, on which base, with which connectors, by which statements.
type Tables<'a> = (&'a str, Base, &'a str, &'a [&'a str]);

const CLEAN: &[Tables<'_>] = &[
    (
        "mongodb-cdc",
        FLINK_1_20,
        "mongodb-cdc = \"auto\"",
        &[MONGODB_CDC, READ],
    ),
    (
        "mysql-cdc with its driver",
        FLINK_1_20,
        "mysql-cdc = { version = \"auto\", with = [\"com.mysql:mysql-connector-j:8.0.33\"] }",
        &[MYSQL_CDC, READ],
    ),
    (
        "postgres-cdc",
        FLINK_1_20,
        "postgres-cdc = \"auto\"",
        &[POSTGRES_CDC, READ],
    ),
    (
        "sqlserver-cdc",
        FLINK_1_20,
        "sqlserver-cdc = \"auto\"",
        &[SQLSERVER_CDC, READ],
    ),
    (
        "avro with what it needs",
        FLINK_1_20,
        "avro = \"auto\"",
        &[AVRO, READ],
    ),
    (
        "avro with what it needs",
        FLINK_2,
        "avro = \"auto\"",
        &[AVRO, READ],
    ),
    ("kafka", FLINK_1_13, "kafka = \"auto\"", &[KAFKA, READ]),
    ("jdbc with a driver", FLINK_1_13, WITH_DRIVER, &[JDBC, READ]),
    (
        "elasticsearch7, a sink",
        FLINK_1_13,
        "elasticsearch7 = \"auto\"",
        &[
            ELASTICSEARCH,
            "EXPLAIN PLAN FOR INSERT INTO t VALUES ('a');",
        ],
    ),
    (
        "oracle-cdc",
        FLINK_1_13,
        "oracle-cdc = \"auto\"",
        &[ORACLE_CDC, READ],
    ),
];

/// Connectors with warnings that concern something else than what is run.
const HARMLESS: &[Tables<'_>] = &[
    (
        "kafka for Flink 1.19",
        FLINK_1_20,
        "kafka = { maven = \"org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19\" }",
        &[KAFKA, READ],
    ),
    (
        "thin kafka 3.4.0-1.20 with what it needs",
        FLINK_1_20,
        "kafka = { maven = \"org.apache.flink:flink-connector-kafka:3.4.0-1.20\" }",
        &[KAFKA, READ],
    ),
    (
        "avro-confluent-registry, files of avro",
        FLINK_1_20,
        "avro-confluent-registry = \"auto\"",
        &[AVRO, READ],
    ),
    (
        "mysql-cdc and postgres-cdc",
        FLINK_1_20,
        "postgres-cdc = \"auto\"\nmysql-cdc = { version = \"auto\", with = [\"com.mysql:mysql-connector-j:8.0.33\"] }",
        &[POSTGRES_CDC, READ],
    ),
];

fn tables<'a>(all: &'a [Tables<'a>]) -> Vec<Case<'a>> {
    let cases = all.iter().map(|(what, base, connectors, sql)| Case {
        what,
        base: *base,
        manifest: format!("[connectors]\n{connectors}"),
        files: Vec::new(),
        start: Start::Sql(sql),
        prints: PLAN,
    });
    cases.collect()
}

/// Jobs and file systems.
fn others() -> Vec<Case<'static>> {
    let job = |class: &str, args: &str| {
        format!("[job]\njar = {{ path = \"job.jar\" }}\nclass = \"{class}\"\nargs = [{args}]\n")
    };
    let catalog = "\"CREATE CATALOG c WITH ('type' = 'jdbc', 'default-database' = 'd', 'username' = 'u', 'password' = 'p', 'base-url' = 'jdbc:postgresql://127.0.0.1:1')\"";
    let package = "com.example.rates";
    let mut cases = vec![
        Case {
            what: "jdbc and its driver in lib/, a catalog from a job",
            base: FLINK_1_13,
            manifest: format!(
                "[connectors]\n{WITH_DRIVER}\n{}",
                job("Statements", catalog)
            ),
            files: vec![("job.jar", samples::statements())],
            start: Start::Job,
            prints: "Connection to 127.0.0.1:1 refused",
        },
        Case {
            what: "a job with a newer class than lib/ has, child-first (made)",
            base: FLINK_1_20,
            manifest: format!(
                "[connectors]\na = {{ path = \"rates.jar\" }}\n{}",
                job("Converts", "")
            ),
            files: vec![
                ("job.jar", samples::converts(package)),
                ("rates.jar", samples::old_rates(package)),
            ],
            start: Start::Job,
            prints: "converted by 3",
        },
    ];
    for (what, base, plugins) in [
        ("s3-hadoop in lib/", FLINK_1_8, "s3-hadoop = {}"),
        (
            "s3-presto and swift",
            FLINK_1_12,
            "s3-presto = {}\nswift = {}",
        ),
        ("oss and azure", FLINK_1_20, "oss = {}\nazure = {}"),
        ("s3-native and gs", FLINK_2, "s3-native = {}\ngs = {}"),
    ] {
        cases.push(Case {
            what,
            base,
            manifest: format!("[filesystems]\n{plugins}"),
            files: Vec::new(),
            start: Start::Command("jobmanager"),
            prints: UP,
        });
    }
    cases
}

/// Flink runs it, and nothing goes wrong that can be the image's fault.
fn runs(case: &Case<'_>) -> Seen {
    let seen = look(case);
    seen.must_have_said(case);
    assert_eq!(seen.failure(), None, "{}:\n{}", case.what, seen.said);
    seen
}

fn row(case: &Case<'_>, found: String) -> Vec<String> {
    let flink = case.base.flink.to_string();
    vec![
        case.what.to_string(),
        flink,
        format!("`{}`", case.prints),
        found,
    ]
}

#[test]
fn flink_runs_what_has_no_finding() {
    let mut all = tables(CLEAN);
    all.extend(others());
    let rows = each(
        &all,
        |case| case.what.to_string(),
        |case| {
            let seen = runs(case);
            assert_eq!(
                seen.findings.0.len(),
                0,
                "{}: {}",
                case.what,
                seen.findings.shown()
            );
            let counts = Counts { clean: 1, ..IMAGE };
            (row(case, seen.findings.listed()), counts)
        },
    );
    keep(
        &Section {
            title: "Nothing to tell, and Flink runs it",
            about: "No warning, no error; Flink comes to what is printed, and names no class, method,\nfactory or file system that is missing or there twice.",
            columns: &["image", "Flink", "printed by Flink", "findings"],
        },
        &rows,
    );
}

#[test]
fn warnings_that_do_not_come_true_are_counted() {
    let rows = each(
        &tables(HARMLESS),
        |case| case.what.to_string(),
        |case| {
            let seen = runs(case);
            assert_eq!(
                seen.findings.errors(),
                0,
                "{}: {}",
                case.what,
                seen.findings.shown()
            );
            let wrong = seen.findings.warnings();
            let counts = Counts { wrong, ..IMAGE };
            (row(case, seen.findings.listed()), counts)
        },
    );
    keep(
        &Section {
            title: "Told, and not seen in what was run",
            about: "Warnings of what may fail elsewhere: they are counted as wrong here.",
            columns: &["image", "Flink", "printed by Flink", "findings"],
        },
        &rows,
    );
}
