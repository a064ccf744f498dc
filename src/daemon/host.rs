//! Which daemon: DOCKER_HOST, then DOCKER_CONTEXT, then the current context of the
//! Docker config, then the usual socket: the order of docker's client.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tls::Certificates;
use crate::error::{Error, Result};
use crate::image::Digest;

/// Where a daemon listens, and who said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// `unix:///var/run/docker.sock`, `tcp://host:2376`, `ssh://me@host`.
    pub address: String,
    /// For messages.
    pub said_by: String,
    /// For a daemon behind TLS.
    pub certificates: Option<Certificates>,
}

/// Finds the daemon's address.
pub fn find() -> Result<Host> {
    let folder = variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".docker")));
    if let Some(address) = variable("DOCKER_HOST") {
        return Ok(Host {
            certificates: of_environment(&address, folder.as_deref())?,
            address,
            said_by: "DOCKER_HOST".to_string(),
        });
    }
    let (context, said_by) = match variable("DOCKER_CONTEXT") {
        Some(name) => (Some(name), "DOCKER_CONTEXT"),
        None => (folder.as_deref().and_then(current_context), "config.json"),
    };
    match (context, folder) {
        (Some(name), Some(folder)) if name != "default" => of_context(&name, said_by, &folder),
        _ => Ok(Host {
            address: "unix:///var/run/docker.sock".to_string(),
            said_by: "the default".to_string(),
            certificates: None,
        }),
    }
}

/// The certificates that DOCKER_TLS_VERIFY asks for: those in DOCKER_CERT_PATH, else
/// beside the Docker config.
fn of_environment(address: &str, folder: Option<&Path>) -> Result<Option<Certificates>> {
    if !address.starts_with("tcp://") {
        return Ok(None);
    }
    if variable("DOCKER_TLS_VERIFY").is_none() {
        return match variable("DOCKER_TLS") {
            None => Ok(None),
            Some(_) => Err(Error::new(
                "DOCKER_TLS asks for TLS without looking at the daemon's certificate",
            )
            .doing(format!("connecting to the Docker daemon at {address}"))
            .hint(
                "set DOCKER_TLS_VERIFY=1 and, with ca.pem, cert.pem and key.pem, DOCKER_CERT_PATH",
            )),
        };
    }
    let path = variable("DOCKER_CERT_PATH").map(PathBuf::from);
    let Some(folder) = path.as_deref().or(folder) else {
        return Err(
            Error::new("DOCKER_TLS_VERIFY is set, and no folder has certificates")
                .hint("DOCKER_CERT_PATH names one with ca.pem, cert.pem and key.pem"),
        );
    };
    Certificates::of(folder).map(Some)
}

fn current_context(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("config.json")).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    let name = config.get("currentContext")?.as_str()?;
    Some(name.to_string()).filter(|name| !name.is_empty())
}

/// A context's metadata and certificates lie in folders named by the SHA-256 of
/// its name (docker/cli, `cli/context/store`).
fn of_context(name: &str, said_by: &str, folder: &Path) -> Result<Host> {
    let contexts = folder.join("contexts");
    let id = Digest::of(name.as_bytes()).hex();
    let file = contexts.join("meta").join(&id).join("meta.json");
    let endpoint = fs::read_to_string(&file)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .and_then(|mut meta| Some(meta.get_mut("Endpoints")?.get_mut("docker")?.take()));
    let address = endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.get("Host")?.as_str());
    let (Some(endpoint), Some(address)) = (&endpoint, address) else {
        return Err(Error::new(format!(
            "the Docker context `{name}` (from {said_by}) has no readable endpoint in {}",
            file.display()
        ))
        .hint("`docker context ls` shows the contexts; DOCKER_HOST overrules them"));
    };
    let tls = contexts.join("tls").join(&id).join("docker");
    let skips = endpoint.get("SkipTLSVerify") == Some(&Value::Bool(true));
    let certificates = match address.starts_with("tcp://") {
        true if skips => Some(Certificates::unverified(&tls)),
        true if tls.is_dir() => Some(Certificates::of(&tls)?),
        _ => None,
    };
    Ok(Host {
        address: address.to_string(),
        said_by: format!("the Docker context `{name}`"),
        certificates,
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
