//! Application mode: the image's own command runs the job.

use super::{name, project};
use crate::support::docker::{Docker, wait};
use crate::support::flink::Turn;
use crate::support::project::environment;

/// Runs the example's job, with its UDF in `folder`, to its end.
fn runs(base: &str, folder: &str) {
    let image = name("application");
    let project = project(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{}"
[udfs]
risk = {{ path = "risk-udf.jar", in = "{folder}" }}
[job]
jar = {{ path = "orders-job.jar" }}
class = "com.example.orders.Orders"
args = ["--rows", "200", "--sink", "print"]
"#,
        environment(base)
    ));
    let docker = Docker::classic();
    let _tag = docker.removed_later(format!("{image}:1"));
    project.ok(&["build"]);
    let image = format!("{image}:1");
    let jars = docker.shell(&image, "ls */risk-udf.jar */orders-job.jar | sort");
    let mut places = [
        format!("{folder}/risk-udf.jar"),
        "usrlib/orders-job.jar".into(),
    ];
    places.sort();
    assert_eq!(jars, places.join("\n"));

    let _turn = Turn::take();
    let rpc = "JOB_MANAGER_RPC_ADDRESS=localhost";
    let jobmanager = docker.start(&[
        "--network",
        "none",
        "--hostname",
        "localhost",
        "-e",
        rpc,
        &image,
    ]);
    let network = format!("container:{}", jobmanager.id());
    let taskmanager = docker.start(&["--network", &network, "-e", rpc, &image, "taskmanager"]);
    let code = wait("the end of the job", 180, || jobmanager.ended());
    let logs = jobmanager.logs();
    assert_eq!(code, 0, "{logs}");
    assert!(logs.contains("reached terminal state FINISHED"), "{logs}");
    // What the job printed: id, amount, and the score that the UDF gave.
    let printed = taskmanager.logs();
    let scores: Vec<u32> = printed
        .lines()
        .filter_map(|line| line.strip_suffix(']')?.rsplit_once(", ")?.1.parse().ok())
        .collect();
    assert!(scores.len() > 20, "{printed}");
    assert!(scores.iter().all(|score| (60..=100).contains(score)));
}

#[test]
fn udf_in_usrlib_on_1_20() {
    runs("FLINKPACK_TEST_BASE_1_20", "usrlib");
}

#[test]
fn udf_in_lib_on_1_13() {
    runs("FLINKPACK_TEST_BASE_1_13", "lib");
}
