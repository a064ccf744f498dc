//! Docker's configuration file, as far as it is about credentials.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::Deserialize;

use super::keychain::Login;
use super::secret::Secret;
use crate::error::{Context, Error, Result};
use crate::image::reference::DOCKER_HUB;

/// The key under which Docker keeps Docker Hub's credentials.
pub const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What the file says.
#[derive(Default, Deserialize)]
pub struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
    #[serde(default)]
    registrytoken: Option<String>,
}

impl DockerConfig {
    /// `DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    pub fn default_path() -> Option<PathBuf> {
        let folder = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        folder("DOCKER_CONFIG")
            .or_else(|| folder("HOME").map(|home| home.join(".docker")))
            .map(|folder| folder.join("config.json"))
    }

    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<DockerConfig>> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::from(error)
                    .doing(format!("reading credentials from {}", path.display())));
            }
        };
        // serde_json's messages quote what they stumble over, which may be a
        // secret: only the place is told.
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Error::new(format!(
                "{} is not a Docker configuration: line {}, column {}",
                path.display(),
                error.line(),
                error.column()
            ))
        })
    }

    /// The credential helper for `host`, and the setting that names it.
    pub fn helper(&self, host: &str) -> Option<(&str, &'static str)> {
        let exact = self
            .helpers
            .iter()
            .find(|(key, _)| names_host(key, host))
            .map(|(_, helper)| (helper.as_str(), "credHelpers"));
        exact
            .or_else(|| self.store.as_deref().map(|name| (name, "credsStore")))
            .filter(|(name, _)| !name.is_empty())
    }

    /// The login written into the file for `host`, and its key.
    pub fn inline(&self, host: &str) -> Result<Option<(Login, &str)>> {
        let exact = server_key(host);
        let mut entries: Vec<_> = self
            .auths
            .iter()
            .filter(|(key, _)| names_host(key, host))
            .collect();
        entries.sort_by_key(|(key, _)| **key != exact);
        for (key, entry) in entries {
            let login = entry
                .login()
                .doing(|| format!("reading the entry `{key}` of `auths`"))?;
            if let Some(login) = login {
                return Ok(Some((login, key)));
            }
        }
        Ok(None)
    }
}

impl Entry {
    fn login(&self) -> Result<Option<Login>> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Login::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Login::IdentityToken(Secret::new(token))));
        }
        if let Some(auth) = given(&self.auth) {
            let (user, password) = decode(&auth)?;
            return Ok(Some(Login::password(user, password)));
        }
        match (given(&self.username), given(&self.password)) {
            (Some(user), Some(password)) => Ok(Some(Login::password(user, password))),
            _ => Ok(None),
        }
    }
}

fn decode(auth: &str) -> Result<(String, String)> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    let bad = || Error::new("`auth` is not the base64 of `user:password`");
    let bytes = STANDARD
        .decode(auth.trim())
        .or_else(|_| STANDARD_NO_PAD.decode(auth.trim()))
        .map_err(|_| bad())?;
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    let (user, password) = text.split_once(':').ok_or_else(bad)?;
    // Docker itself once wrote trailing NULs.
    Ok((
        user.to_string(),
        password.trim_end_matches('\0').to_string(),
    ))
}

/// The key under which Docker keeps, and asks helpers for, a host's credentials.
pub fn server_key(host: &str) -> &str {
    if host == DOCKER_HUB { HUB_KEY } else { host }
}

/// Whether a key of the file, in any of the spellings that tools have written
/// over the years, means `host`.
fn names_host(key: &str, host: &str) -> bool {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let (name, path) = bare.split_once('/').unwrap_or((bare, ""));
    if !["", "v1", "v1/", "v2", "v2/"].contains(&path) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    if host == DOCKER_HUB {
        return ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&name.as_str());
    }
    name == host.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> DockerConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_spelling_of_docker_hub_is_found() {
        for key in [
            HUB_KEY,
            "https://index.docker.io/v1",
            "index.docker.io",
            "docker.io",
            "https://docker.io",
            "registry-1.docker.io",
            "https://registry-1.docker.io/v2/",
        ] {
            let config = config(&format!(r#"{{"auths":{{"{key}":{{"auth":"dTpw"}}}}}}"#));
            let (login, found) = config.inline("docker.io").unwrap().unwrap();
            assert_eq!(found, key);
            assert!(matches!(login, Login::Password { user, .. } if user == "u"));
        }
    }

    #[test]
    fn the_exact_key_wins_and_empty_entries_count_as_none() {
        let config = config(
            r#"{"auths":{"https://r.example":{"auth":"YTpi"},"r.example":{"auth":"dTpw"},"e.example":{}}}"#,
        );
        let (login, _) = config.inline("r.example").unwrap().unwrap();
        assert!(matches!(login, Login::Password { user, .. } if user == "u"));
        assert!(config.inline("e.example").unwrap().is_none());
        assert!(config.inline("other.example").unwrap().is_none());
    }

    #[test]
    fn a_helper_of_the_host_goes_before_the_store() {
        let config = config(
            r#"{"credsStore":"pass","credHelpers":{"r.example":"ecr-login","docker.io":"hub"}}"#,
        );
        assert_eq!(
            config.helper("r.example"),
            Some(("ecr-login", "credHelpers"))
        );
        assert_eq!(config.helper("docker.io"), Some(("hub", "credHelpers")));
        assert_eq!(config.helper("x.example"), Some(("pass", "credsStore")));
    }

    #[test]
    fn an_auth_that_is_no_pair_is_an_error_without_its_content() {
        let config = config(r#"{"auths":{"r.example":{"auth":"c2VjcmV0"}}}"#);
        let error = match config.inline("r.example") {
            Err(error) => error.report(),
            Ok(_) => panic!("it was taken"),
        };
        assert!(
            error.contains("r.example") && !error.contains("c2VjcmV0"),
            "{error}"
        );
    }
}
