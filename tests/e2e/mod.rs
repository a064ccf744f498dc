//! End to end: real bases, real daemons, real Flink, started from what was
//! built. `tests/env/up` brings up what they need.

mod application;
mod bases;
mod daemons;
mod disturbed;
mod entrypoint;
mod errors;
mod files;
mod hosts;
mod placement;
mod platforms;
mod proof;
mod pruned;
mod session_1_13;
mod session_1_20;
mod session_2;
mod soak;
mod thin;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::support::flink::http;
use crate::support::project::{Project, Run, environment};

/// One of the scripts in tests/env, run to its end; the last line it printed.
fn script(name: &str, args: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/env")
        .join(name);
    let mut command = Command::new(&path);
    let output = command.args(args).stdin(Stdio::null()).output();
    let run = Run::of(output.expect("the script runs"));
    assert_eq!(run.code, 0, "{name} {args:?}\n{}{}", run.stdout, run.stderr);
    run.stdout.lines().last().unwrap_or_default().to_string()
}

/// The cache of these tests: what was downloaded stays from run to run. What was
/// made from it does not, so that each run makes it anew.
static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache");
    for bucket in ["bases", "builds", "checks", "jars", "layers"] {
        let _ = fs::remove_dir_all(cache.join(bucket));
    }
    cache
});

/// The example's UDF and job, compiled.
static JARS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-orders");
    let _ = fs::remove_dir_all(&folder);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/orders");
    copy(&example, &folder);
    let flink = script("distribution", &["1.20.5"]);
    let output = Command::new(folder.join("compile"))
        .arg(flink)
        .output()
        .expect("compile runs");
    let run = Run::of(output);
    assert_eq!(run.code, 0, "compile: {}{}", run.stdout, run.stderr);
    folder.join("build")
});

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-rL").args([from, to]).status();
    assert!(status.expect("cp runs").success(), "cp {}", from.display());
}

/// A project with the example's JARs and the cache of these tests.
fn project(manifest: &str) -> Project {
    let mut project = Project::with_manifest(manifest);
    project.set("FLINKPACK_CACHE_DIR", CACHE.display().to_string());
    for jar in ["risk-udf.jar", "orders-job.jar"] {
        let from = JARS.join(jar);
        fs::copy(&from, project.path(jar)).expect("a JAR");
    }
    project
}

/// A name in the loopback registry that no other run has.
fn name(what: &str) -> String {
    let time = std::time::UNIX_EPOCH.elapsed().expect("a time").as_nanos();
    let registry = environment("FLINKPACK_TEST_REGISTRY");
    format!(
        "{registry}/flinkpack-test/{what}-{}-{time}",
        std::process::id()
    )
}

/// A bucket of the S3 server.
struct Bucket {
    port: u16,
    name: String,
}

impl Bucket {
    /// A new one.
    fn new(name: &str) -> Bucket {
        let port = script("s3", &["start"]).parse().expect("a port");
        let time = std::time::UNIX_EPOCH.elapsed().expect("a time").as_nanos();
        let name = format!("{name}-{time}");
        let (status, body) = http("PUT", port, &format!("/{name}"), "").expect("an answer");
        assert_eq!(status, 200, "{body}");
        Bucket { port, name }
    }

    /// `[config]` for it.
    fn config(&self) -> String {
        format!(
            r#""s3.endpoint" = "http://127.0.0.1:{}"
"s3.access-key" = "any"
"s3.secret-key" = "any"
"s3.path.style.access" = "true"
"#,
            self.port
        )
    }

    /// All lines of all objects below a folder, sorted.
    fn lines(&self, folder: &str) -> Vec<String> {
        let get = |path: &str| {
            let (status, body) = http("GET", self.port, path, "").expect("an answer");
            assert_eq!(status, 200, "{path}: {body}");
            body
        };
        let list = get(&format!("/{}?list-type=2&prefix={folder}/", self.name));
        let mut lines: Vec<String> = list
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next())
            .map(|key| get(&format!("/{}/{key}", self.name)))
            .flat_map(|text| text.lines().map(str::to_string).collect::<Vec<_>>())
            .collect();
        lines.sort();
        lines
    }
}
