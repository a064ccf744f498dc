//! A Docker daemon in this process that takes images the wrong way. It knows
//! just what a load needs: version, image store, inspect, load.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What becomes of a load.
#[derive(Clone, Debug)]
pub enum OnLoad {
    /// The connection ends after so many bytes.
    DieAfter(usize),
    /// This line is answered with status 200, and nothing kept.
    Answer(&'static str),
}

/// The daemon; it ends with the test's process.
pub struct FakeDaemon {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeDaemon {
    /// Listens in this folder.
    pub fn start(folder: &Path, on_load: OnLoad) -> FakeDaemon {
        std::fs::create_dir_all(folder).expect("a folder");
        let path = folder.join("docker.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, on_load) = (log.clone(), on_load.clone());
                std::thread::spawn(move || serve(stream, &log, &on_load));
            }
        });
        FakeDaemon {
            address: format!("unix://{}", path.display()),
            asked,
        }
    }

    /// For DOCKER_HOST.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `METHOD path` of all requests.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: UnixStream, log: &Mutex<Vec<String>>, on_load: &OnLoad) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
        }
        let mut words = first.split(' ');
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        log.lock().unwrap().push(format!("{method} {path}"));
        let (status, body) = match (method, path) {
            (_, path) if path.ends_with("/_ping") => (200, "OK"),
            (_, path) if path.ends_with("/version") => (
                200,
                r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64"}"#,
            ),
            (_, path) if path.ends_with("/info") => (
                200,
                r#"{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}"#,
            ),
            ("POST", path) if path.contains("/images/load") => match on_load {
                OnLoad::DieAfter(bytes) => {
                    let mut taken = vec![0; *bytes];
                    let _ = reader.read_exact(&mut taken);
                    return;
                }
                OnLoad::Answer(line) => {
                    if drain(&mut reader).is_err() {
                        return;
                    }
                    (200, *line)
                }
            },
            _ => (404, r#"{"message":"No such image"}"#),
        };
        let answer = format!(
            "HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a body in chunks to its end.
fn drain(reader: &mut BufReader<UnixStream>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(());
        }
    }
}
