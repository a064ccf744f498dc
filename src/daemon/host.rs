//! Which daemon: DOCKER_HOST, then the current context of the Docker config,
//! then the usual socket: the order of the docker client.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::image::Digest;

/// Where a daemon listens, and who said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// `unix:///var/run/docker.sock`, `tcp://host:2375`.
    pub address: String,
    /// For messages.
    pub said_by: String,
}

/// Finds the daemon's address.
pub fn find() -> Result<Host> {
    if let Some(address) = variable("DOCKER_HOST") {
        return Ok(Host {
            address,
            said_by: "DOCKER_HOST".to_string(),
        });
    }
    let folder = variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".docker")));
    let context = variable("DOCKER_CONTEXT").or_else(|| {
        let text = fs::read_to_string(folder.as_ref()?.join("config.json")).ok()?;
        let config: Value = serde_json::from_str(&text).ok()?;
        Some(config.get("currentContext")?.as_str()?.to_string())
    });
    match (context, folder) {
        (Some(name), Some(folder)) if !name.is_empty() && name != "default" => {
            of_context(&name, &folder)
        }
        _ => Ok(Host {
            address: "unix:///var/run/docker.sock".to_string(),
            said_by: "the default".to_string(),
        }),
    }
}

/// A context's metadata lies in a folder named by the SHA-256 of its name
/// (docker/cli, `cli/context/store`).
fn of_context(name: &str, folder: &Path) -> Result<Host> {
    let file = folder
        .join("contexts/meta")
        .join(Digest::of(name.as_bytes()).hex())
        .join("meta.json");
    let address = fs::read_to_string(&file)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .and_then(|meta| {
            Some(
                meta.get("Endpoints")?
                    .get("docker")?
                    .get("Host")?
                    .as_str()?
                    .to_string(),
            )
        });
    match address {
        Some(address) => Ok(Host {
            address,
            said_by: format!("the Docker context `{name}`"),
        }),
        None => Err(Error::new(format!(
            "the Docker context `{name}` has no readable endpoint in {}",
            file.display()
        ))
        .hint("`docker context ls` shows the contexts; DOCKER_HOST overrules them")),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
