//! Servers that are programs of their own: on loopback, on a port of their own,
//! ended by their own process when the test ends.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running program, with a folder of its own.
pub struct Process {
    child: Child,
    folder: TempDir,
    pub port: u16,
}

impl Process {
    /// Starts what `command` makes of a folder and a port, and waits until it
    /// listens there.
    pub fn start(command: impl FnOnce(&Path, u16) -> Command) -> Process {
        let folder = tempfile::Builder::new()
            .prefix("flinkpack-test-")
            .tempdir()
            .expect("a temporary folder");
        let port = free_port();
        let mut command = command(folder.path(), port);
        let name = command.get_program().to_string_lossy().into_owned();
        let log = std::fs::File::create(folder.path().join("output")).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; `make up` installs it"));
        let mut process = Process {
            child,
            folder,
            port,
        };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.child.try_wait().expect("a state").is_some();
            assert!(
                !ended && begin.elapsed() < Duration::from_secs(20),
                "{name} does not listen: {}",
                process.read("output")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of its folder, such as its log.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on which nothing listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The program of this name, also where only root looks.
pub fn program(name: &str) -> Command {
    let sbin = Path::new("/usr/sbin").join(name);
    match sbin.exists() {
        true => Command::new(sbin),
        false => Command::new(name),
    }
}
