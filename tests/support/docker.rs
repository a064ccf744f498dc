//! Containers and images by the docker command line, the way a user starts what
//! was built. Whatever a test started is removed by its id when the test ends,
//! also by a panic.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::project::{Run, environment};

/// A daemon.
#[derive(Clone)]
pub struct Docker {
    host: String,
}

impl Docker {
    /// The one with the classic store.
    pub fn classic() -> Docker {
        Docker {
            host: environment("DOCKER_HOST"),
        }
    }

    /// The one with the containerd store.
    pub fn containerd() -> Docker {
        Docker {
            host: environment("FLINKPACK_TEST_DOCKER28_HOST"),
        }
    }

    /// The one at this address.
    pub fn at(host: &str) -> Docker {
        Docker {
            host: host.to_string(),
        }
    }

    /// Its address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The client, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let debian = "/usr/bin/docker";
        let program = std::env::var("DOCKER").unwrap_or_else(|_| {
            let found = std::path::Path::new(debian).exists();
            (if found { debian } else { "docker" }).to_string()
        });
        let mut command = Command::new(program);
        command.args(args).env("DOCKER_HOST", &self.host);
        command
    }

    /// Runs the client to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).stdin(Stdio::null()).output();
        Run::of(output.expect("docker runs"))
    }

    /// Runs the client, which must end well; what it printed, trimmed.
    pub fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(
            run.code,
            0,
            "docker {}\n{}{}",
            args.join(" "),
            run.stdout,
            run.stderr
        );
        run.stdout.trim().to_string()
    }

    /// Runs a shell script in a container of this image, without its
    /// entrypoint and without a network; what it printed.
    pub fn shell(&self, image: &str, script: &str) -> String {
        self.ok(&[
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "bash",
            image,
            "-ec",
            script,
        ])
    }

    /// Starts a container: `args` are options, image and command.
    pub fn start(&self, args: &[&str]) -> Container {
        let mut all = vec!["run", "-d"];
        all.extend(args);
        Container {
            docker: self.clone(),
            id: self.ok(&all),
        }
    }

    /// Has this name removed when the test ends.
    pub fn removed_later(&self, name: impl Into<String>) -> Tag {
        Tag {
            docker: self.clone(),
            name: name.into(),
        }
    }
}

/// A started container.
pub struct Container {
    docker: Docker,
    id: String,
}

impl Container {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All that it printed.
    pub fn logs(&self) -> String {
        let run = self.docker.run(&["logs", &self.id]);
        run.stdout + &run.stderr
    }

    /// Its exit code, once it has ended.
    pub fn ended(&self) -> Option<i32> {
        let format = "{{.State.Running}} {{.State.ExitCode}}";
        let state = self
            .docker
            .ok(&["inspect", "--type=container", "--format", format, &self.id]);
        let (running, code) = state.split_once(' ')?;
        (running == "false").then(|| code.parse().expect("an exit code"))
    }

    /// Runs a shell script in it, with this on stdin.
    pub fn shell(&self, script: &str, stdin: &str) -> Run {
        let mut child = self
            .docker
            .command(&["exec", "-i", &self.id, "bash", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker runs");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(stdin.as_bytes()).expect("a pipe");
        drop(pipe);
        let output: Output = child.wait_with_output().expect("docker ends");
        Run::of(output)
    }

    /// Waits until it has printed all of these.
    pub fn printed(&self, seconds: u64, texts: &[&str]) {
        wait(&format!("{texts:?} in the log"), seconds, || {
            let logs = self.logs();
            if texts.iter().all(|text| logs.contains(text)) {
                return Some(());
            }
            if let Some(code) = self.ended() {
                let logs = self.logs();
                let absent: Vec<_> = texts.iter().filter(|text| !logs.contains(**text)).collect();
                assert!(absent.is_empty(), "ended with {code} without {absent:?}");
            }
            None
        });
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.logs();
            let lines: Vec<&str> = logs.lines().collect();
            let from = lines.len().saturating_sub(40);
            eprintln!("--- {}\n{}", self.id, lines[from..].join("\n"));
        }
        self.docker.run(&["rm", "-f", &self.id]);
    }
}

/// A name of an image.
pub struct Tag {
    docker: Docker,
    name: String,
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.docker.run(&["rmi", &self.name]);
    }
}

/// Asks until there is an answer; panics after so many seconds.
pub fn wait<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        let waited = begun.elapsed();
        assert!(
            waited < Duration::from_secs(seconds),
            "{what}: not after {} s",
            waited.as_secs()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}
