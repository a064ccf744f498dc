//! A session cluster of Flink 2.

use super::{Bucket, name, project};
use crate::support::docker::Docker;
use crate::support::flink::Cluster;
use crate::support::project::environment;

#[test]
fn kafka_udf_s3_and_strict_yaml() {
    let bucket = Bucket::new("two");
    let image = name("session-2");
    let project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{}"
[connectors]
kafka = {{ maven = "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2" }}
[udfs]
risk = {{ path = "risk-udf.jar" }}
[filesystems]
s3-hadoop = {{}}
[config]
"taskmanager.numberOfTaskSlots" = 2
state.backend.type = "rocksdb"
"pipeline.name" = "yes: # no"
{}
"#,
        environment("FLINKPACK_TEST_BASE_2"),
        bucket.config()
    ));
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    project.ok(&["build"]);

    let cluster = Cluster::start(&docker, &format!("{image}:1"));
    assert_eq!(cluster.rest("/overview")["slots-total"], 2);
    let config = |key| cluster.config(key);
    assert_eq!(config("state.backend.type").as_deref(), Some("rocksdb"));
    assert_eq!(config("pipeline.name").as_deref(), Some("yes: # no"));
    let out = cluster.sql(&format!(
        "SET 'execution.runtime-mode' = 'batch';
SET 'sql-client.execution.result-mode' = 'tableau';
SET 'sql-client.verbose' = 'true';
SET 'table.dml-sync' = 'true';
CREATE TABLE from_kafka (id INT) WITH ('connector' = 'kafka', 'topic' = 'orders',
  'properties.bootstrap.servers' = '127.0.0.1:1', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
EXPLAIN SELECT * FROM from_kafka;
CREATE FUNCTION risk_score AS 'com.example.risk.RiskScore';
SELECT 'score', risk_score(CAST(5000 AS DOUBLE), 'XX'), risk_score(CAST(100 AS DOUBLE), 'DE');
CREATE TABLE to_s3 (id INT, name STRING) WITH ('connector' = 'filesystem',
  'path' = 's3://{}/rows', 'format' = 'json');
INSERT INTO to_s3 VALUES (1, 'one'), (2, 'two');
",
        bucket.name
    ));
    assert!(out.contains("from_kafka]], fields=[id]"), "{out}");
    assert!(out.contains("|     70 |      5 |"), "{out}");
    assert_eq!(
        bucket.lines("rows"),
        [r#"{"id":1,"name":"one"}"#, r#"{"id":2,"name":"two"}"#],
        "{out}"
    );
}
