//! Maven's own resolver, in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::generate::Repository;

/// The running oracle.
pub struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Compiles and starts it on a repository folder.
    pub fn start(folder: &Path) -> Oracle {
        let library = maven_library();
        let path = format!("{}/*", library.display());
        let classes = folder.join("oracle");
        fs::create_dir_all(&classes).expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/Oracle.java");
        let compiled = Command::new("javac")
            .args(["-nowarn", "-cp", &path, "-d"])
            .args([&classes, &source])
            .output()
            .expect("javac, which the environment installs");
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let mut child = Command::new("java")
            .args(["-Xss16m", "-Xmx1g", "-XX:+UseSerialGC", "-cp"])
            .arg(format!("{}:{path}", classes.display()))
            .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "Oracle"])
            .arg(folder.join("repository"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("java");
        Oracle {
            questions: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().expect("stdout")),
            child,
        }
    }

    /// Answers a line for each question's lines, in order.
    pub fn ask(mut self, questions: &[String]) -> Vec<String> {
        let mut input = self.questions.take().expect("stdin");
        let text = questions.join("\n") + "\n";
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(text.as_bytes());
        });
        let lines: Vec<String> = self
            .answers
            .by_ref()
            .lines()
            .map(|line| line.expect("UTF-8"))
            .collect();
        writer.join().expect("the writer");
        assert!(self.child.wait().expect("an end").success());
        lines
    }
}

/// The folder of the installed Maven's JARs.
fn maven_library() -> PathBuf {
    let told = Command::new("mvn")
        .arg("-v")
        .output()
        .expect("mvn, which the environment installs");
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let home = text
        .lines()
        .find_map(|line| line.split_once("Maven home: "))
        .map(|(_, home)| home.trim_end_matches("\u{1b}[0m").trim())
        .expect("mvn -v names its home");
    PathBuf::from(home).join("lib")
}

/// Writes a repository as one that was installed locally, so that Maven needs
/// no network.
pub fn write(repository: &Repository, folder: &Path) {
    for (coordinate, pom) in &repository.poms {
        let parts: Vec<&str> = coordinate.split(':').collect();
        let [group, artifact, version] = parts[..] else {
            panic!("{coordinate}");
        };
        let folder = folder
            .join("repository")
            .join(group.replace('.', "/"))
            .join(artifact)
            .join(version);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("{artifact}-{version}.pom")), pom).expect("a file");
    }
    for (name, versions) in &repository.versions {
        let (group, artifact) = name.split_once(':').expect("a name");
        let list: String = versions
            .iter()
            .map(|version| format!("<version>{version}</version>"))
            .collect();
        let text = format!(
            "<metadata><groupId>{group}</groupId><artifactId>{artifact}</artifactId><versioning><versions>{list}</versions></versioning></metadata>"
        );
        let path = folder.join("repository").join(group.replace('.', "/"));
        let path = path.join(artifact).join("maven-metadata-local.xml");
        fs::write(path, text).expect("a file");
    }
}

/// The oracle's lines, by root.
pub fn answers_of(lines: Vec<String>) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut root = String::new();
    for line in lines {
        match line.strip_prefix("= ") {
            Some(name) => {
                root = name.to_string();
                told.insert(root.clone(), Vec::new());
            }
            None => told.entry(root.clone()).or_default().push(line),
        }
    }
    told
}
