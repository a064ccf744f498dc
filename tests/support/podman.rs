//! podman's service, with a storage of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::project::Run;

/// A running service; it ends with the test, and so does its storage.
pub struct Podman {
    service: Child,
    folder: TempDir,
}

impl Podman {
    /// Starts it and waits until it answers.
    pub fn start() -> Podman {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().display();
        let text = format!(
            "[storage]\ndriver = \"overlay\"\nrunroot = \"{at}/run\"\ngraphroot = \"{at}/root\"\n"
        );
        std::fs::write(folder.path().join("storage.conf"), text).expect("a file");
        let address = format!("unix://{at}/podman.sock");
        let service = Command::new("podman")
            .args(["system", "service", "--time", "0", &address])
            .env(
                "CONTAINERS_STORAGE_CONF",
                folder.path().join("storage.conf"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("podman: {error}; `make up` installs it"));
        let podman = Podman { service, folder };
        let socket = podman.socket();
        let begin = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "podman does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        podman
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("podman.sock")
    }

    /// For DOCKER_HOST.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What `podman …` prints, on the same storage.
    pub fn ok(&self, args: &[&str]) -> String {
        let mut command = Command::new("podman");
        command.args(args).env(
            "CONTAINERS_STORAGE_CONF",
            self.folder.path().join("storage.conf"),
        );
        let run = Run::of(command.output().expect("podman runs"));
        assert_eq!(run.code, 0, "podman {args:?}\n{}", run.stderr);
        run.stdout.trim().to_string()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        // Its overlay file system may still be mounted, and is then no folder to delete.
        let overlay = self.folder.path().join("root/overlay");
        let _ = Command::new("umount").arg("-q").arg(overlay).status();
    }
}
