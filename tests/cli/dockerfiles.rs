//! `flinkpack check Dockerfile`: the same findings, from what the file says.

use super::alone;
use super::transcript::Transcript;
use crate::support::classes::class;
use crate::support::project::{Project, jar};

const REPOSITORY: &str = "https://repo.test/maven2/org/apache/flink";

/// A project with this Dockerfile; nothing outside of it answers.
fn project(dockerfile: &str) -> Project {
    let mut project = Project::new();
    project.write("Dockerfile", dockerfile.replace("REPO", REPOSITORY));
    alone(&mut project);
    project
}

#[test]
fn what_a_dockerfile_puts_together_is_checked_by_name_and_version() {
    let project = project(
        "ARG FLINK=1.20.1\n\
         FROM flink:${FLINK}-scala_2.12-java17\n\
         ENV FLINK_PROPERTIES=\"state.checkpoints.dir: s3://bucket/c\"\n\
         ENV AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzKq81mZt0uVw\n\
         RUN K=1.17.2; wget -P lib REPO/flink-sql-connector-kafka/$K/flink-sql-connector-kafka-$K.jar && \\\n\
         \x20   curl -fsSL -o lib/flink-connector-kafka-3.3.0-1.20.jar \\\n\
         \x20       REPO/flink-connector-kafka/3.3.0-1.20/flink-connector-kafka-3.3.0-1.20.jar\n\
         ADD https://files.test/flink-connector-acme_2.11-1.0.0-1.20.jar $FLINK_HOME/lib/\n\
         RUN cp opt/flink-s3-fs-presto-*.jar lib/\n\
         COPY target/*.jar /opt/flink/usrlib/\n\
         RUN for jar in a b; do wget https://files.test/$jar.jar -P lib; done\n",
    );
    let new = class("c/Job", "java/lang/Object").major(65).bytes();
    project.write("target/job.jar", jar(&[("c/Job.class", &new)]));
    let run = project.fails(3, &["check", "Dockerfile"]);
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(
        shown.contains("FP0501") && !shown.contains("wJalr"),
        "{shown}"
    );
    let mut transcript = Transcript::new();
    transcript.add("check Dockerfile", &project, &run, &[]);
    transcript.check("check_dockerfile");
    let text = run.stdout.lines();
    assert!(text.clone().all(|line| line.chars().count() <= 80));

    let log = project.fails(3, &["check", "Dockerfile", "--sarif", "out.sarif"]);
    assert_eq!(log.stdout, run.stdout);
    let log: serde_json::Value = serde_json::from_str(&project.read("out.sarif")).unwrap();
    let place = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(log.pointer(place).unwrap(), "Dockerfile");
}

#[test]
fn what_is_right_gives_nothing() {
    let project = project(
        "FROM maven:3 AS build\nRUN mvn package\nFROM flink:1.20.1-scala_2.12-java17\n\
         ENV FLINK_PROPERTIES=\"state.checkpoints.dir: s3://bucket/c\"\n\
         RUN mkdir -p plugins/s3 && cp opt/flink-s3-fs-hadoop-*.jar plugins/s3/ && \\\n\
         \x20   wget -P lib REPO/flink-sql-connector-kafka/3.3.0-1.20/flink-sql-connector-kafka-3.3.0-1.20.jar\n\
         COPY --from=build /src/target/job.jar /opt/flink/usrlib/\n",
    );
    let run = project.ok(&["check", "Dockerfile"]);
    assert_eq!(
        run.stdout,
        "0 errors, 0 warnings, 0 findings for information\n"
    );
    assert!(!run.stderr.contains("left alone"), "{}", run.stderr);
    // An empty folder of a plugin stops Flink.
    let text = project.read("Dockerfile").replace("cp opt/", "ls opt/");
    project.write("prod.Dockerfile", text);
    let run = project.fails(3, &["check", "prod.Dockerfile"]);
    for code in ["FP0404: plugins/s3 has no JAR", "FP0401"] {
        assert!(run.stdout.contains(code), "{}", run.stdout);
    }
}

#[test]
fn a_dockerfile_that_says_too_little_is_refused_in_words() {
    let mut transcript = Transcript::new();
    for (title, text) in [
        ("no version", "FROM registry.test/team/flink:latest\n"),
        ("no FROM", "RUN ls\n"),
        ("not a Dockerfile", "hello\n"),
    ] {
        let project = project(text);
        let run = project.fails(2, &["check", "Dockerfile"]);
        transcript.failure(title, &project, &run, &[]);
    }
    transcript.check("check_dockerfile_wrong");
    let project = project("FROM registry.test/team/flink:latest\n");
    project.ok(&["check", "Dockerfile", "--base", "flink:1.20.1"]);
}

#[test]
fn the_manifest_that_replaces_a_dockerfile_is_written() {
    let project = project(
        "FROM maven:3 AS build\nRUN mvn package\nFROM flink:1.20.1-scala_2.12-java17\n\
         LABEL team=risk \"org.acme.note\"=\"a \\\"b\\\"\"\n\
         ENV TZ=UTC FLINK_PROPERTIES=\"state.checkpoints.dir: s3://bucket/c\"\n\
         RUN mkdir -p plugins/s3 && cp opt/flink-s3-fs-hadoop-*.jar plugins/s3/ && rm lib/flink-json-*.jar\n\
         RUN wget -P lib REPO/flink-sql-connector-kafka/3.3.0-1.20/flink-sql-connector-kafka-3.3.0-1.20.jar && \\\n\
         \x20   wget -P lib https://repo.test/maven2/org/postgresql/postgresql/42.7.4/postgresql-42.7.4.jar\n\
         ADD https://files.test/acme.jar lib/\n\
         COPY libs/ lib/\n\
         COPY target/orders.jar /opt/flink/usrlib/\n\
         COPY --from=build /src/risk.jar /opt/flink/lib/\n\
         COPY hadoop-conf /opt/hadoop-conf\n\
         RUN for jar in a b; do wget https://files.test/$jar.jar -P lib; done\n\
         CMD [\"standalone-job\", \"--job-classname\", \"c.Orders\", \"--env\", \"prod\"]\n",
    );
    project.write("target/orders.jar", jar(&[]));
    project.write("libs/fraud-1.0.jar", jar(&[]));
    project.write("hadoop-conf/core-site.xml", "<a/>");
    project.ok(&["init", "--from", "Dockerfile"]);
    let manifest = project.read("flinkpack.toml");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("init_from", manifest));
    let again = project.fails(1, &["init", "--from", "Dockerfile"]);
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
    // From another folder the paths are other ones.
    project.ok(&[
        "init",
        "--from",
        "Dockerfile",
        "--manifest",
        "sub/flinkpack.toml",
    ]);
    let orders = project.path("target/orders.jar").display().to_string();
    assert!(project.read("sub/flinkpack.toml").contains(&orders));
}

#[test]
fn what_the_manifest_does_better_is_not_taken_over_as_it_was() {
    let project = project(
        "FROM flink:1.20.1-scala_2.12-java17\n\
         ENV AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzKq81mZt0uVw MODE=live\n\
         RUN mkdir -p plugins/azure && cp opt/flink-azure-fs-hadoop-*.jar plugins/azure/\n\
         RUN wget -P lib REPO/flink-azure-fs-hadoop/1.20.0/flink-azure-fs-hadoop-1.20.0.jar\n",
    );
    project.ok(&[
        "init",
        "--from",
        "Dockerfile",
        "--manifest",
        "my-orders/flinkpack.toml",
    ]);
    let manifest = project.read("my-orders/flinkpack.toml");
    assert!(manifest.contains("/my-orders\""), "{manifest}");
    assert!(manifest.contains("MODE = \"live\""), "{manifest}");
    // A secret stays where it is, and is spoken of.
    assert!(!manifest.contains("wJalr"), "{manifest}");
    assert!(manifest.contains("AWS_SECRET_ACCESS_KEY"), "{manifest}");
    // One plugin, whatever many copies of it there were.
    assert_eq!(manifest.matches("azure = {}").count(), 1, "{manifest}");
    assert!(!manifest.contains("azure-2"), "{manifest}");
    assert!(manifest.contains("of the base's own version"), "{manifest}");
}
