//! A web server on loopback, as a Maven repository with faults.
//!
//! It answers one request a connection, from a table of paths. A path may have
//! several replies: each request takes the next one, and the last stays.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use sha1::{Digest as _, Sha1};
use url::Url;

/// One answer.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<usize>,
    sent: Option<usize>,
    reset: bool,
    delay: Duration,
    stall: bool,
    needs: Option<(String, String)>,
    ranges: bool,
}

impl Reply {
    pub fn status(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            announced: None,
            sent: None,
            reset: false,
            delay: Duration::ZERO,
            stall: false,
            needs: None,
            ranges: false,
        }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            body: body.into(),
            ..Reply::status(200)
        }
    }

    pub fn redirect(to: impl Into<String>) -> Reply {
        Reply::status(302).header("Location", to)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Announces another length than the body has.
    pub fn announcing(mut self, length: usize) -> Reply {
        self.announced = Some(length);
        self
    }

    /// Ends the connection after so many bytes of the body.
    pub fn cut_at(mut self, length: usize) -> Reply {
        self.sent = Some(length);
        self
    }

    /// Resets the connection instead of an answer.
    pub fn reset() -> Reply {
        Reply {
            reset: true,
            ..Reply::status(200)
        }
    }

    pub fn after(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }

    /// Sends what [`Reply::cut_at`] says and then nothing, for some seconds.
    pub fn stalling(mut self) -> Reply {
        self.stall = true;
        self
    }

    /// Answers requests for a part, under this entity tag.
    pub fn with_ranges(mut self, etag: &str) -> Reply {
        self.ranges = true;
        self.header("ETag", etag)
    }

    /// 401 without this header.
    pub fn needing(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.needs = Some((name.to_lowercase(), value.into()));
        self
    }

    /// 401 without this user and password.
    pub fn needing_basic(self, user: &str, password: &str) -> Reply {
        let word = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.needing("Authorization", format!("Basic {word}"))
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HashMap<String, String>,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, VecDeque<Reply>>,
    asked: Vec<Asked>,
}

/// The server; it ends with the test's process.
#[derive(Clone)]
pub struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let state = server.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        server
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    /// The same under another name, which is another host for credentials.
    pub fn url_as_localhost(&self, path: &str) -> Url {
        Url::parse(&format!("http://localhost:{}{path}", self.port)).unwrap()
    }

    pub fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) -> &Server {
        let replies = replies.into_iter().collect();
        self.state
            .lock()
            .unwrap()
            .replies
            .insert(path.to_owned(), replies);
        self
    }

    /// A file with its `.sha1`.
    pub fn file(&self, path: &str, body: &[u8]) -> &Server {
        self.on(path, [Reply::ok(body)]);
        self.on(
            &format!("{path}.sha1"),
            [Reply::ok(hex::encode(Sha1::digest(body)))],
        )
    }

    /// A JAR below `/m2/` with its POM, which needs what `dependencies` is: a text
    /// of `<dependency>` elements.
    pub fn release(&self, coordinate: &str, jar: &[u8], dependencies: &str) -> &Server {
        let parts: Vec<&str> = coordinate.split(':').collect();
        let [group, artifact, version] = parts[..] else {
            panic!("{coordinate} is not group:artifact:version");
        };
        let folder = group.replace('.', "/");
        let path = format!("/m2/{folder}/{artifact}/{version}/{artifact}-{version}");
        let pom = format!(
            "<project><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version><dependencies>{dependencies}</dependencies></project>"
        );
        self.file(&format!("{path}.jar"), jar);
        self.file(&format!("{path}.pom"), pom.as_bytes())
    }

    /// The metadata of an artifact with these versions.
    pub fn versions(&self, folder: &str, versions: &[&str]) -> &Server {
        let list: String = versions
            .iter()
            .map(|v| format!("<version>{v}</version>"))
            .collect();
        let text =
            format!("<metadata><versioning><versions>{list}</versions></versioning></metadata>");
        self.on(&format!("{folder}/maven-metadata.xml"), [Reply::ok(text)])
    }

    /// What was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.state.lock().unwrap().asked.clear();
    }

    pub fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let reset = {
        let state = state.lock().unwrap();
        let replies = state.replies.get(&path);
        replies
            .and_then(|replies| replies.front())
            .is_some_and(|reply| reply.reset)
    };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let reply = {
        let mut state = state.lock().unwrap();
        state.asked.push(Asked {
            path: path.clone(),
            headers: headers.clone(),
        });
        match state.replies.get_mut(&path) {
            None => Reply::status(404),
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
            Some(replies) => replies
                .front()
                .cloned()
                .unwrap_or_else(|| Reply::status(404)),
        }
    };
    if !reset {
        let _ = answer(reader.into_inner(), &reply, &headers);
    }
}

fn answer(
    mut stream: TcpStream,
    reply: &Reply,
    asked: &HashMap<String, String>,
) -> std::io::Result<()> {
    std::thread::sleep(reply.delay);
    if let Some((name, value)) = &reply.needs
        && asked.get(name) != Some(value)
    {
        return stream
            .write_all(b"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
    let etag = reply
        .headers
        .iter()
        .find(|(name, _)| name == "ETag")
        .map(|(_, value)| value);
    let start = asked
        .get("range")
        .filter(|_| reply.ranges && asked.get("if-range") == etag)
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<usize>()
                .ok()
        });
    let (status, part) = match start {
        Some(start) => (206, &reply.body[start.min(reply.body.len())..]),
        None => (reply.status, &reply.body[..]),
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    if let Some(start) = start {
        let total = reply.body.len();
        head += &format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
    }
    head += &format!(
        "Content-Length: {}\r\n",
        reply.announced.unwrap_or(part.len())
    );
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let sent = reply.sent.unwrap_or(part.len()).min(part.len());
    stream.write_all(&part[..sent])?;
    stream.flush()?;
    if reply.stall {
        std::thread::sleep(Duration::from_secs(5));
    }
    Ok(())
}
