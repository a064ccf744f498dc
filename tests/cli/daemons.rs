//! Daemons that are not there, or take an image the wrong way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;

use super::transcript::Transcript;
use super::{project, small_jar};
use crate::support::daemon::{FakeDaemon, OnLoad};
use crate::support::project::{Project, Run, noise};

fn with_udf() -> Project {
    let project = project("[udfs]\nrisk = { path = \"risk.jar\" }\n");
    project.write("risk.jar", small_jar("Risk"));
    project
}

#[test]
fn absent_ones_are_named_with_what_said_so() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, host: &str| {
        let mut project = with_udf();
        project.set(
            "DOCKER_HOST",
            host.replace("[project]", &project.folder().display().to_string()),
        );
        let run = project.fails(1, &["build", "--load"]);
        transcript.failure(title, &project, &run, &[]);
    };
    case("no socket", "unix://[project]/docker.sock");
    case("not a socket", "unix://[project]/risk.jar");
    case("nothing listens", "tcp://127.0.0.1:1");
    case("over ssh", "ssh://me@127.0.0.1:1");
    case("no address", "docker");
    transcript.check("daemons_absent");
}

#[test]
fn a_context_that_is_broken_is_told() {
    let mut project = with_udf();
    project.set("DOCKER_HOST", "");
    project.set("DOCKER_CONTEXT", "");
    project.write_home(".docker/config.json", r#"{"currentContext": "build-farm"}"#);
    let run = project.fails(1, &["build", "--load"]);
    assert!(run.stderr.contains("`build-farm`"), "{}", run.stderr);
}

#[test]
fn a_socket_without_permission() {
    let mut project = with_udf();
    let folder = project.write_home("run/x", "");
    let path = folder.parent().unwrap().join("docker.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    project.set("DOCKER_HOST", format!("unix://{}", path.display()));
    let mut command = project.command(&["build", "--load"]);
    if fs::metadata("/proc/self")
        .map(|meta| std::os::unix::fs::MetadataExt::uid(&meta))
        .unwrap()
        == 0
    {
        let run = project.folder();
        for folder in [
            run.parent().unwrap().to_path_buf(),
            run.clone(),
            project.home(),
        ] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(project.folder(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::create_dir_all(project.cache()).unwrap();
        fs::set_permissions(project.cache(), fs::Permissions::from_mode(0o777)).unwrap();
        command.uid(65534).gid(65534);
    } else {
        // Its own user may do everything but what the mode forbids it too.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let mut transcript = Transcript::new();
    transcript.failure("no permission", &project, &run, &[]);
    transcript.check("daemons_permission");
}

#[test]
fn a_load_that_fails_says_why() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, on_load: OnLoad| {
        let mut project = with_udf();
        noise(&project.path("big.bin"), 4 << 20, 1);
        let text = project.read("flinkpack.toml");
        project.write(
            "flinkpack.toml",
            format!("{text}[files]\n\"/opt/big.bin\" = \"big.bin\"\n"),
        );
        let daemon = FakeDaemon::start(&project.home().join("run"), on_load);
        project.set("DOCKER_HOST", daemon.address());
        let run = project.fails(1, &["build", "--load"]);
        assert!(run.stdout.is_empty(), "{title}: {}", run.stdout);
        assert!(
            daemon
                .asked()
                .iter()
                .any(|line| line.contains("/images/load"))
        );
        // Which side sees it first is a matter of microseconds.
        let how = |text: &'static str| (text, "[how the connection broke]");
        let varying = [
            how("Broken pipe (os error 32)"),
            how("Connection reset by peer (os error 104)"),
            how("connection closed before message completed"),
        ];
        transcript.failure(title, &project, &run, &varying);
        // What was built is kept: the next try only loads.
        let run = project.ok(&["build", "--output", "oci:out"]);
        assert!(!run.stderr.contains(": built"), "{}", run.stderr);
    };
    case("it dies at the beginning", OnLoad::DieAfter(0));
    case("it dies half way", OnLoad::DieAfter(1 << 20));
    case(
        "its disk is full",
        OnLoad::Answer(
            r#"{"errorDetail":{"message":"write /var/lib/docker/tmp/x: no space left on device"},"error":"write /var/lib/docker/tmp/x: no space left on device"}"#,
        ),
    );
    case(
        "it says an error as plain text",
        OnLoad::Answer(r#"{"stream":"Error: failed to unpack: unexpected EOF\n"}"#),
    );
    case(
        "it says that all is well, and has nothing",
        OnLoad::Answer(r#"{"stream":"Loaded image: registry.test/team/orders:1\n"}"#),
    );
    transcript.check("daemons_load");
}

#[test]
fn a_daemon_that_dies_while_a_layer_is_written_spoils_no_layer() {
    for bytes in [0, 100, 1 << 20] {
        let mut project = with_udf();
        noise(&project.path("noise"), 4 << 20, 1);
        let content = fs::read(project.path("noise")).unwrap();
        project.jar(
            "risk.jar",
            &[("A.class", b"\xca\xfe\xba\xbe"), ("noise", &content)],
        );
        let daemon = FakeDaemon::start(&project.home().join("run"), OnLoad::DieAfter(bytes));
        project.set("DOCKER_HOST", daemon.address());
        let run = project.fails(1, &["build", "--load"]);
        assert!(run.stderr.contains("loading the image"), "{}", run.stderr);
        // The first was broken off with the layer in it, the second is the usual one.
        let loads = daemon
            .asked()
            .iter()
            .filter(|line| line.contains("/images/load"))
            .count();
        assert_eq!(loads, 2, "after {bytes} bytes: {:?}", daemon.asked());
        let run = project.ok(&["build", "--output", "oci:out"]);
        assert!(!run.stderr.contains(": built"), "{}", run.stderr);
        let digest = super::digest_of(&run.stdout);
        let fresh = project.ok(&["build", "--no-cache", "--output", "oci:fresh"]);
        assert_eq!(super::digest_of(&fresh.stdout), digest);
    }
}

#[test]
fn without_a_daemon_the_image_is_written_to_a_file() {
    let project = with_udf();
    let run = project.ok(&["build"]);
    assert!(
        run.stderr.contains("no Docker daemon answers"),
        "{}",
        run.stderr
    );
    assert!(project.path("target/flinkpack/image.oci").is_file());
    assert!(
        run.stdout
            .starts_with("registry.test/team/orders:1@sha256:"),
        "{}",
        run.stdout
    );
}
