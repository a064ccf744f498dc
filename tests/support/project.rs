//! A project in a folder of its own, with a cache of its own, and the real
//! program run in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What the environment must say; `tests/env/up` writes it to target/env.sh.
pub fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make up`, then `. target/env.sh`, or just `make test`")
    })
}

/// A project.
pub struct Project {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the program ended with.
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// The result.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Project {
    /// An empty project.
    pub fn new() -> Project {
        Project {
            folder: tempfile::Builder::new()
                .prefix("flinkpack-test-")
                .tempdir()
                .expect("a temporary folder"),
            variables: Vec::new(),
        }
    }

    /// A project with this manifest.
    pub fn with_manifest(text: &str) -> Project {
        let project = Project::new();
        project.write("flinkpack.toml", text);
        project
    }

    /// The folder of the project.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The project's cache.
    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file into the user's home.
    pub fn write_home(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A path in the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Sets a variable for the program.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_string(), value.into()));
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes a JAR with these entries.
    pub fn jar(&self, name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
        self.write(name, jar(entries))
    }

    /// The program, ready to run here. Nothing of the user's own configuration
    /// reaches it but what a test sets.
    pub fn command(&self, args: &[&str]) -> Command {
        fs::create_dir_all(self.folder()).expect("a folder");
        let home = self.home();
        fs::create_dir_all(&home).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flinkpack"));
        command
            .args(args)
            .current_dir(self.folder())
            .env("FLINKPACK_CACHE_DIR", self.cache())
            .env("HOME", &home)
            .env("DOCKER_CONFIG", home.join(".docker"))
            .env_remove("XDG_CACHE_HOME")
            .env_remove("RUST_BACKTRACE");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        for name in [
            "MAVEN_OPTS",
            "MAVEN_ARGS",
            "FLINKPACK_CA_FILE",
            "FLINKPACK_INSECURE_REGISTRIES",
            "FLINKPACK_REGISTRY_MIRRORS",
            "FLINKPACK_REGISTRY",
            "FLINKPACK_REGISTRY_USERNAME",
            "FLINKPACK_REGISTRY_PASSWORD",
            "FLINKPACK_REGISTRY_TOKEN",
            "REGISTRY_AUTH_FILE",
            "DOCKER_AUTH_CONFIG",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
        ] {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().expect("the program runs"))
    }

    /// Runs the program; it must end well.
    pub fn ok(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "flinkpack {}\n{}", args.join(" "), run.stderr);
        run
    }

    /// Runs the program; it must fail with this exit code.
    pub fn fails(&self, code: i32, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(
            run.code,
            code,
            "flinkpack {}\n{}{}",
            args.join(" "),
            run.stdout,
            run.stderr
        );
        run
    }

    /// A text in which the folders of this run have fixed names, for snapshots.
    pub fn masked(&self, text: &str) -> String {
        text.replace(&self.folder().display().to_string(), "[project]")
            .replace(&self.folder.path().display().to_string(), "[run]")
    }
}

impl Run {
    /// Of a finished process. A process ended by a signal has the code -1.
    pub fn of(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The result as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A JAR's bytes: entries are deflated, times fixed.
pub fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        zip.write_all(bytes).expect("an entry");
    }
    zip.finish().expect("a JAR").into_inner()
}

/// A file with bytes that do not compress, the same for the same seed.
pub fn noise(path: &Path, size: usize, seed: u64) {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    fs::write(path, bytes).expect("a file");
}
