//! Images with a finding, in which Flink then fails as the finding says.

use super::flink::{Case, Start, look};
use super::page::{Counts, IMAGE, Section, keep};
use super::{Base, FLINK_1_12, FLINK_1_13, FLINK_1_20, FLINK_2, each, samples};

/// An image, and what is found in it.
struct Predicted<'a> {
    case: Case<'a>,
    code: &'a str,
    /// What the finding names.
    names: &'a str,
}

const KAFKA: &str = "CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1', 'scan.startup.mode' = 'earliest-offset', 'format' = 'csv');";
const PREFIXED: &str = "CREATE TABLE t (k_a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1', 'key.format' = 'csv', 'key.fields' = 'k_a', 'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'csv');";

const READ: &str = "EXPLAIN SELECT * FROM t;";
const WRITE: &str = "EXPLAIN INSERT INTO t SELECT * FROM t;";
const TOP: &str = "EXPLAIN SELECT a, b, c FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY a ORDER BY c DESC) AS r FROM (SELECT a, b, COUNT(*) AS c FROM t GROUP BY a, b)) WHERE r <= 3;";
const MYSQL_CDC: &str = "CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'mysql-cdc', 'hostname' = '127.0.0.1', 'username' = 'u', 'password' = 'p', 'database-name' = 'd', 'table-name' = 't');";

/// What is looked at, on which base, with which connectors; what is started, the
/// finding's code and what it names, and what Flink prints.
type Connectors<'a> = (
    &'a str,
    Base,
    &'a str,
    Start<'a>,
    (&'a str, &'a str),
    &'a str,
);

/// JARs of the Maven repository, and what is told of them.
const CONNECTORS: &[Connectors<'_>] = &[
    (
        "jdbc 3.3.0-1.20, a catalog",
        FLINK_1_20,
        "jdbc = \"3.3.0-1.20\"",
        Start::Sql(&[
            "CREATE CATALOG c WITH ('type' = 'jdbc', 'default-database' = 'd', 'username' = 'u', 'password' = 'p', 'base-url' = 'jdbc:postgresql://127.0.0.1:1');",
        ]),
        ("FP0303", "two factories answer to 'jdbc'"),
        "Multiple factories for identifier 'jdbc' that implement 'org.apache.flink.table.factories.CatalogFactory'",
    ),
    (
        "thin kafka 3.4.0-1.20 without kafka-clients",
        FLINK_1_20,
        "k = { maven = \"org.apache.flink:flink-connector-kafka:3.4.0-1.20\", transitive = false }",
        Start::Sql(&[KAFKA, READ]),
        ("FP0601", "org.apache.kafka"),
        "ClassNotFoundException: org.apache.kafka.clients",
    ),
    (
        "avro 1.20.0 without avro",
        FLINK_1_20,
        "a = { maven = \"org.apache.flink:flink-avro:1.20.0\", transitive = false }",
        Start::Sql(&[
            "CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '/tmp/t', 'format' = 'avro');",
            READ,
        ]),
        ("FP0601", "org.apache.avro"),
        "ClassNotFoundException: org.apache.avro",
    ),
    (
        "commons-cli 1.2",
        FLINK_1_20,
        "a = { maven = \"commons-cli:commons-cli:1.2\", platform = false }",
        Start::Sql(&["SELECT 1;"]),
        ("FP0102", "org.apache.commons.cli.Option$Builder"),
        "NoSuchMethodError: 'org.apache.commons.cli.Option$Builder",
    ),
    (
        "jline 3.9.0, the SQL client",
        FLINK_1_20,
        "a = { maven = \"org.jline:jline:3.9.0\", transitive = false }",
        Start::Sql(&["SELECT 1;"]),
        (
            "FP0105",
            "org.jline.utils.AttributedStyle.foreground(int, int, int)",
        ),
        "NoSuchMethodError: 'org.jline.utils.AttributedStyle org.jline.utils.AttributedStyle.foreground(int, int, int)'",
    ),
    (
        "log4j-api 2.0.2",
        FLINK_1_20,
        "a = { maven = \"org.apache.logging.log4j:log4j-api:2.0.2\", platform = false }",
        Start::Command("jobmanager"),
        ("FP0102", "lib/log4j-api-2.0.2.jar hides"),
        "NoSuchMethodError: 'boolean org.apache.logging.log4j.spi.LoggerContextFactory.isClassLoaderDependent()'",
    ),
    (
        "slf4j-simple 1.7.36",
        FLINK_1_20,
        "a = { maven = \"org.slf4j:slf4j-simple:1.7.36\", platform = false, transitive = false }",
        Start::Command("jobmanager"),
        ("FP0209", "lib/slf4j-simple-1.7.36.jar"),
        "SLF4J: Class path contains multiple SLF4J bindings.",
    ),
    (
        "hive-exec 2.3.9, a Top-N query",
        FLINK_1_13,
        "a = { maven = \"org.apache.hive:hive-exec:2.3.9\", transitive = false }",
        Start::Sql(&[
            "CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'datagen');",
            TOP,
        ]),
        (
            "FP0102",
            "org.apache.commons.lang3.StringUtils.join(int[], char)",
        ),
        "NoSuchMethodError: 'java.lang.String org.apache.commons.lang3.StringUtils.join(int[], char)'",
    ),
    (
        "iceberg for Flink 1.20 and Java 17",
        FLINK_1_13,
        "a = { maven = \"org.apache.iceberg:iceberg-flink-runtime-1.20:1.11.0\" }",
        Start::Sql(&["SELECT 1;"]),
        ("FP0203", "org.apache.iceberg.flink.FlinkCatalogFactory of"),
        "UnsupportedClassVersionError: org/apache/iceberg/flink/FlinkCatalogFactory",
    ),
    (
        "kafka for Flink 1.19, a sink",
        FLINK_2,
        "k = { maven = \"org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19\" }",
        Start::Sql(&[KAFKA, WRITE]),
        ("FP0201", "is made for Flink 1.19"),
        "ClassNotFoundException: org.apache.flink.api.connector.sink2.TwoPhaseCommittingSink",
    ),
    (
        "kafka for Flink 2.0, a sink with a prefix of keys",
        FLINK_2,
        "k = { maven = \"org.apache.flink:flink-connector-kafka:4.0.1-2.0\" }",
        Start::Sql(&[PREFIXED, "EXPLAIN INSERT INTO t VALUES ('a', 'b');"]),
        (
            "FP0602",
            "org.apache.flink.table.types.utils.DataTypeUtils.stripRowPrefix(DataType, String)",
        ),
        "DataTypeUtils.stripRowPrefix(org.apache.flink.table.types.DataType, java.lang.String)",
    ),
    (
        "mysql-cdc without its driver",
        FLINK_1_20,
        "mysql-cdc = \"3.5.0\"",
        Start::Sql(&[MYSQL_CDC, READ]),
        ("FP0406", "the MySQL driver"),
        "ClassNotFoundException: com.mysql.cj.jdbc.Driver",
    ),
    (
        "iceberg without Hadoop, a catalog",
        FLINK_1_20,
        "iceberg = \"auto\"",
        Start::Sql(&[
            "CREATE CATALOG c WITH ('type' = 'iceberg', 'catalog-type' = 'hadoop', 'warehouse' = 'file:///tmp/w');",
        ]),
        ("FP0601", "org.apache.hadoop"),
        "ClassNotFoundException: org.apache.hadoop.conf.Configuration",
    ),
    (
        "parquet without Hadoop",
        FLINK_1_13,
        "parquet = \"auto\"",
        Start::Sql(&[
            "CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '/tmp/t', 'format' = 'parquet');",
            READ,
        ]),
        ("FP0601", "org.apache.hadoop"),
        "NoClassDefFoundError: org/apache/hadoop/conf/Configuration",
    ),
];

/// Everything else: made JARs, configuration, folders.
fn others() -> Vec<Predicted<'static>> {
    let job = |class: &str, args: &str| {
        format!("[job]\njar = {{ path = \"job.jar\" }}\nclass = \"{class}\"\nargs = [{args}]\n")
    };
    let catalog = "\"CREATE CATALOG c WITH ('type' = 'jdbc', 'default-database' = 'd', 'username' = 'u', 'password' = 'p', 'base-url' = 'jdbc:postgresql://127.0.0.1:1')\"";
    let lib = |file: &str| format!("[files]\n\"/opt/flink/lib/{file}\" = \"{file}\"\n");
    let connector = |file: &str| format!("[connectors]\na = {{ path = \"{file}\" }}\n");
    let planner = "flink-table-planner_2.12-1.20.jar";
    let dist = "flink-dist-1.13.6.jar";
    let s3 = "flink-s3-fs-hadoop-1.13.6.jar";
    let flink = "org.apache.flink.example";
    let sql = format!("{KAFKA}\n{READ}\n");
    vec![
        Predicted {
            case: Case {
                what: "a SQL file that names kafka, and no JAR of it",
                base: FLINK_2,
                manifest: "[files]\n\"/opt/flink/job.sql\" = \"job.sql\"".into(),
                files: vec![("job.sql", sql.into_bytes())],
                start: Start::Sql(&[KAFKA, READ]),
                prints: "Could not find any factory for identifier 'kafka'",
            },
            code: "FP0304",
            names: "names the connector 'kafka'",
        },
        Predicted {
            case: Case {
                what: "a factory without its services file (made)",
                base: FLINK_1_13,
                manifest: connector("acme.jar"),
                files: vec![("acme.jar", samples::lost())],
                start: Start::Sql(&[
                    "CREATE TABLE t (a STRING) WITH ('connector' = 'acme');",
                    READ,
                ]),
                prints: "Could not find any factory for identifier 'acme'",
            },
            code: "FP0305",
            names: "com.example.Acme (acme)",
        },
        Predicted {
            case: Case {
                what: "a services file that names an absent class (made)",
                base: FLINK_1_13,
                manifest: connector("gone.jar"),
                files: vec![("gone.jar", samples::gone())],
                start: Start::Sql(&[
                    "CREATE TABLE t (a STRING) WITH ('connector' = 'datagen');",
                    READ,
                ]),
                prints: "Provider com.example.Gone not found",
            },
            code: "FP0301",
            names: "names com.example.Gone",
        },
        Predicted {
            case: Case {
                what: "a directory on s3 without a plugin",
                base: FLINK_1_12,
                manifest: "[config]\n\"historyserver.archive.fs.dir\" = \"s3://bucket/history\""
                    .into(),
                files: Vec::new(),
                start: Start::Command("history-server"),
                prints: "UnsupportedFileSystemSchemeException: Could not find a file system implementation for scheme 's3'",
            },
            code: "FP0401",
            names: "historyserver.archive.fs.dir is on s3://",
        },
        Predicted {
            case: Case {
                what: "a plugin's folder without a JAR",
                base: FLINK_1_12,
                manifest: "[files]\n\"/opt/flink/plugins/extra\" = \"extra/\"".into(),
                files: vec![("extra/README.txt", b"to be filled".to_vec())],
                start: Start::Command("jobmanager"),
                prints: "Cannot find any jar files for plugin in directory [/opt/flink/plugins/extra]",
            },
            code: "FP0404",
            names: "plugins/extra",
        },
        Predicted {
            case: Case {
                what: "a main class that is not there",
                base: FLINK_1_20,
                manifest: job("com.example.Gone", ""),
                files: vec![("job.jar", samples::statements())],
                start: Start::Job,
                prints: "ClassNotFoundException: com.example.Gone",
            },
            code: "FP0306",
            names: "com.example.Gone",
        },
        Predicted {
            case: Case {
                what: "a main class without its super class (made)",
                base: FLINK_1_20,
                manifest: job("com.example.Job", ""),
                files: vec![("job.jar", samples::orphan())],
                start: Start::Job,
                prints: "NoClassDefFoundError: com/example/Gone",
            },
            code: "FP0302",
            names: "com.example.Gone",
        },
        Predicted {
            case: Case {
                what: "jdbc in lib/, its driver in usrlib/, a catalog",
                base: FLINK_1_13,
                manifest: format!(
                    "[connectors]\njdbc = \"auto\"\n[udfs]\ndriver = {{ maven = \"org.postgresql:postgresql:42.7.4\", in = \"usrlib\" }}\n{}",
                    job("Statements", catalog)
                ),
                files: vec![("job.jar", samples::statements())],
                start: Start::Job,
                prints: "No suitable driver found for jdbc:postgresql",
            },
            code: "FP0405",
            names: "org.postgresql.Driver",
        },
        Predicted {
            case: Case {
                what: "a job with a newer class of org.apache.flink than lib/ (made)",
                base: FLINK_1_20,
                manifest: format!("{}{}", connector("rates.jar"), job("Converts", "")),
                files: vec![
                    ("job.jar", samples::converts(flink)),
                    ("rates.jar", samples::old_rates(flink)),
                ],
                start: Start::Job,
                prints: "NoSuchMethodError: 'int org.apache.flink.example.Rates.of(java.lang.String)'",
            },
            code: "FP0104",
            names: "org.apache.flink.example: 1 class",
        },
        Predicted {
            case: Case {
                what: "both planners in lib/",
                base: FLINK_1_20,
                manifest: lib(planner),
                files: vec![(
                    planner,
                    samples::of_flink("1.20.5", "opt", "flink-table-planner_"),
                )],
                start: Start::Sql(&["SELECT 1;"]),
                prints: "Multiple factories for identifier 'default' that implement 'org.apache.flink.table.delegation.ExecutorFactory'",
            },
            code: "FP0207",
            names: "two planners",
        },
        Predicted {
            case: Case {
                what: "flink-dist of Flink 1.13 too",
                base: FLINK_1_20,
                manifest: lib(dist),
                files: vec![(dist, samples::of_flink("1.13.6", "lib", "flink-dist"))],
                start: Start::Command("jobmanager"),
                prints: "Multiple flink-dist*.jar found in /opt/flink/lib",
            },
            code: "FP0206",
            names: "two flink-dist",
        },
        Predicted {
            case: Case {
                what: "flink-s3-fs-hadoop in lib/",
                base: FLINK_1_13,
                manifest: lib(s3),
                files: vec![(s3, samples::of_flink("1.13.6", "opt", "flink-s3-fs-hadoop"))],
                start: Start::Command("jobmanager"),
                prints: "NoClassDefFoundError: org/apache/hadoop/hdfs/HdfsConfiguration",
            },
            code: "FP0403",
            names: "org/apache/hadoop/hdfs/HdfsConfiguration",
        },
        Predicted {
            case: Case {
                what: "a JAR inside of the job's JAR (made)",
                base: FLINK_1_20,
                manifest: job("Converts", ""),
                files: vec![("job.jar", samples::nested())],
                start: Start::Job,
                prints: "NoClassDefFoundError: com/example/rates/Rates",
            },
            code: "FP0706",
            names: "lib/rates.jar",
        },
        Predicted {
            case: Case {
                what: "a signed JAR with a class that was changed (made)",
                base: FLINK_1_20,
                manifest: job("Converts", ""),
                files: vec![("job.jar", samples::signed_and_changed())],
                start: Start::Job,
                prints: "SecurityException: SHA-256 digest error for com/example/rates/Rates.class",
            },
            code: "FP0704",
            names: "SecurityException: SHA-256 digest error for com/example/rates/Rates.class",
        },
        Predicted {
            case: Case {
                what: "a package in a signed JAR and in one that is not (made)",
                base: FLINK_1_20,
                manifest: format!(
                    "[udfs]\nrates = {{ path = \"rates.jar\", in = \"usrlib\" }}\n{}",
                    job("com.example.rates.Converts", "")
                ),
                files: samples::half_signed(),
                start: Start::Job,
                prints: "signer information does not match signer information of other classes in the same package",
            },
            code: "FP0705",
            names: "com.example.rates",
        },
    ]
}

#[test]
fn flink_fails_as_the_finding_says() {
    let mut all = others();
    all.extend(
        CONNECTORS.iter().map(
            |(what, base, connectors, start, (code, names), prints)| Predicted {
                case: Case {
                    what,
                    base: *base,
                    manifest: format!("[connectors]\n{connectors}"),
                    files: Vec::new(),
                    start: *start,
                    prints,
                },
                code,
                names,
            },
        ),
    );
    all.sort_by_key(|one| (one.code, one.case.what));
    let rows = each(
        &all,
        |one| one.case.what.to_string(),
        |one| {
            let seen = look(&one.case);
            seen.findings.must_have(one.case.what, one.code, one.names);
            seen.must_have_said(&one.case);
            let row = vec![
                one.case.what.to_string(),
                one.case.base.flink.to_string(),
                one.code.to_string(),
                format!("`{}`", one.case.prints),
                seen.findings.listed(),
            ];
            (row, Counts { right: 1, ..IMAGE })
        },
    );
    keep(
        &Section {
            title: "Predicted, and seen in Flink",
            about: "The finding names the class, the method or the thing that Flink then stumbles\nover. What else was found in these images was not tried.",
            columns: &[
                "image",
                "Flink",
                "finding",
                "printed by Flink",
                "all findings",
            ],
        },
        &rows,
    );
}
