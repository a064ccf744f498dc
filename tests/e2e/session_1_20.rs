//! A session cluster of Flink 1.20 with all that a manifest can ask for.

use super::{Bucket, name, project};
use crate::support::docker::Docker;
use crate::support::flink::Cluster;
use crate::support::project::environment;

#[test]
fn connectors_udf_s3_config_and_files() {
    let bucket = Bucket::new("orders");
    let image = name("session-1-20");
    let project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{}"
[connectors]
kafka = {{ maven = "org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19" }}
jdbc = {{ version = "auto", with = ["org.postgresql:postgresql:42.7.4"] }}
[udfs]
risk = {{ path = "risk-udf.jar" }}
[filesystems]
s3-hadoop = {{}}
oss = {{}}
[config]
"taskmanager.numberOfTaskSlots" = "3"
"execution.checkpointing.interval" = "10 s"
{}
[files]
"/opt/flink/scripts/hello.sh" = {{ path = "hello.sh", mode = "0750" }}
"/etc/team/hello.sh" = "hello.sh"
"#,
        environment("FLINKPACK_TEST_BASE_1_20"),
        bucket.config()
    ));
    project.write("hello.sh", "#!/bin/sh\necho hello from a file\n");
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    project.ok(&["build"]);

    let cluster = Cluster::start(&docker, &format!("{image}:1"));
    assert_eq!(cluster.rest("/overview")["slots-total"], 3);
    let interval = cluster.config("execution.checkpointing.interval");
    assert_eq!(interval.as_deref(), Some("10 s"));
    let files = cluster.jobmanager.shell(
        "stat -c '%a %u:%g' scripts/hello.sh scripts /etc/team/hello.sh /etc/team && scripts/hello.sh",
        "",
    );
    assert_eq!(
        files.stdout,
        "750 9999:9999\n755 9999:9999\n644 0:0\n755 0:0\nhello from a file\n"
    );

    let out = cluster.sql(&format!(
        "SET 'execution.runtime-mode' = 'batch';
SET 'sql-client.execution.result-mode' = 'tableau';
SET 'sql-client.verbose' = 'true';
SET 'table.dml-sync' = 'true';
CREATE TABLE from_kafka (id INT) WITH ('connector' = 'kafka', 'topic' = 'orders',
  'properties.bootstrap.servers' = '127.0.0.1:1', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
EXPLAIN SELECT id AS through_kafka FROM from_kafka;
CREATE FUNCTION risk_score AS 'com.example.risk.RiskScore';
SELECT 'score', risk_score(CAST(5000 AS DOUBLE), 'XX'), risk_score(CAST(100 AS DOUBLE), 'DE');
CREATE TABLE to_s3 (id INT, name STRING) WITH ('connector' = 'filesystem',
  'path' = 's3://{}/rows', 'format' = 'csv');
INSERT INTO to_s3 VALUES (1, 'one'), (2, 'two');
CREATE TABLE from_jdbc (id INT) WITH ('connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:1/db', 'table-name' = 'orders');
EXPLAIN SELECT id AS through_jdbc FROM from_jdbc;
SELECT * FROM from_jdbc;
",
        bucket.name
    ));
    for part in ["from_kafka]], fields=[id]", "from_jdbc]], fields=[id]"] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(out.contains("|     70 |      5 |"), "{out}");
    assert_eq!(bucket.lines("rows"), ["1,one", "2,two"], "{out}");
    // Nothing listens there: it is the driver that tried.
    cluster
        .taskmanager
        .printed(10, &["org.postgresql.Driver.connect"]);
}
