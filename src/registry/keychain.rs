//! Whose credentials go to which registry.

use std::path::PathBuf;

use super::docker_config::{DockerConfig, server_key};
use super::helper::Helpers;
use super::secret::Secret;
use crate::error::{Context, Result};

/// How to log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// Nothing is known for the registry.
    Anonymous,
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token, to be exchanged for an access token (OAuth2).
    IdentityToken(Secret),
    /// A bearer token for the registry itself.
    RegistryToken(Secret),
}

impl Login {
    pub(super) fn password(user: String, password: String) -> Login {
        Login::Password {
            user,
            password: Secret::new(password),
        }
    }

    /// The secret in it.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Login::Anonymous => None,
            Login::Password { password, .. } => Some(password),
            Login::IdentityToken(token) | Login::RegistryToken(token) => Some(token),
        }
    }
}

/// A login, and where it was found or looked for.
#[derive(Clone, Debug)]
pub struct Credential {
    /// How to log in.
    pub login: Login,
    /// File, helper and key, in words: for `-v` and for errors.
    pub source: String,
}

/// Finds credentials in Docker's configuration file.
#[derive(Clone, Debug)]
pub struct Keychain {
    config: Option<PathBuf>,
    helpers: Helpers,
}

impl Keychain {
    /// What Docker itself would use: `DOCKER_CONFIG`, else `~/.docker`.
    pub fn of_docker() -> Keychain {
        Keychain {
            config: DockerConfig::default_path(),
            helpers: Helpers::default(),
        }
    }

    /// This configuration file.
    pub fn of_file(path: impl Into<PathBuf>) -> Keychain {
        Keychain {
            config: Some(path.into()),
            helpers: Helpers::default(),
        }
    }

    /// No credentials at all.
    pub fn anonymous() -> Keychain {
        Keychain {
            config: None,
            helpers: Helpers::default(),
        }
    }

    /// The same, running its credential helpers in this way.
    pub fn with_helpers(self, helpers: Helpers) -> Keychain {
        Keychain { helpers, ..self }
    }

    /// The credentials for a registry's `host` (`docker.io` for Docker Hub).
    ///
    /// A helper that is missing or fails is an error: going on without
    /// credentials would end in a refusal that hides the reason.
    pub async fn find(&self, host: &str) -> Result<Credential> {
        let anonymous = |source: String| Credential {
            login: Login::Anonymous,
            source,
        };
        let Some(path) = &self.config else {
            return Ok(anonymous(
                "no Docker configuration file is used".to_string(),
            ));
        };
        let file = path.display();
        let Some(config) = DockerConfig::read(path)? else {
            return Ok(anonymous(format!("there is no {file}")));
        };
        let key = server_key(host);
        let mut tried = String::new();
        if let Some((name, setting)) = config.helper(host) {
            let words = format!(
                "credential helper docker-credential-{name} ({setting} in {file}), key `{key}`"
            );
            let login = self
                .helpers
                .get(name, key)
                .await
                .doing(|| format!("asking the {words}"))?;
            if let Some(login) = login {
                return Ok(Credential {
                    login,
                    source: words,
                });
            }
            tried = format!("; the {words}, has none either");
        }
        let inline = config
            .inline(host)
            .doing(|| format!("reading credentials from {file}"))?;
        Ok(match inline {
            Some((login, key)) => Credential {
                login,
                source: format!("`auths` in {file}, key `{key}`"),
            },
            None => anonymous(format!(
                "`auths` in {file} has nothing for the key `{key}`{tried}"
            )),
        })
    }
}
