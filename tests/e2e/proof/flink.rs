//! An image, started the way that shows a failure the soonest.

use super::super::name;
use super::{Base, File, Findings, image};
use crate::support::docker::{Docker, wait};
use crate::support::flink::Turn;

/// What is started.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// The SQL client, with these statements.
    Sql(&'a [&'a str]),
    /// A command of the entrypoint, such as `jobmanager`.
    Command(&'a str),
    /// The image's own command: the job.
    Job,
}

/// An image to look at and to start.
pub struct Case<'a> {
    pub what: &'a str,
    pub base: Base,
    /// The manifest behind `[image]`.
    pub manifest: String,
    pub files: Vec<File<'a>>,
    pub start: Start<'a>,
    /// What Flink prints where it comes to what is looked for.
    pub prints: &'a str,
}

/// Words of what goes wrong when an image is put together badly.
pub const FAILURES: &[&str] = &[
    "AbstractMethodError",
    "Cannot find any jar files for plugin",
    "ClassCastException",
    "ClassNotFoundException",
    "Could not find any factory",
    "IncompatibleClassChangeError",
    "Multiple factories",
    "NoClassDefFoundError",
    "No suitable driver",
    "NoSuchFieldError",
    "NoSuchMethodError",
    "SecurityException",
    "ServiceConfigurationError",
    "UnsupportedClassVersionError",
    "UnsupportedFileSystemSchemeException",
    "VerifyError",
    "multiple SLF4J bindings",
];

/// What every Flink says that has no Hadoop.
const USUAL: &[&str] = &[
    "not packaged with this application",
    "is not available in the classpath",
];

/// What was found in an image, and what Flink printed.
pub struct Seen {
    pub findings: Findings,
    pub said: String,
}

impl Seen {
    /// Flink came to what `case` looks for.
    pub fn must_have_said(&self, case: &Case<'_>) {
        let (what, prints) = (case.what, case.prints);
        let has = self.said.contains(prints);
        assert!(has, "{what}: {prints}:\n{}", self.said);
    }

    /// The first line that tells of a failure.
    pub fn failure(&self) -> Option<&str> {
        let mut lines = self.said.lines();
        lines.find(|line| {
            FAILURES.iter().any(|word| line.contains(word))
                && !USUAL.iter().any(|word| line.contains(word))
        })
    }
}

/// Checks, builds all the same, and starts.
pub fn look(case: &Case<'_>) -> Seen {
    let name = name("proof");
    let project = image(&name, case.base, &case.manifest, &case.files);
    let findings = Findings::of(&project);
    let docker = Docker::classic();
    let image = format!("{name}:1");
    let _tag = docker.removed_later(image.as_str());
    project.ok(&["build", "--no-check"]);
    let _turn = Turn::take();
    let alone = [
        "--network",
        "none",
        "--hostname",
        "localhost",
        "-e",
        "JOB_MANAGER_RPC_ADDRESS=localhost",
        // Nothing runs long enough for more.
        "-e",
        "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1",
    ];
    let said = match case.start {
        Start::Sql(statements) => {
            let script = project.write("statements-to-run.sql", statements.join("\n"));
            let mount = format!("{}:/statements.sql:ro", script.display());
            let client = "exec timeout 120 bin/sql-client.sh -f /statements.sql 2>&1";
            let args = [
                &["run", "--rm"],
                &alone[..],
                &["-v", &mount, &image, "bash", "-c", client],
            ];
            docker.run(&args.concat()).stdout
        }
        Start::Command(command) => until(
            &docker,
            &[&alone[..], &[&image, command]].concat(),
            case.prints,
        ),
        Start::Job => until(&docker, &[&alone[..], &[&image]].concat(), case.prints),
    };
    Seen { findings, said }
}

/// The log of a container, until it has these words or has ended.
fn until(docker: &Docker, args: &[&str], words: &str) -> String {
    let container = docker.start(args);
    wait(words, 120, || {
        let (ended, logs) = (container.ended(), container.logs());
        (ended.is_some() || logs.contains(words)).then_some(logs)
    })
}
