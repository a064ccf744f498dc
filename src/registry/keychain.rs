//! Whose credentials go to which registry.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::auth_file::{AuthFile, Form, Inline, server_key};
use super::credential::{Credential, Login};
use super::env_credentials::EnvCredentials;
use super::helper::Helpers;
use crate::error::{Context, Error, Result};
use crate::fetch::Secret;

/// Finds credentials: in the environment, in podman's files, in Docker's.
#[derive(Clone, Debug)]
pub struct Keychain {
    environment: Option<EnvCredentials>,
    files: Vec<CredentialFile>,
    helpers: Helpers,
    /// What helpers said: each is asked once.
    answers: Arc<Mutex<Answers>>,
}

/// By helper and key.
type Answers = HashMap<(String, String), Option<Login>>;

/// Where Docker takes the content of a configuration from, in place of a file.
const CONTENT: &str = "DOCKER_AUTH_CONFIG";

/// A file that is looked into.
#[derive(Clone, Debug)]
struct CredentialFile {
    path: PathBuf,
    /// What is in it, where that is known.
    content: Option<Secret>,
    form: Form,
    /// The variable that names it: then it has to be there.
    named_by: Option<&'static str>,
}

/// What a file has for a repository.
enum Lookup {
    Credential(Credential),
    /// Nothing; why, in words.
    Nothing(String),
    /// There is no such file.
    NoFile,
}

impl Keychain {
    /// What the user has: the environment's; `REGISTRY_AUTH_FILE`; Docker's
    /// configuration (in `DOCKER_AUTH_CONFIG`, then in the folder
    /// `DOCKER_CONFIG`, else `~/.docker`); podman's `auth.json`
    /// in `XDG_RUNTIME_DIR` and in `~/.config`. The first that has something
    /// for a repository counts.
    pub fn of_user() -> Result<Keychain> {
        let variable = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let home = variable("HOME");
        let at = |path: Option<PathBuf>, form, named_by| {
            path.map(|path| CredentialFile {
                path,
                content: None,
                form,
                named_by,
            })
        };
        let docker = variable("DOCKER_CONFIG").or_else(|| Some(home.clone()?.join(".docker")));
        let config = variable("XDG_CONFIG_HOME").or_else(|| Some(home?.join(".config")));
        let podman = |folder: PathBuf| folder.join("containers/auth.json");
        let content = std::env::var(CONTENT).ok().filter(|text| !text.is_empty());
        let content = content.map(|text| CredentialFile {
            path: CONTENT.into(),
            content: Some(Secret::new(text)),
            form: Form::Docker,
            named_by: None,
        });
        let files = [
            at(
                variable("REGISTRY_AUTH_FILE"),
                Form::Containers,
                Some("REGISTRY_AUTH_FILE"),
            ),
            content,
            at(
                docker.map(|folder| folder.join("config.json")),
                Form::Docker,
                None,
            ),
            at(
                variable("XDG_RUNTIME_DIR").map(podman),
                Form::Containers,
                None,
            ),
            at(config.map(podman), Form::Containers, None),
        ];
        Ok(Keychain {
            environment: EnvCredentials::of(|name| std::env::var(name).ok())?,
            files: files.into_iter().flatten().collect(),
            ..Keychain::anonymous()
        })
    }

    /// This Docker configuration file.
    pub fn of_file(path: impl Into<PathBuf>) -> Keychain {
        Keychain::of_form(path.into(), Form::Docker)
    }

    /// This `auth.json` of podman.
    pub fn of_auth_json(path: impl Into<PathBuf>) -> Keychain {
        Keychain::of_form(path.into(), Form::Containers)
    }

    fn of_form(path: PathBuf, form: Form) -> Keychain {
        let place = CredentialFile {
            path,
            content: None,
            form,
            named_by: None,
        };
        Keychain {
            files: vec![place],
            ..Keychain::anonymous()
        }
    }

    /// No credentials at all.
    pub fn anonymous() -> Keychain {
        Keychain {
            environment: None,
            files: Vec::new(),
            helpers: Helpers::default(),
            answers: Arc::default(),
        }
    }

    /// Runs credential helpers in this way.
    pub fn with_helpers(self, helpers: Helpers) -> Keychain {
        Keychain { helpers, ..self }
    }

    /// The credentials for a repository of a registry's `host` (`docker.io` for
    /// Docker Hub).
    ///
    /// A helper that is missing or fails is an error: going on without
    /// credentials would end in a refusal that hides the reason.
    pub async fn find(&self, host: &str, repository: &str) -> Result<Credential> {
        let (mut tried, mut absent) = (Vec::new(), Vec::new());
        if let Some(environment) = &self.environment {
            if environment.are_for(host, repository) {
                return Ok(Credential {
                    login: environment.login.clone(),
                    source: environment.source(),
                });
            }
            tried.push(environment.not_for());
        }
        for file in &self.files {
            match self.look(file, host, repository).await? {
                Lookup::Credential(credential) => return Ok(credential),
                Lookup::Nothing(why) => tried.push(why),
                Lookup::NoFile => absent.push(file.path.display().to_string()),
            }
        }
        if !absent.is_empty() {
            tried.push(format!("there is no {}", absent.join(", no ")));
        }
        if tried.is_empty() {
            tried.push("no file with credentials is used".to_string());
        }
        Ok(Credential {
            login: Login::Anonymous,
            source: tried.join("; "),
        })
    }

    async fn look(
        &self,
        looked_at: &CredentialFile,
        host: &str,
        repository: &str,
    ) -> Result<Lookup> {
        let (path, form) = (&looked_at.path, looked_at.form);
        let file = path.display();
        let found = match &looked_at.content {
            Some(text) => Some(AuthFile::parse(text.expose().as_bytes(), CONTENT, form)?),
            None => AuthFile::read(path, form)?,
        };
        let Some(config) = found else {
            return match looked_at.named_by {
                None => Ok(Lookup::NoFile),
                Some(name) => Err(Error::new(format!("there is no {file}"))
                    .doing("looking for credentials")
                    .hint(format!("the environment variable {name} names this file"))),
            };
        };
        let inline = config
            .inline(host, repository, form)
            .doing(|| format!("reading credentials from {file}"))?;
        let of_file = |found: Inline<'_>| {
            Lookup::Credential(Credential {
                login: found.login,
                source: format!("`auths` in {file}, key `{}`", found.key),
            })
        };
        let whole = match inline {
            Some(found) if found.is_narrow => return Ok(of_file(found)),
            other => other,
        };
        let key = server_key(host, form);
        let mut asked = String::new();
        if let Some((name, setting)) = config.helper(host) {
            let words = format!(
                "credential helper docker-credential-{name} ({setting} in {file}), key `{key}`"
            );
            let login = self
                .ask(name, key)
                .await
                .doing(|| format!("asking the {words}"))?;
            if let Some(login) = login {
                return Ok(Lookup::Credential(Credential {
                    login,
                    source: words,
                }));
            }
            asked = format!("; the {words}, has none either");
        }
        Ok(match whole {
            Some(found) => of_file(found),
            None => Lookup::Nothing(format!(
                "`auths` in {file} has nothing for the key `{key}`{asked}"
            )),
        })
    }

    async fn ask(&self, helper: &str, key: &str) -> Result<Option<Login>> {
        let mut answers = self.answers.lock().await;
        let name = (helper.to_string(), key.to_string());
        if let Some(answer) = answers.get(&name) {
            return Ok(answer.clone());
        }
        let answer = self.helpers.get(helper, key).await?;
        answers.insert(name, answer.clone());
        Ok(answer)
    }
}
