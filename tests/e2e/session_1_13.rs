//! A session cluster of Flink 1.13 with a mix of connectors as it is found in
//! the field.

use super::{Bucket, name, project};
use crate::support::docker::Docker;
use crate::support::flink::Cluster;
use crate::support::project::environment;

#[test]
fn kafka_jdbc_cdc_hudi_udf_and_s3() {
    let bucket = Bucket::new("mix");
    let image = name("session-1-13");
    let project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{}"
[connectors]
kafka = "auto"
jdbc = {{ version = "1.13.6", with = ["org.postgresql:postgresql:42.7.4"] }}
mysql-cdc = "2.0.2"
# Scala plays no part in these two classes of it.
hudi = {{ maven = "org.apache.hudi:hudi-flink-bundle_2.11:0.10.0" }}
hadoop = {{ maven = "org.apache.flink:flink-shaded-hadoop-2-uber:2.8.3-10.0" }}
[udfs]
risk = {{ path = "risk-udf.jar" }}
[filesystems]
s3-hadoop = {{ place = "copy" }}
[config]
"taskmanager.numberOfTaskSlots" = "2"
{}
"#,
        environment("FLINKPACK_TEST_BASE_1_13"),
        bucket.config()
    ));
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    project.ok(&["build"]);
    for jar in [
        "flink-sql-connector-kafka_2.12-1.13.6.jar",
        "flink-connector-jdbc_2.12-1.13.6.jar",
    ] {
        assert!(project.read("flinkpack.lock").contains(jar), "{jar}");
    }

    let cluster = Cluster::start(&docker, &format!("{image}:1"));
    assert_eq!(cluster.rest("/overview")["slots-total"], 2);
    let out = cluster.sql(&format!(
        "SET 'sql-client.execution.result-mode' = 'tableau';
SET 'sql-client.verbose' = 'true';
SET 'table.dml-sync' = 'true';
CREATE TABLE from_kafka (id INT) WITH ('connector' = 'kafka', 'topic' = 'orders',
  'properties.bootstrap.servers' = '127.0.0.1:1', 'format' = 'json');
EXPLAIN PLAN FOR SELECT * FROM from_kafka;
CREATE TABLE from_jdbc (id INT) WITH ('connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:1/db', 'table-name' = 'orders');
EXPLAIN PLAN FOR SELECT * FROM from_jdbc;
CREATE TABLE from_cdc (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'mysql-cdc',
  'hostname' = '127.0.0.1', 'port' = '1', 'username' = 'u', 'password' = 'p',
  'database-name' = 'd', 'table-name' = 't');
EXPLAIN PLAN FOR SELECT * FROM from_cdc;
CREATE TABLE to_hudi (id INT, ts BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'hudi',
  'path' = 'file:///tmp/hudi');
EXPLAIN PLAN FOR INSERT INTO to_hudi VALUES (1, CAST(1 AS BIGINT));
CREATE FUNCTION risk_score AS 'com.example.risk.RiskScore';
SET 'execution.runtime-mode' = 'batch';
SELECT 'score', risk_score(CAST(5000 AS DOUBLE), 'XX'), risk_score(CAST(100 AS DOUBLE), 'DE');
CREATE TABLE to_s3 (id INT, name STRING) WITH ('connector' = 'filesystem',
  'path' = 's3://{}/rows', 'format' = 'csv');
INSERT INTO to_s3 VALUES (1, 'one'), (2, 'two');
",
        bucket.name
    ));
    for table in ["from_kafka", "from_jdbc", "from_cdc"] {
        let part = format!("{table}]], fields=[id]");
        assert!(out.contains(&part), "{part}\n{out}");
    }
    assert!(
        out.contains("Sink(table=[default_catalog.default_database.to_hudi]"),
        "{out}"
    );
    assert!(out.contains("70") && out.contains("score"), "{out}");
    assert_eq!(bucket.lines("rows"), ["1,one", "2,two"], "{out}");
}
