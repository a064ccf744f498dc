//! The same inputs give the same digest, whatever is around them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::{digest_of, project, small_jar};
use crate::support::project::{Project, Run, jar};

/// A project with a bit of everything that could vary.
fn checkout() -> Project {
    let project = project(
        "[udfs]\nrisk = { path = \"udf/*.jar\" }\n[filesystems]\noss = { place = \"move\" }\ns3-hadoop = {}\n\
         [job]\njar = { path = \"job.jar\" }\nclass = \"com.example.Job\"\n\
         [config]\n\"state.backend.type\" = \"rocksdb\"\n\"a.b\" = 1\n[files]\n\"/opt/extra\" = \"extra\"\n\
         [image.labels]\nteam = \"risk\"\nb = \"2\"\n[image.env]\nZ = \"1\"\nA = \"2\"\n",
    );
    for name in ["b", "a", "Z", "é", "z"] {
        project.write(&format!("udf/{name}.jar"), small_jar(name));
        project.write(&format!("extra/{name}/x.txt"), name);
    }
    let classes = ["Job", "Other"].map(|name| format!("com/example/{name}.class"));
    let classes = classes
        .each_ref()
        .map(|name| (name.as_str(), name.as_bytes()));
    project.write("job.jar", jar(&classes));
    let script = project.write("extra/run.sh", "#!/bin/sh\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(script, mode).unwrap();
    project
}

fn reference() -> (Project, String) {
    let project = checkout();
    let digest = digest_of(&project.ok(&["build", "--output", "oci:out"]).stdout);
    (project, digest)
}

#[test]
fn another_path_and_a_cold_cache() {
    let (first, digest) = reference();
    let (second, other) = reference();
    assert_ne!(first.folder(), second.folder());
    assert_eq!(digest, other);
    assert_eq!(first.read("flinkpack.lock"), second.read("flinkpack.lock"));
}

#[test]
fn a_warm_cache_no_cache_and_another_output() {
    let (project, digest) = reference();
    for args in [
        &["build", "--output", "oci:out"][..],
        &["build", "--output", "oci:out", "--no-cache"],
        &["build", "--output", "oci:new"],
        &["build", "--output", "oci-archive:out.tar"],
        &["build", "--output", "docker-archive:docker.tar"],
        &["build", "--locked", "--output", "oci:out"],
        &["build", "--offline", "--output", "oci:out", "-t", "2"],
        &["build"],
    ] {
        assert_eq!(digest_of(&project.ok(args).stdout), digest, "{args:?}");
    }
    let lock = project.read("flinkpack.lock");
    fs::remove_file(project.path("flinkpack.lock")).unwrap();
    assert_eq!(
        digest_of(&project.ok(&["build", "--output", "oci:x"]).stdout),
        digest
    );
    assert_eq!(project.read("flinkpack.lock"), lock);
}

#[test]
fn from_another_folder_and_by_another_path() {
    let (project, digest) = reference();
    let run = |args: &[&str], folder: &Path| {
        let run = Run::of(project.command(args).current_dir(folder).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        digest_of(&run.stdout)
    };
    let folder = project.folder().display().to_string();
    let manifest = project.path("flinkpack.toml").display().to_string();
    let out = format!("oci:{folder}/out");
    let elsewhere = project.home();
    assert_eq!(
        run(&["-C", &folder, "build", "--output", "oci:out"], &elsewhere),
        digest
    );
    assert_eq!(
        run(
            &["build", "--manifest", &manifest, "--output", &out],
            &elsewhere
        ),
        digest
    );
    let below = project.path("udf");
    assert_eq!(
        run(
            &["build", "--manifest", "../flinkpack.toml", "--output", &out],
            &below
        ),
        digest
    );
}

#[test]
fn umask_and_modes_of_a_checkout() {
    let (_, digest) = reference();
    for umask in ["077", "022", "000"] {
        let project = checkout();
        let program = project.command(&["build", "--output", "oci:out"]);
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!(
                "umask {umask}; cp -r udf udf.new && rm -r udf && mv udf.new udf; chmod go-rwx extra/a/x.txt; exec \"$@\""
            ))
            .arg("sh")
            .arg(program.get_program())
            .args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let run = Run::of(shell.current_dir(project.folder()).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(digest_of(&run.stdout), digest, "umask {umask}");
    }
}

#[test]
fn time_zone_language_and_terminal() {
    let (_, digest) = reference();
    for variables in [
        &[("TZ", "Pacific/Kiritimati"), ("LANG", "C"), ("LC_ALL", "C")][..],
        &[
            ("TZ", "America/St_Johns"),
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
        ],
        &[
            ("SOURCE_DATE_EPOCH", "1"),
            ("COLUMNS", "20"),
            ("TERM", "dumb"),
            ("NO_COLOR", "1"),
        ],
        &[("CLICOLOR_FORCE", "1"), ("USER", "x"), ("HOSTNAME", "y")],
    ] {
        let mut project = checkout();
        for (name, value) in variables {
            project.set(name, *value);
        }
        let run = project.ok(&["build", "--output", "oci:out"]);
        assert_eq!(digest_of(&run.stdout), digest, "{variables:?}");
    }
}

#[test]
fn times_of_files() {
    let (_, digest) = reference();
    for seconds in [0, 315_532_800, 4_000_000_000] {
        let project = checkout();
        touch(
            &project.folder(),
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        );
        let run = project.ok(&["build", "--output", "oci:out"]);
        assert_eq!(digest_of(&run.stdout), digest, "{seconds}");
    }
}

fn touch(path: &Path, time: SystemTime) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            touch(&entry.unwrap().path(), time);
        }
    }
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn one_processor_or_all() {
    let (_, digest) = reference();
    let project = checkout();
    let program = project.command(&["build", "--output", "oci:out"]);
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", "0"])
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    let output = pinned.current_dir(project.folder()).output();
    let run = Run::of(output.expect("taskset runs (of util-linux)"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(digest_of(&run.stdout), digest);
}

#[test]
fn a_change_of_any_input_shows() {
    let (project, digest) = reference();
    let mut seen = vec![digest];
    let mut changed = |what: &str| {
        let digest = digest_of(&project.ok(&["build", "--output", "oci:out"]).stdout);
        assert!(!seen.contains(&digest), "{what} changes nothing");
        seen.push(digest);
    };
    project.write("udf/a.jar", small_jar("other"));
    changed("a UDF");
    project.write("extra/a/x.txt", "b");
    changed("a file's content");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(project.path("extra/a/x.txt"), mode).unwrap();
    changed("a file's mode");
    let text = project.read("flinkpack.toml");
    project.write("flinkpack.toml", text.replace("rocksdb", "hashmap"));
    changed("the configuration");
    project.write(
        "flinkpack.toml",
        text.replace("team = \"risk\"", "team = \"fraud\""),
    );
    changed("a label");
    project.write(
        "flinkpack.toml",
        text.replace("com.example.Job", "com.example.Other"),
    );
    changed("the job's class");
}
