//! Ctrl-C.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{project, repository, small_jar};
use crate::support::maven::Reply;
use crate::support::project::Run;

#[test]
fn it_ends_at_once_and_leaves_nothing_half_written() {
    let project = project("[connectors]\nacme = { maven = \"com.example:acme:1.0\" }\n");
    let server = repository(&project);
    let path = "/m2/com/example/acme/1.0/acme-1.0.jar";
    let jar = small_jar("Acme");
    server.release("com.example:acme:1.0", &jar, "");
    server.on(path, [Reply::ok(&jar[..]).cut_at(50).stalling()]);
    let child = project
        .command(&["build", "--output", "oci:out"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !server.paths().iter().any(|asked| asked == path) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "nothing was asked"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let signalled = Instant::now();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let run = Run::of(child.wait_with_output().unwrap());
    assert!(
        signalled.elapsed() < Duration::from_secs(2),
        "{:?}",
        signalled.elapsed()
    );
    assert!(run.code != 0);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
    assert!(!project.path("out").exists());
    assert!(!project.path("flinkpack.lock").exists());
    let left: Vec<_> = std::fs::read_dir(project.cache().join("tmp"))
        .into_iter()
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");

    server.on(path, [Reply::ok(&jar[..])]);
    project.ok(&["build", "--output", "oci:out"]);
}
