//! A Docker daemon of the test's own, to be killed and starved.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::docker::Docker;
use super::project::environment;

/// A daemon with an empty store; it ends with the test.
pub struct Dockerd {
    daemon: Child,
    folder: TempDir,
    host: String,
    /// What it stores to, where that is a file system of its own.
    disk: Option<String>,
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

    /// The same, with containerd's image store: of the second daemon's programs.
    pub fn containerd_with_room(megabytes: u32) -> Dockerd {
        let environment = environment("FLINKPACK_TEST_DOCKER28_HOST");
        let run = environment.trim_start_matches("unix://");
        let run = run.trim_end_matches("docker.sock");
        let record = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/target/env/docker28/dockerd.record"
        );
        let record = std::fs::read_to_string(record).expect("the second daemon runs");
        let pid = record.split(' ').next().expect("its process");
        let folder = tempfile::tempdir().expect("a folder");
        let name = name_of(&folder);
        let disk = format!("/tmp/{name}");
        let script = format!(
            "mkdir {disk} && mount -t tmpfs -o size={megabytes}m tmpfs {disk} && exec dockerd \
             --host unix:///run/host/{name}.sock --data-root {disk}/data --exec-root {disk}/run \
             --pidfile {disk}/pid --config-file /etc/docker/daemon.json --bridge none \
             --iptables=false --ip6tables=false --ip-forward=false"
        );
        let mut command = Command::new("nsenter");
        command.args(["-t", pid, "--mount", "--root", "--wd=/"]);
        command.args(["unshare", "--mount", "--propagation", "private"]);
        command.args(["/bin/sh", "-c", &script]);
        let dockerd = Dockerd {
            daemon: spawn(command, &folder),
            host: format!("unix://{run}{name}.sock"),
            folder,
            disk: Some(disk),
        };
        dockerd.answers();
        dockerd
    }

    fn of(room: Option<u32>) -> Dockerd {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        std::fs::write(folder.path().join("daemon.json"), "{}").expect("a file");
        let dockerd = Dockerd {
            daemon: spawn(classic(&folder, room), &folder),
            host: format!("unix://{}/docker.sock", folder.path().display()),
            disk: room.map(|_| folder.path().join("data").display().to_string()),
            folder,
        };
        dockerd.answers();
        dockerd
    }

    /// Its client.
    pub fn docker(&self) -> Docker {
        Docker::at(&self.host)
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
        assert!(self.disk.is_none(), "its disk is gone with it");
        self.daemon = spawn(classic(&self.folder, None), &self.folder);
        self.answers();
    }

    /// Gives its disk more room.
    pub fn grow(&self, megabytes: u32) {
        let pid = self.daemon.id().to_string();
        let size = format!("remount,size={megabytes}m");
        let mut command = Command::new("nsenter");
        command.args([
            "-t", &pid, "--mount", "--root", "--wd=/", "mount", "-o", &size,
        ]);
        command.args(&self.disk);
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

fn name_of(folder: &TempDir) -> String {
    let name = folder.path().file_name().expect("a name").to_string_lossy();
    format!("flinkpack-test{}", name.replace('.', "-"))
}

/// Debian's own, with the classic store.
fn classic(folder: &TempDir, room: Option<u32>) -> Command {
    let at = folder.path().display();
    let mount = match room {
        Some(room) => format!("mount -t tmpfs -o size={room}m tmpfs {at}/data && "),
        None => String::new(),
    };
    let name = name_of(folder);
    let script = format!(
        "{mount}exec dockerd --host unix://{at}/docker.sock --data-root {at}/data --exec-root {at}/run \
         --pidfile {at}/pid --config-file {at}/daemon.json --containerd-namespace {name} \
         --containerd-plugins-namespace {name}-plugins --storage-driver overlay2 --bridge none \
         --iptables=false --ip-forward=false"
    );
    let _ = std::fs::remove_file(folder.path().join("pid"));
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "slave", "sh", "-c", &script]);
    command
}

fn spawn(mut command: Command, folder: &TempDir) -> Child {
    let log = std::fs::File::create(folder.path().join("log")).expect("a file");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("it starts")
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
