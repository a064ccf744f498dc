//! A Flink cluster from an image, on loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::docker::{Container, Docker, wait};

/// How long a JobManager may take until its TaskManager has registered.
const START: u64 = 120;

/// A cluster takes some 3 GB: so many at once.
static FREE: (Mutex<usize>, Condvar) = (Mutex::new(2), Condvar::new());

/// The right to run a cluster.
pub struct Turn;

impl Turn {
    /// Waits for one.
    pub fn take() -> Turn {
        let (free, changed) = &FREE;
        let mut free = free.lock().unwrap_or_else(|error| error.into_inner());
        while *free == 0 {
            free = changed
                .wait(free)
                .unwrap_or_else(|error| error.into_inner());
        }
        *free -= 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(|error| error.into_inner()) += 1;
        FREE.1.notify_one();
    }
}

/// A session cluster: a JobManager and a TaskManager.
pub struct Cluster {
    /// The first.
    pub jobmanager: Container,
    /// The second.
    pub taskmanager: Container,
    rest: u16,
    _turn: Turn,
}

impl Cluster {
    /// Starts both from the image and waits until they have found each other.
    pub fn start(docker: &Docker, image: &str) -> Cluster {
        let turn = Turn::take();
        let (rpc, rest) = (free_port(), free_port());
        let properties = format!(
            "FLINK_PROPERTIES=jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: 127.0.0.1
taskmanager.host: localhost
taskmanager.bind-host: 127.0.0.1
rest.address: localhost
rest.bind-address: 127.0.0.1
rest.port: {rest}
blob.server.port: 0
query.server.port: 0"
        );
        let start =
            |command| docker.start(&["--network", "host", "-e", &properties, image, command]);
        let cluster = Cluster {
            jobmanager: start("jobmanager"),
            taskmanager: start("taskmanager"),
            rest,
            _turn: turn,
        };
        wait("a TaskManager that registers", START, || {
            for container in [&cluster.jobmanager, &cluster.taskmanager] {
                assert_eq!(container.ended(), None, "{image} ended");
            }
            let (status, body) = http("GET", rest, "/overview", "").ok()?;
            let overview: serde_json::Value = serde_json::from_str(&body).ok()?;
            let slots = overview["slots-total"].as_u64()?;
            (status == 200 && slots > 0).then_some(())
        });
        cluster
    }

    /// What the REST interface answers.
    pub fn rest(&self, path: &str) -> serde_json::Value {
        let (status, body) = http("GET", self.rest, path, "").expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// One value of the JobManager's configuration.
    pub fn config(&self, key: &str) -> Option<String> {
        let all = self.rest("/jobmanager/config");
        let all = all.as_array().expect("a list");
        let found = all.iter().find(|one| one["key"] == key)?;
        Some(found["value"].as_str()?.to_string())
    }

    /// Runs a script by the SQL client that is in the image; what it printed.
    pub fn sql(&self, script: &str) -> String {
        let run = self.jobmanager.shell(
            "cat >/tmp/script.sql && exec bin/sql-client.sh -f /tmp/script.sql",
            script,
        );
        run.stdout + &run.stderr
    }
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The S3 server lets anybody in whose request looks signed.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=any/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any";

/// One request to a loopback port: status and body.
pub fn http(method: &str, port: u16, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {SIGNED}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok((status.unwrap_or(0), body.to_string()))
}
