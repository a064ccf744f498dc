//! Docker's credential helpers: `docker-credential-NAME get`.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::credential::Login;
use crate::error::{Error, Result};
use crate::fetch::Secret;

/// What a helper prints when it has nothing: part of its protocol.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Bytes of a helper's output that are read.
const OUTPUT: u64 = 1 << 20;

/// How helpers are run.
#[derive(Clone, Debug)]
pub struct Helpers {
    /// The search path; the process's own where `None`.
    pub path: Option<OsString>,
    /// Time that a helper has to answer.
    pub limit: Duration,
}

impl Default for Helpers {
    fn default() -> Helpers {
        Helpers {
            path: None,
            limit: Duration::from_secs(30),
        }
    }
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

impl Helpers {
    /// Asks the helper `name` for `key`; `None` where it has nothing for it.
    pub async fn get(&self, name: &str, key: &str) -> Result<Option<Login>> {
        let program = format!("docker-credential-{name}");
        if name.contains('/') {
            return Err(Error::new(format!(
                "`{name}` is not the name of a credential helper"
            )));
        }
        let run = self.run(&program, key);
        let (success, stdout, stderr) = match tokio::time::timeout(self.limit, run).await {
            Ok(output) => output?,
            Err(_) => {
                return Err(Error::new(format!(
                    "{program} did not answer within {} s",
                    self.limit.as_secs()
                ))
                .hint("it may be waiting for a password prompt that nobody sees"));
            }
        };
        if !success {
            let said = format!("{}\n{}", text(&stdout), text(&stderr));
            if said.contains(NOT_FOUND) {
                return Ok(None);
            }
            return Err(Error::new(format!(
                "{program} failed: {}",
                first_line(&said)
            )));
        }
        // Its output holds the secret, so the parser's message is not shown.
        let answer: HelperAnswer = serde_json::from_slice(&stdout).map_err(|_| {
            Error::new(format!(
                "{program} did not print the JSON that helpers print"
            ))
        })?;
        if answer.secret.is_empty() {
            return Ok(None);
        }
        Ok(Some(if answer.username == "<token>" {
            Login::IdentityToken(Secret::new(answer.secret))
        } else {
            Login::password(answer.username, answer.secret)
        }))
    }

    async fn run(&self, program: &str, key: &str) -> Result<(bool, Vec<u8>, Vec<u8>)> {
        let mut command = Command::new(program);
        command
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(format!("{program} was not found on the PATH")).hint(format!(
                    "install {program}, or take it out of the Docker configuration"
                ))
            }
            _ => Error::from(error).doing(format!("starting {program}")),
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A helper that does not read its input says why by its exit.
                let _ = stdin.write_all(key.as_bytes()).await;
            }
        };
        let (stdout, stderr, ()) = tokio::join!(read(stdout), read(stderr), feed);
        let status = child.wait().await?;
        Ok((status.success(), stdout, stderr))
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(OUTPUT).read_to_end(&mut bytes).await;
    }
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first line that says something, unless it may hold the secret.
fn first_line(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    match line {
        None => "it said nothing".to_string(),
        Some(line) if line.contains("Secret") => "its output is not shown".to_string(),
        Some(line) => line.chars().take(200).collect(),
    }
}
