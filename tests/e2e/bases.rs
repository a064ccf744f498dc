//! `flinkpack base build`, and bases that came about in other ways.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::docker::Docker;
use crate::support::project::Project;

use super::{name, project, script};

/// A distribution with little in it: `lib/` is whole, of opt/ one file system.
fn distribution(version: &str, folder: &Path) -> PathBuf {
    let whole = PathBuf::from(script("distribution", &[version]));
    let small = folder.join(format!("flink-{version}"));
    fs::create_dir_all(small.join("opt")).expect("a folder");
    for part in ["bin", "conf", "lib"] {
        super::copy(&whole.join(part), &small.join(part));
    }
    for entry in fs::read_dir(whole.join("opt")).expect("opt/") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy();
        if file.starts_with("flink-s3-fs-hadoop") {
            fs::copy(&path, small.join("opt").join(&*file)).expect("a JAR");
        }
    }
    small
}

fn json(project: &Project) -> serde_json::Value {
    serde_json::from_str(&project.read("metadata.json")).expect("JSON")
}

/// A project with an own, empty cache: nothing is known of any base.
fn fresh(image: &str, base: &str, more: &str) -> Project {
    let project = Project::with_manifest(&format!(
        r#"
[image]
name = "{image}"
tags = ["1"]
base = "{base}"
[filesystems]
s3-hadoop = {{}}
[config]
"parallelism.default" = "3"
{more}
"#
    ));
    project.jar("extra.jar", &[("Extra.class", b"\xca\xfe\xba\xbe")]);
    project
}

#[test]
fn from_a_folder_with_a_connector_and_a_udf() {
    let docker = Docker::classic();
    let base = name("base") + ":1.20.5-team";
    let project = project("");
    let flink = distribution("1.20.5", &project.folder());
    let os = script("rootfs", &["bookworm-java17"]);
    project.ok(&[
        "base",
        "build",
        "--distribution",
        &flink.display().to_string(),
        "--os",
        &os,
        "-t",
        &base,
        "--with",
        "org.apache.flink:flink-sql-connector-kafka:3.2.0-1.19",
        "--with",
        "risk-udf.jar",
        "--push",
        "--metadata-file",
        "metadata.json",
    ]);
    let tag = docker.removed_later(&base);
    fs::remove_dir_all(&flink).expect("a folder");
    let label = "{{index .Config.Labels \"flinkpack.base-facts.v1\"}}";
    let facts = docker.ok(&["image", "inspect", "--format", label, &base]);
    assert!((1..65536).contains(&facts.len()), "{} bytes", facts.len());
    let jars = docker.shell(&base, "cd lib; stat -c '%n %a %u:%g' *kafka* risk*");
    assert_eq!(
        jars,
        "flink-sql-connector-kafka-3.2.0-1.19.jar 644 9999:9999\nrisk-udf.jar 644 9999:9999"
    );
    script("entrypoint-test", &[&base]);

    // The facts are in the label, so that no layer is read.
    let image = name("on-base");
    for (place, push) in [("docker://", "--push"), ("", "--load")] {
        let project = fresh(&image, &format!("{place}{base}"), "");
        let run = project.ok(&["build", push, "--metadata-file", "metadata.json"]);
        assert!(!run.stderr.contains("reading"), "{}", run.stderr);
        assert!(
            project
                .read("flinkpack.lock")
                .contains("flink = \"1.20.5\"")
        );
        let made = json(&project);
        let bytes = &made["transferred"];
        assert!(bytes["registry_bytes"].as_u64() < Some(100_000), "{bytes}");
        assert!(bytes["daemon_bytes"].as_u64() < Some(200_000), "{bytes}");
    }

    // The base goes; the image has all that it needs.
    let image = format!("{image}:1");
    let _tag = docker.removed_later(&image);
    drop(tag);
    assert_ne!(docker.run(&["image", "inspect", &base]).code, 0);
    let seen = docker.shell(
        &image,
        "ls lib/risk-udf.jar; stat -Lc %s plugins/s3-hadoop/*",
    );
    assert!(seen.starts_with("lib/risk-udf.jar\n"), "{seen}");
    docker.ok(&["push", "-q", &image]);
    let saved = docker
        .command(&["save", &image])
        .stdout(std::process::Stdio::null())
        .status();
    assert!(saved.expect("docker runs").success());
}

#[test]
fn from_an_archive_and_changed_by_others() {
    let docker = Docker::classic();
    let base = name("base") + ":1.8.3";
    let project = project("");
    let flink = distribution("1.8.3", &project.folder());
    let archive = project.path("flink.tgz");
    let status = Command::new("tar")
        .args(["-C", &project.folder().display().to_string()])
        .args(["--use-compress-program", "gzip -1", "-cf"])
        .args([&archive, Path::new("flink-1.8.3")])
        .status();
    assert!(status.expect("tar runs").success());
    fs::remove_dir_all(&flink).expect("a folder");
    let os = script("rootfs", &["trixie-java8"]);
    let built = [
        "base",
        "build",
        "--distribution",
        "flink.tgz",
        "--os",
        &os,
        "-t",
        &base,
        "--push",
    ];
    project.ok(&built);
    let tag = docker.removed_later(&base);
    let image = name("on-base");
    let on_base = fresh(&image, &base, "");
    let run = on_base.ok(&["lock"]);
    assert!(!run.stderr.contains("reading"), "{}", run.stderr);
    let lock = on_base.read("flinkpack.lock");
    for line in ["flink = \"1.8.3\"", "scala = \"2.11\"", "java = \"8\""] {
        assert!(lock.contains(line), "{line}\n{lock}");
    }

    // Somebody builds on it by a Dockerfile, with the label or without.
    let others = project.path("others");
    fs::create_dir_all(&others).expect("a folder");
    project.jar("others/extra.jar", &[("Extra.class", b"not the same")]);
    for label in ["", "LABEL flinkpack.base-facts.v1=\n"] {
        let changed = name("changed") + ":1";
        project.write(
            "others/Dockerfile",
            format!("FROM {base}\nCOPY extra.jar lib/\n{label}"),
        );
        let status = docker
            .command(&["build", "-q", "--network", "none", "-t", &changed])
            .arg(&others)
            .env("DOCKER_BUILDKIT", "0")
            .output();
        assert!(status.expect("docker runs").status.success());
        let _changed = docker.removed_later(&changed);
        let project = fresh(&image, &changed, "[udfs]\nextra = { path = \"extra.jar\" }");
        let run = project.ok(&["build"]);
        let _image = docker.removed_later(format!("{image}:1"));
        let told = "replaces the base's own lib/extra.jar";
        assert!(run.stderr.contains(told), "{}", run.stderr);
        let seen = docker.shell(&format!("{image}:1"), "cd lib; ls; sha256sum extra.jar");
        let ours = fs::read(project.path("extra.jar")).expect("a JAR");
        let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&ours));
        assert!(seen.contains(&sum), "{seen}");
        assert!(seen.contains("flink-s3-fs-hadoop-1.8.0.jar"), "{seen}");
    }

    // The registry alone has the base: the daemon gets all of it with the image.
    drop(tag);
    assert_ne!(docker.run(&["image", "inspect", &base]).code, 0);
    let project = fresh(&image, &format!("docker://{base}"), "");
    let run = project.ok(&["build", "--load"]);
    assert!(!run.stderr.contains("reading"), "{}", run.stderr);
    let _image = docker.removed_later(format!("{image}:1"));
    let seen = docker.shell(&format!("{image}:1"), "stat -Lc %F lib/flink-s3*");
    assert_eq!(seen, "regular file");
}
