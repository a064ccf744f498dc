//! Files with credentials: Docker's configuration, and the `auth.json` of podman,
//! skopeo and buildah (containers-auth.json(5)), which is much the same.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde::Deserialize;

use super::credential::Login;
use crate::error::{Context, Error, Result};
use crate::fetch::Secret;
use crate::image::reference::DOCKER_HUB;

/// The key under which Docker keeps Docker Hub's credentials.
pub const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Whose habits a file follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Docker's `config.json`.
    Docker,
    /// The `auth.json` of podman and its kin.
    Containers,
}

/// What the file says.
#[derive(Default, Deserialize)]
pub struct AuthFile {
    #[serde(default)]
    auths: BTreeMap<String, AuthEntry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
struct AuthEntry {
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

/// A login written into a file, and its key.
pub struct Inline<'a> {
    /// The login.
    pub login: Login,
    /// The key.
    pub key: &'a str,
    /// Whether the key names a part of the registry, which goes before what is
    /// known for the whole of it.
    pub is_narrow: bool,
}

impl AuthFile {
    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path, form: Form) -> Result<Option<AuthFile>> {
        match std::fs::read(path) {
            Ok(bytes) => AuthFile::parse(&bytes, &path.display().to_string(), form).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::from(error)
                    .doing(format!("reading credentials from {}", path.display())))
            }
        }
    }

    /// Reads the content of `named`.
    pub fn parse(bytes: &[u8], named: &str, form: Form) -> Result<AuthFile> {
        let kind = match form {
            Form::Docker => "a Docker configuration",
            Form::Containers => "an auth.json as podman writes it",
        };
        // serde_json's messages quote what they stumble over, which may be a
        // secret: only the place is told.
        serde_json::from_slice(bytes).map_err(|error| {
            Error::new(format!(
                "{named} is not {kind}: line {}, column {}",
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
            .find(|(key, _)| covers(key, host, "") == Some(0))
            .map(|(_, helper)| (helper.as_str(), "credHelpers"));
        exact
            .or_else(|| self.store.as_deref().map(|name| (name, "credsStore")))
            .filter(|(name, _)| !name.is_empty())
    }

    /// The login written into the file for a repository of `host`: of several
    /// keys the one that says most of the repository's name.
    pub fn inline(&self, host: &str, repository: &str, form: Form) -> Result<Option<Inline<'_>>> {
        let exact = server_key(host, form);
        let mut entries: Vec<_> = self
            .auths
            .iter()
            .filter_map(|(key, entry)| Some((covers(key, host, repository)?, key, entry)))
            .collect();
        entries.sort_by_key(|(length, key, _)| (std::cmp::Reverse(*length), **key != exact));
        for (length, key, entry) in entries {
            let login = entry
                .login()
                .doing(|| format!("reading the entry `{key}` of `auths`"))?;
            if let Some(login) = login {
                return Ok(Some(Inline {
                    login,
                    key,
                    is_narrow: length > 0,
                }));
            }
        }
        Ok(None)
    }
}

impl AuthEntry {
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

/// The key under which a host's credentials are kept, and helpers asked for them.
pub fn server_key(host: &str, form: Form) -> &str {
    match form {
        Form::Docker if host == DOCKER_HUB => HUB_KEY,
        _ => host,
    }
}

/// Whether a key, in any of the spellings that tools have written over the
/// years, means the repository or all of `host`; how much of the repository's
/// name it says.
pub fn covers(key: &str, host: &str, repository: &str) -> Option<usize> {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"));
    let has_scheme = bare.is_some();
    let (name, path) = match bare.unwrap_or(key).split_once('/') {
        Some((name, path)) => (name, path.trim_end_matches('/')),
        None => (bare.unwrap_or(key), ""),
    };
    let name = name.to_ascii_lowercase();
    let is_host = match host {
        DOCKER_HUB => {
            ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&name.as_str())
        }
        _ => name == host.to_ascii_lowercase(),
    };
    if !is_host {
        return None;
    }
    if ["", "v1", "v2"].contains(&path) {
        return Some(0);
    }
    let inside = repository
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (inside && !has_scheme).then_some(path.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(file: &'a AuthFile, host: &str) -> Option<Inline<'a>> {
        file.inline(host, "team/job", Form::Docker).unwrap()
    }

    fn user(found: Option<Inline<'_>>) -> Option<String> {
        found.map(|found| match found.login {
            Login::Password { user, .. } => user,
            other => panic!("{other:?}"),
        })
    }

    fn config(text: &str) -> AuthFile {
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
            let found = find(&config, "docker.io").unwrap();
            assert_eq!(found.key, key);
            assert_eq!(user(Some(found)).as_deref(), Some("u"));
        }
    }

    #[test]
    fn the_exact_key_wins_and_empty_entries_count_as_none() {
        let config = config(
            r#"{"auths":{"https://r.example":{"auth":"YTpi"},"r.example":{"auth":"dTpw"},"e.example":{}}}"#,
        );
        assert_eq!(user(find(&config, "r.example")).as_deref(), Some("u"));
        assert!(find(&config, "e.example").is_none());
        assert!(find(&config, "other.example").is_none());
    }

    #[test]
    fn the_key_that_says_most_of_the_repository_wins() {
        let config = config(
            r#"{"auths":{"r.example":{"auth":"aDpw"},"r.example/team":{"auth":"dDpw"},"r.example/team/job":{"auth":"ajpw"}}}"#,
        );
        for (repository, wanted) in [
            ("team/job", "j"),
            ("team/job/x", "j"),
            ("team/jobs", "t"),
            ("teams/job", "h"),
        ] {
            let found = config.inline("r.example", repository, Form::Containers);
            assert_eq!(
                user(found.unwrap()).as_deref(),
                Some(wanted),
                "{repository}"
            );
        }
        assert!(find(&config, "r.example.org").is_none());
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
        let error = match config.inline("r.example", "team/job", Form::Docker) {
            Err(error) => error.report(),
            Ok(_) => panic!("it was taken"),
        };
        assert!(
            error.contains("r.example") && !error.contains("c2VjcmV0"),
            "{error}"
        );
    }
}
