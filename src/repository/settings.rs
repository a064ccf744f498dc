//! Maven's settings.xml: the user's, and that of the installed Maven.
//!
//! As in Maven, the user's file wins where both have an element of one id.
//! Passwords are decrypted, and their variables filled in, only when their
//! server is asked for.

use std::path::{Path, PathBuf};

use roxmltree::Node;

use super::decrypt::password;
use super::environment::Environment;
use super::mirror::Mirror;
use super::proxies::{self, Written};
use super::settings_file::{Reader, filled, read_bounded};
use super::{activation, xml};
use crate::error::{Context, Error, Result};
use crate::fetch::{Access, Proxies, Secret};
use crate::maven::pom::{self, Activation};

/// What the settings say about repositories.
#[derive(Clone, Default)]
pub struct Settings {
    /// Mirrors, the user's first.
    pub mirrors: Vec<Mirror>,
    /// Credentials by id, the user's first.
    pub servers: Vec<Server>,
    /// Repositories of the active profiles, in order.
    pub repositories: Vec<SettingsRepository>,
    /// The local repository, where it is not the usual one.
    pub local_repository: Option<PathBuf>,
    /// Whether Maven is told to work offline.
    pub offline: bool,
    /// Proxies, the user's first.
    pub(super) proxies: Vec<Written>,
    pub(super) environment: Environment,
}

/// A repository of an active profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsRepository {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Whether it is asked for releases.
    pub releases: bool,
    /// Whether it is asked for snapshots.
    pub snapshots: bool,
}

/// A `<server>`: credentials, as written.
#[derive(Clone)]
pub struct Server {
    /// The id of the repository or mirror that it is for.
    pub id: String,
    /// `file, line N`, for errors.
    at: String,
    user: Option<String>,
    password: Option<Secret>,
    headers: Vec<(String, Secret)>,
}

/// One file's content.
#[derive(Default)]
struct File {
    mirrors: Vec<Mirror>,
    servers: Vec<Server>,
    proxies: Vec<Written>,
    profiles: Vec<Profile>,
    active: Vec<String>,
    local_repository: Option<PathBuf>,
    offline: bool,
}

struct Profile {
    id: String,
    activation: Activation,
    repositories: Vec<SettingsRepository>,
}

impl Settings {
    /// Reads both files; one that does not exist says nothing, unless
    /// MAVEN_ARGS names it.
    pub fn read(environment: &Environment) -> Result<Settings> {
        let named = |short, long| -> Result<Option<PathBuf>> {
            let last = environment.arguments(short, long).pop().map(PathBuf::from);
            match last {
                Some(path) if !path.exists() => Err(Error::new(format!(
                    "there is no {}, which MAVEN_ARGS names after {short}",
                    path.display()
                ))),
                last => Ok(last),
            }
        };
        let user = named("-s", "--settings")?
            .or_else(|| Some(environment.home()?.join(".m2/settings.xml")));
        let global = named("-gs", "--global-settings")?
            .or_else(|| Some(environment.maven_home()?.join("conf/settings.xml")));
        Settings::read_files(user.as_deref(), global.as_deref(), environment)
    }

    /// Reads these two files.
    pub fn read_files(
        user: Option<&Path>,
        global: Option<&Path>,
        environment: &Environment,
    ) -> Result<Settings> {
        let user = File::read(user, environment)?;
        let global = File::read(global, environment)?;
        let mut active = user.active;
        active.extend(global.active);
        let mut settings = Settings {
            mirrors: merge(user.mirrors, global.mirrors, |mirror| &mirror.id),
            servers: merge(user.servers, global.servers, |server| &server.id),
            proxies: merge(user.proxies, global.proxies, |proxy| &proxy.id),
            repositories: Vec::new(),
            local_repository: user.local_repository.or(global.local_repository),
            offline: user.offline,
            environment: environment.clone(),
        };
        let (on, off) = environment.profiles();
        active.extend(on.into_iter().map(str::to_owned));
        let profiles = merge(user.profiles, global.profiles, |profile| &profile.id);
        // As in Maven: of settings (not of POMs) those that are active by default
        // count beside others, and later profiles go before earlier ones.
        for profile in profiles.into_iter().rev() {
            let counts = active.contains(&profile.id)
                || profile.activation.by_default
                || activation::holds(&profile.activation, environment);
            if !counts || off.contains(&profile.id.as_str()) {
                continue;
            }
            for repository in profile.repositories {
                let known = |known: &SettingsRepository| known.id == repository.id;
                if !settings.repositories.iter().any(known) {
                    settings.repositories.push(repository);
                }
            }
        }
        Ok(settings)
    }

    /// The local repository: `-Dmaven.repo.local`, the settings', else
    /// `.m2/repository` of the home folder.
    pub fn local_repository(&self) -> Option<PathBuf> {
        self.environment
            .option("maven.repo.local")
            .map(PathBuf::from)
            .or_else(|| self.local_repository.clone())
            .or_else(|| Some(self.environment.home()?.join(".m2/repository")))
    }

    /// The credentials of the server with this id, if there is one.
    pub fn access(&self, id: &str) -> Result<Option<Access>> {
        let Some(server) = self.servers.iter().find(|server| server.id == id) else {
            return Ok(None);
        };
        let access = server
            .access(&self.environment)
            .doing(|| format!("reading the <server> `{id}` of {}", server.at))?;
        Ok(Some(access).filter(|access| !access.is_empty()))
    }
}

impl Server {
    fn access(&self, environment: &Environment) -> Result<Access> {
        let mut access = match &self.user {
            None => Access::default(),
            Some(user) => {
                let user = filled(user, "user name", environment)?;
                let password = match &self.password {
                    None => Secret::new(""),
                    Some(written) => password(written, environment)?,
                };
                Access::basic(user, password)
            }
        };
        for (name, value) in &self.headers {
            let value = Secret::new(filled(value.expose(), "header", environment)?);
            access = access.header(name, &value)?;
        }
        Ok(access)
    }
}

impl Settings {
    /// The proxies for repositories: the active ones of the files; where there
    /// is none, those that MAVEN_OPTS gives to Java. Where there are none
    /// either, the environment's count, which Maven itself does not look at.
    pub fn proxies(&self) -> Result<Proxies> {
        proxies::active(&self.proxies, &self.environment)
    }
}

impl File {
    fn read(path: Option<&Path>, environment: &Environment) -> Result<File> {
        let Some(path) = path else {
            return Ok(File::default());
        };
        match read_bounded(path)? {
            Some(text) => File::parse(&text, &path.display().to_string(), environment),
            None => Ok(File::default()),
        }
    }

    fn parse(text: &str, shown: &str, environment: &Environment) -> Result<File> {
        let document = xml::parse(text, shown)?;
        let root = document.root_element();
        if root.tag_name().name() != "settings" {
            return Err(Error::new(format!(
                "{shown}, line {}: the root element is <{}>, not <settings>",
                xml::line(root),
                root.tag_name().name()
            )));
        }
        let reader = Reader { shown, environment };
        let mut file = File {
            local_repository: reader.text(root, "localRepository").map(PathBuf::from),
            offline: xml::text(root, "offline") == Some("true"),
            active: xml::list(root, "activeProfiles", "activeProfile")
                .filter_map(|node| Some(node.text()?.trim().to_owned()))
                .collect(),
            ..File::default()
        };
        for node in xml::list(root, "mirrors", "mirror") {
            file.mirrors.push(Mirror {
                id: reader
                    .text(node, "id")
                    .unwrap_or_else(|| "default".to_owned()),
                url: reader.needed(node, "url")?,
                of: reader.needed(node, "mirrorOf")?,
                blocked: xml::text(node, "blocked") == Some("true"),
            });
        }
        for node in xml::list(root, "servers", "server") {
            file.servers.push(server(&reader, node)?);
        }
        for node in xml::list(root, "proxies", "proxy") {
            file.proxies.push(Written::read(node, &reader)?);
        }
        for node in xml::list(root, "profiles", "profile") {
            let repositories = xml::list(node, "repositories", "repository")
                .map(|node| repository(&reader, node))
                .collect::<Result<_>>()?;
            file.profiles.push(Profile {
                id: reader
                    .text(node, "id")
                    .unwrap_or_else(|| "default".to_owned()),
                activation: xml::child(node, "activation")
                    .map(pom::activation)
                    .unwrap_or_default(),
                repositories,
            });
        }
        Ok(file)
    }
}

fn repository(reader: &Reader<'_>, node: Node<'_, '_>) -> Result<SettingsRepository> {
    let enabled = |kind| {
        xml::child(node, kind).and_then(|policy| xml::text(policy, "enabled")) != Some("false")
    };
    Ok(SettingsRepository {
        id: reader.needed(node, "id")?,
        url: reader.needed(node, "url")?,
        releases: enabled("releases"),
        snapshots: enabled("snapshots"),
    })
}

fn server(reader: &Reader<'_>, node: Node<'_, '_>) -> Result<Server> {
    let mut headers = Vec::new();
    if let Some(configuration) = xml::child(node, "configuration") {
        for property in xml::list(configuration, "httpHeaders", "property") {
            // A value is a secret: errors name its place only.
            let name = reader.needed(property, "name")?;
            let value = xml::text(property, "value").unwrap_or_default();
            headers.push((name, Secret::new(value)));
        }
    }
    Ok(Server {
        id: reader
            .text(node, "id")
            .unwrap_or_else(|| "default".to_owned()),
        at: reader.at(node),
        user: xml::text(node, "username").map(str::to_owned),
        password: xml::child(node, "password")
            .and_then(|password| password.text())
            .map(Secret::new),
        headers,
    })
}

/// All of `first`, then what `second` has under other ids.
fn merge<T>(mut first: Vec<T>, second: Vec<T>, id: fn(&T) -> &String) -> Vec<T> {
    let own = first.len();
    for item in second {
        if !first[..own].iter().any(|known| id(known) == id(&item)) {
            first.push(item);
        }
    }
    first
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
