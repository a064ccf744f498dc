//! A daemon behind ssh, as docker's own client reaches it: `ssh HOST docker system
//! dial-stdio` brings the daemon's socket to this process's pipes. The user's ssh
//! and its configuration decide about keys, known hosts and jumps.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::task::{Context as Poll_, Poll};

use bollard::errors::Error as DockerError;
use bollard::{BollardRequest, ClientVersion, Docker};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, Join};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use url::Url;

use crate::error::{Error, Result};

/// Bytes of ssh's messages that are kept.
const MESSAGES: usize = 4096;

/// What ssh said, for the error where it did not get through.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<String>>);

impl Said {
    /// Its last line that says something.
    pub fn last(&self) -> Option<String> {
        let text = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        line.map(|line| line.trim().to_string())
    }

    async fn listen(self, mut from: ChildStderr) {
        let mut buffer = [0; 512];
        while let Ok(read) = from.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            let mut text = self.0.lock().unwrap_or_else(|error| error.into_inner());
            if text.len() < MESSAGES {
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        }
    }
}

/// Where ssh goes.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    user: Option<String>,
    port: Option<u16>,
    host: String,
    /// The daemon's socket there, if it is not docker's usual one.
    socket: Option<String>,
}

impl Target {
    /// Of `ssh://[USER@]HOST[:PORT][/SOCKET]`.
    fn of(address: &str) -> Result<Target> {
        let wrong = |why: &str| {
            Error::usage(format!("the address `{address}` {why}"))
                .hint("write ssh://USER@HOST, or ssh://USER@HOST:PORT")
        };
        let url = Url::parse(address).map_err(|error| wrong(&format!("is none: {error}")))?;
        let host = url.host_str().ok_or_else(|| wrong("names no host"))?;
        if url.password().is_some() {
            return Err(wrong("has a password, which ssh does not take"));
        }
        // What looks like an option would be one.
        if host.starts_with('-') || url.username().starts_with('-') {
            return Err(wrong("begins a name with `-`"));
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let socket = Some(url.path()).filter(|path| !matches!(*path, "" | "/"));
        Ok(Target {
            user: user.map(str::to_string),
            port: url.port(),
            host: host.trim_matches(['[', ']']).to_string(),
            socket: socket.map(str::to_string),
        })
    }

    fn arguments(&self) -> Vec<String> {
        // Nobody could answer a question: there may be several connections, and bars.
        let mut out: Vec<String> = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"]
            .map(str::to_string)
            .to_vec();
        if let Some(user) = &self.user {
            out.extend(["-l".to_string(), user.clone()]);
        }
        if let Some(port) = self.port {
            out.extend(["-p".to_string(), port.to_string()]);
        }
        out.extend(["--".to_string(), self.host.clone(), "docker".to_string()]);
        if let Some(socket) = &self.socket {
            out.extend(["--host".to_string(), format!("unix://{socket}")]);
        }
        out.extend(["system", "dial-stdio"].map(str::to_string));
        out
    }
}

/// A client whose connections are ssh's; one is used again while it lives.
pub fn connect(address: &str, patience: u64, version: &ClientVersion) -> Result<(Docker, Said)> {
    let said = Said::default();
    let connector = Connector {
        target: Target::of(address)?,
        said: said.clone(),
    };
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(DockerError::from) }
    };
    // The name says nothing: ssh knows where it goes.
    let docker =
        Docker::connect_with_custom_transport(transport, Some("http://docker"), patience, version)?;
    Ok((docker, said))
}

#[derive(Clone)]
struct Connector {
    target: Target,
    said: Said,
}

impl tower_service::Service<hyper::Uri> for Connector {
    type Response = Pipes;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Pipes>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poll_<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: hyper::Uri) -> Self::Future {
        let (arguments, said) = (self.target.arguments(), self.said.clone());
        Box::pin(async move {
            let mut command = Command::new("ssh");
            command
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true);
            let mut child = command.spawn().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => io::Error::new(error.kind(), "there is no ssh here"),
                _ => error,
            })?;
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
                return Err(io::ErrorKind::BrokenPipe.into());
            };
            tokio::spawn(said.listen(stderr));
            Ok(Pipes {
                pipes: TokioIo::new(tokio::io::join(stdout, stdin)),
                _child: child,
            })
        })
    }
}

/// One connection: a running ssh, which ends with it.
struct Pipes {
    pipes: TokioIo<Join<ChildStdout, ChildStdin>>,
    _child: Child,
}

impl Connection for Pipes {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Pipes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Poll_<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Pipes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Poll_<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipes).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Poll_<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Poll_<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_arguments() {
        let of = |address: &str| Target::of(address).unwrap().arguments()[5..].join(" ");
        assert_eq!(
            of("ssh://build.test"),
            "-- build.test docker system dial-stdio"
        );
        assert_eq!(
            of("ssh://me@build.test:2222/"),
            "-l me -p 2222 -- build.test docker system dial-stdio"
        );
        assert_eq!(
            of("ssh://build.test/run/user/1000/docker.sock"),
            "-- build.test docker --host unix:///run/user/1000/docker.sock system dial-stdio"
        );
        assert_eq!(
            of("ssh://me@[::1]"),
            "-l me -- ::1 docker system dial-stdio"
        );
        for wrong in [
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://-x@h",
            "ssh://a:b@h",
        ] {
            assert!(Target::of(wrong).is_err(), "{wrong}");
        }
    }
}
