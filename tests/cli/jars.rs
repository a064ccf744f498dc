//! JARs that are not what they should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;

use super::transcript::Transcript;
use super::{project, small_jar};
use crate::support::project::{Project, Run, jar};

const BUILD: &[&str] = &["build", "--output", "oci:out"];

/// A UDF at `udf/risk.jar`.
fn udf() -> Project {
    project("[udfs]\nrisk = { path = \"udf/risk.jar\" }\n")
}

fn fails(project: &Project) -> Run {
    let run = project.fails(1, BUILD);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    assert!(!project.path("out").exists(), "nothing is written");
    assert!(!project.path("flinkpack.lock").exists(), "nor a lock");
    run
}

#[test]
fn each_is_named_with_what_is_wrong_with_it() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, make: &dyn Fn(&Project)| {
        let project = udf();
        make(&project);
        let run = fails(&project);
        transcript.failure(title, &project, &run, &[]);
    };
    case("missing, and nothing like it is there", &|_| {});
    case("missing, and another one is there", &|project| {
        project.jar("udf/risk-1.0.jar", &[("a", b"a")]);
    });
    case("empty", &|project| drop(project.write("udf/risk.jar", "")));
    case("text", &|project| {
        project.write("udf/risk.jar", "not a JAR");
    });
    case("a login page", &|project| {
        project.write("udf/risk.jar", "<!DOCTYPE html><title>Log in</title>");
    });
    case("a Git LFS pointer", &|project| {
        project.write(
            "udf/risk.jar",
            "version https://git-lfs.github.com/spec/v1\n",
        );
    });
    case("cut off", &|project| {
        let whole = small_jar("Risk");
        project.write("udf/risk.jar", &whole[..whole.len() - 30]);
    });
    case("a folder", &|project| {
        project.write("udf/risk.jar/x", "");
    });
    case("a pipe", &|project| {
        fs::create_dir_all(project.path("udf")).unwrap();
        let path = project.path("udf/risk.jar");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    });
    case("a link to nothing", &|project| {
        fs::create_dir_all(project.path("udf")).unwrap();
        symlink("../target/risk.jar", project.path("udf/risk.jar")).unwrap();
    });
    case("a link to itself", &|project| {
        fs::create_dir_all(project.path("udf")).unwrap();
        symlink("risk.jar", project.path("udf/risk.jar")).unwrap();
    });
    case("a directory of 4 GB in a file of 200 bytes", &|project| {
        let mut bomb = jar(&[("a", b"a")]);
        let end = bomb.len() - 22;
        bomb[end + 8..end + 12].copy_from_slice(&[0xff; 4]);
        bomb[end + 12..end + 16].copy_from_slice(&0xf000_0000u32.to_le_bytes());
        project.write("udf/risk.jar", bomb);
    });
    case("an entry that climbs out", &|project| {
        project.jar("udf/risk.jar", &[("a/../../../etc/cron.d/x", b"x")]);
    });
    case("an entry with an absolute name", &|project| {
        project.jar("udf/risk.jar", &[("/etc/cron.d/x", b"x")]);
    });
    transcript.check("jars");
}

#[test]
fn what_may_not_be_read_is_told() {
    // Root may read everything, so the program runs as nobody.
    let project = udf();
    let path = project.jar("udf/risk.jar", &[("a", b"a")]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = project.command(BUILD);
    if is_root() {
        open_up(&project);
        command.uid(65534).gid(65534);
    }
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let mut transcript = Transcript::new();
    transcript.failure("unreadable", &project, &run, &[]);
    transcript.check("jars_unreadable");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Lets everybody into the project's folders.
fn open_up(project: &Project) {
    let run = project.folder();
    let run = run.parent().unwrap();
    for path in [
        run.to_path_buf(),
        project.folder(),
        project.path("udf"),
        project.home(),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(project.cache()).unwrap();
    fs::set_permissions(project.cache(), fs::Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn patterns() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, pattern: &str, files: &[&str]| {
        let project = project(&format!("[connectors]\nall = {{ path = \"{pattern}\" }}\n"));
        for file in files {
            project.jar(file, &[("a", file.as_bytes())]);
        }
        let run = fails(&project);
        transcript.failure(title, &project, &run, &[]);
    };
    case("nothing matches", "libs/*.jar", &[]);
    case(
        "nothing of this kind matches",
        "libs/*.jar",
        &["libs/a.zip"],
    );
    case(
        "one that matches is a folder",
        "libs/*.jar",
        &["libs/a.jar", "libs/b.jar/x"],
    );
    case("no pattern", "libs/[.jar", &["libs/a.jar"]);
    transcript.check("jars_patterns");

    let project = super::project("[connectors]\nall = { path = \"libs/*.jar\" }\n");
    for name in ["b", "a", "c"] {
        project.jar(&format!("libs/{name}.jar"), &[("x", name.as_bytes())]);
    }
    project.ok(BUILD);
    let lock = project.read("flinkpack.lock");
    let names: Vec<&str> = lock
        .lines()
        .filter(|line| line.starts_with("path = "))
        .collect();
    assert_eq!(
        names,
        [
            "path = \"lib/a.jar\"",
            "path = \"lib/b.jar\"",
            "path = \"lib/c.jar\""
        ]
    );
}

#[test]
fn two_sources_for_one_path_are_both_named() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, sections: &str| {
        let project = project(sections);
        project.jar("one/risk.jar", &[("a", b"one")]);
        project.jar("two/risk.jar", &[("a", b"two")]);
        project.write("x/y", "y");
        let run = project.fails(2, BUILD);
        transcript.failure(title, &project, &run, &[]);
    };
    case(
        "two JARs of one name",
        "[connectors]\nrisk = { path = \"one/risk.jar\" }\n[udfs]\nfraud = { path = \"two/risk.jar\" }\n",
    );
    case(
        "a JAR and a file",
        "[udfs]\nrisk = { path = \"one/risk.jar\" }\n[files]\n\"/opt/flink/lib/risk.jar\" = \"two/risk.jar\"\n",
    );
    case(
        "[config] and a file",
        "[config]\na = 1\n[files]\n\"/opt/flink/conf/config.yaml\" = \"x/y\"\n",
    );
    case(
        "a file where the base has a folder",
        "[files]\n\"/opt/flink/lib\" = \"x/y\"\n",
    );
    case(
        "a file inside of a file",
        "[files]\n\"/etc/x\" = \"x/y\"\n\"/etc/x/y\" = \"x/y\"\n",
    );
    transcript.check("jars_twice");

    let project = super::project(
        "[connectors]\na = { path = \"one/risk.jar\" }\n[udfs]\nb = { path = \"two/risk.jar\" }\n",
    );
    for folder in ["one", "two"] {
        project.jar(&format!("{folder}/risk.jar"), &[("a", b"the same")]);
    }
    project.ok(BUILD);
}

#[test]
fn what_would_not_run_is_refused() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, flink: &str, code: i32, sections: &str, file: &str| {
        let project = super::on(&crate::support::base::TinyBase::flink(flink), sections);
        project.jar(file, &[("a", b"a")]);
        let run = project.fails(code, BUILD);
        transcript.failure(title, &project, &run, &[]);
    };
    let connector = |file: &str| format!("[connectors]\nx = {{ path = \"{file}\" }}\n");
    let s3 = "flink-s3-fs-hadoop-1.20.5.jar";
    case("S3 in lib/ of 1.20", "1.20.5", 2, &connector(s3), s3);
    let dist = "flink-dist-1.20.4.jar";
    case("a second Flink", "1.20.5", 2, &connector(dist), dist);
    case(
        "Swift on 1.20",
        "1.20.5",
        2,
        "[filesystems]\nswift-hadoop = {}\n",
        "x.jar",
    );
    case(
        "gs on 1.14",
        "1.14.6",
        2,
        "[filesystems]\ngs = {}\n",
        "x.jar",
    );
    case(
        "a plugin as a connector",
        "1.20.5",
        2,
        "[connectors]\ns3-hadoop = \"auto\"\n",
        "x.jar",
    );
    case(
        "a connector as a plugin",
        "1.20.5",
        2,
        "[filesystems]\nkafka = {}\n",
        "x.jar",
    );
    case(
        "an unknown connector",
        "1.20.5",
        2,
        "[connectors]\nkafak = \"auto\"\n",
        "x.jar",
    );
    case(
        "an unknown plugin",
        "1.20.5",
        2,
        "[filesystems]\ns3hadoop = {}\n",
        "x.jar",
    );
    case(
        "a broken coordinate",
        "1.20.5",
        2,
        "[connectors]\nx = { maven = \"org.example\" }\n",
        "x.jar",
    );
    case(
        "a connector without a release for this Flink",
        "1.20.5",
        2,
        "[connectors]\nkinesis = \"99.0\"\n",
        "x.jar",
    );
    transcript.check("jars_placement");
}
