//! A Docker daemon of the test's own, to be killed and starved.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::docker::Docker;

/// A daemon with an empty store; it ends with the test.
pub struct Dockerd {
    daemon: Child,
    folder: TempDir,
    room: Option<u32>,
}

impl Dockerd {
    /// Starts it and waits until it answers.
    pub fn start() -> Dockerd {
        Dockerd::of(None)
    }

    /// One whose disk has room for so many megabytes.
    pub fn with_room(megabytes: u32) -> Dockerd {
        Dockerd::of(Some(megabytes))
    }

    fn of(room: Option<u32>) -> Dockerd {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        std::fs::write(folder.path().join("daemon.json"), "{}").expect("a file");
        let daemon = spawn(folder.path().to_path_buf(), room);
        let dockerd = Dockerd {
            daemon,
            folder,
            room,
        };
        dockerd.answers();
        dockerd
    }

    /// Its client.
    pub fn docker(&self) -> Docker {
        let socket = self.folder.path().join("docker.sock");
        Docker::at(&format!("unix://{}", socket.display()))
    }

    /// Ends it as a power failure would: the containerd that it started goes with
    /// it, and so does what lies in /run elsewhere.
    pub fn kill(&mut self) {
        self.daemon.kill().expect("it is killed");
        self.daemon.wait().expect("it ends");
        std::fs::remove_dir_all(self.folder.path().join("run")).expect("it goes");
    }

    /// Starts it again, on what it had stored.
    pub fn restart(&mut self) {
        assert!(self.room.is_none(), "its disk is gone with it");
        self.daemon = spawn(self.folder.path().to_path_buf(), None);
        self.answers();
    }

    /// Gives it more room.
    pub fn grow(&self, megabytes: u32) {
        let pid = self.daemon.id().to_string();
        let size = format!("remount,size={megabytes}m");
        let mut command = Command::new("nsenter");
        command.args(["-t", &pid, "-m", "mount", "-o", &size]);
        command.arg(self.folder.path().join("data"));
        assert!(command.status().expect("nsenter runs").success());
    }

    fn answers(&self) {
        let docker = self.docker();
        let begin = Instant::now();
        while docker.run(&["version"]).code != 0 {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "dockerd does not answer\n{log}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn spawn(folder: PathBuf, room: Option<u32>) -> Child {
    let at = folder.display();
    let log = std::fs::File::create(folder.join("log")).expect("a file");
    let mount = match room {
        Some(room) => format!("mount -t tmpfs -o size={room}m tmpfs {at}/data && "),
        None => String::new(),
    };
    let name = format!(
        "flinkpack-test-{}",
        folder.file_name().expect("a name").display()
    );
    let script = format!(
        "{mount}exec dockerd --host unix://{at}/docker.sock --data-root {at}/data --exec-root {at}/run \
         --pidfile {at}/pid --config-file {at}/daemon.json --containerd-namespace {name} \
         --containerd-plugins-namespace {name}-plugins --storage-driver overlay2 --bridge none \
         --iptables=false --ip-forward=false"
    );
    let _ = std::fs::remove_file(folder.join("pid"));
    Command::new("unshare")
        .args(["--mount", "--propagation", "slave", "sh", "-c", &script])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("unshare runs")
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // Asked to, it ends its containerd too.
        let pid = self.daemon.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if !matches!(self.daemon.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
