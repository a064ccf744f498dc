//! A Docker daemon of the test's own, to be killed and starved.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::docker::Docker;
use super::project::environment;

/// How a daemon keeps images, and whose programs it is of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Debian's own, with the classic store.
    Classic,
    /// The second daemon's, with containerd's store.
    Containerd,
}

/// A daemon with an empty store; it ends with the test.
pub struct Dockerd {
    daemon: Child,
    folder: TempDir,
    kind: Kind,
    /// Megabytes of the file system of its own that it stores to, if it has one.
    room: Option<u32>,
    host: String,
}

impl Dockerd {
    /// Starts it and waits until it answers.
    pub fn start() -> Dockerd {
        Dockerd::of(Kind::Classic, None)
    }

    /// One whose disk has room for so many megabytes.
    pub fn with_room(megabytes: u32) -> Dockerd {
        Dockerd::of(Kind::Classic, Some(megabytes))
    }

    /// One with containerd's image store.
    pub fn containerd() -> Dockerd {
        Dockerd::of(Kind::Containerd, None)
    }

    /// The same, with so much room.
    pub fn containerd_with_room(megabytes: u32) -> Dockerd {
        Dockerd::of(Kind::Containerd, Some(megabytes))
    }

    fn of(kind: Kind, room: Option<u32>) -> Dockerd {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        std::fs::write(folder.path().join("daemon.json"), "{}").expect("a file");
        let socket = match kind {
            Kind::Classic => format!("{}/docker.sock", folder.path().display()),
            Kind::Containerd => format!("{}{}.sock", second::run(), name_of(&folder)),
        };
        let dockerd = Dockerd {
            daemon: spawn(kind, &folder, room),
            host: format!("unix://{socket}"),
            folder,
            kind,
            room,
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
        match self.kind {
            Kind::Classic => {
                std::fs::remove_dir_all(self.folder.path().join("run")).expect("it goes")
            }
            Kind::Containerd => second::shell(&format!(
                "kill -KILL $(cat {0}/run/containerd/containerd.pid); rm -rf {0}/run {0}/pid",
                disk_of(&self.folder)
            )),
        }
    }

    /// Starts it again, on what it had stored.
    pub fn restart(&mut self) {
        assert!(self.room.is_none(), "its disk is gone with it");
        self.daemon = spawn(self.kind, &self.folder, None);
        self.answers();
    }

    /// Gives its disk more room.
    pub fn grow(&self, megabytes: u32) {
        let disk = match self.kind {
            Kind::Classic => self.folder.path().join("data").display().to_string(),
            Kind::Containerd => disk_of(&self.folder),
        };
        self.inside(&["mount", "-o", &format!("remount,size={megabytes}m"), &disk]);
    }

    /// Takes a blob out of containerd's store, as some prunings do (moby#53615): what
    /// was unpacked from it stays.
    pub fn lose_blob(&self, digest: &str) {
        let socket = format!("{}/run/containerd/containerd.sock", disk_of(&self.folder));
        self.inside(&["ctr", "-a", &socket, "-n", "moby", "content", "rm", digest]);
    }

    /// Runs a command where the daemon runs.
    fn inside(&self, command: &[&str]) {
        let pid = self.daemon.id().to_string();
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["-t", &pid, "--mount", "--root", "--wd=/"]);
        nsenter.args(command);
        assert!(nsenter.status().expect("nsenter runs").success());
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

/// What the second daemon's programs store to, as they see it.
fn disk_of(folder: &TempDir) -> String {
    format!("/tmp/{}", name_of(folder))
}

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

fn containerd(folder: &TempDir, room: Option<u32>) -> Command {
    let (name, disk) = (name_of(folder), disk_of(folder));
    let mount = match room {
        Some(room) => format!("mount -t tmpfs -o size={room}m tmpfs {disk} && "),
        None => String::new(),
    };
    let script = format!(
        "mkdir -p {disk} && {mount}exec dockerd \
         --host unix:///run/host/{name}.sock --data-root {disk}/data --exec-root {disk}/run \
         --pidfile {disk}/pid --config-file /etc/docker/daemon.json --bridge none \
         --iptables=false --ip6tables=false --ip-forward=false"
    );
    let mut command = second::command();
    command.args(["unshare", "--mount", "--propagation", "private"]);
    command.args(["/bin/sh", "-c", &script]);
    command
}

/// Where the second daemon of the environment is.
mod second {
    use super::{Command, environment};

    /// The folder of its socket.
    pub fn run() -> String {
        let environment = environment("FLINKPACK_TEST_DOCKER28_HOST");
        let run = environment.trim_start_matches("unix://");
        run.trim_end_matches("docker.sock").to_string()
    }

    /// A command in its root file system.
    pub fn command() -> Command {
        let record = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/target/env/docker28/dockerd.record"
        );
        let record = std::fs::read_to_string(record).expect("the second daemon runs");
        let pid = record.split(' ').next().expect("its process");
        let mut command = Command::new("nsenter");
        command.args(["-t", pid, "--mount", "--root", "--wd=/"]);
        command
    }

    pub fn shell(script: &str) {
        let status = command().args(["/bin/sh", "-c", script]).status();
        assert!(status.expect("nsenter runs").success());
    }
}

fn spawn(kind: Kind, folder: &TempDir, room: Option<u32>) -> Child {
    let mut command = match kind {
        Kind::Classic => classic(folder, room),
        Kind::Containerd => containerd(folder, room),
    };
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
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if self.kind == Kind::Containerd {
            let script = format!("rm -rf {}", disk_of(&self.folder));
            let _ = second::command().args(["/bin/sh", "-c", &script]).status();
        }
    }
}
