//! The proxies of settings.xml, and those of Java's own properties.

use roxmltree::Node;

use super::decrypt::password;
use super::environment::Environment;
use super::settings_file::{Reader, filled};
use super::xml;
use crate::error::{Context, Error, Result};
use crate::fetch::proxy::Origin;
use crate::fetch::{Proxies, Proxy, Secret};

/// A `<proxy>`, as written.
#[derive(Clone)]
pub(super) struct Written {
    pub id: String,
    pub active: bool,
    scheme: String,
    host: String,
    port: u16,
    user: Option<String>,
    password: Option<Secret>,
    except: Vec<String>,
    /// `file, line N`.
    at: String,
}

impl Written {
    /// Reads a `<proxy>`; what it leaves out is as in Maven.
    pub fn read(node: Node<'_, '_>, reader: &Reader<'_>) -> Result<Written> {
        let port = reader.text(node, "port");
        let port = match port.as_deref().map(str::parse) {
            None => 8080,
            Some(Ok(port)) => port,
            Some(Err(_)) => {
                return Err(Error::new(format!(
                    "{}: the <port> of <proxy> is `{}`, and no port's number",
                    reader.at(node),
                    port.unwrap_or_default()
                )));
            }
        };
        Ok(Written {
            id: reader
                .text(node, "id")
                .unwrap_or_else(|| "default".to_owned()),
            active: reader
                .text(node, "active")
                .is_none_or(|text| text == "true"),
            scheme: reader
                .text(node, "protocol")
                .map_or_else(|| "http".to_owned(), |text| text.to_lowercase()),
            host: reader.needed(node, "host")?,
            port,
            user: xml::text(node, "username").map(str::to_owned),
            password: xml::child(node, "password")
                .and_then(|password| password.text())
                .map(Secret::new),
            except: list(&reader.text(node, "nonProxyHosts").unwrap_or_default()),
            at: reader.at(node),
        })
    }

    fn proxy(&self, environment: &Environment) -> Result<Proxy> {
        let named = format!("the <proxy> `{}` of {}", self.id, self.at);
        let login = || -> Result<Option<(String, Secret)>> {
            let Some(user) = &self.user else {
                return Ok(None);
            };
            let password = match &self.password {
                Some(written) => password(written, environment)?,
                None => Secret::new(""),
            };
            Ok(Some((filled(user, "user name", environment)?, password)))
        };
        Ok(Proxy {
            scheme: self.scheme.clone(),
            host: self.host.clone(),
            port: self.port,
            login: login().doing(|| format!("reading {named}"))?,
            except: self.except.clone(),
            origin: Origin {
                named,
                login: "its <username> and <password>",
                around: "its <nonProxyHosts>",
            },
        })
    }
}

/// The active ones of the files; where there is none, those that MAVEN_OPTS gives
/// to Java.
pub(super) fn active(written: &[Written], environment: &Environment) -> Result<Proxies> {
    let active = written.iter().filter(|proxy| proxy.active);
    let mut list: Vec<Proxy> = active
        .map(|proxy| proxy.proxy(environment))
        .collect::<Result<_>>()?;
    if list.is_empty() {
        list = of_java(environment);
    }
    Ok(Proxies::new(list))
}

/// `-Dhttps.proxyHost` and the like.
fn of_java(environment: &Environment) -> Vec<Proxy> {
    let except = environment.option("http.nonProxyHosts");
    let mut found = Vec::new();
    for (scheme, port) in [("https", 443), ("http", 80)] {
        let option = |name: &str| environment.option(&format!("{scheme}.{name}"));
        let Some(host) = option("proxyHost").filter(|host| !host.is_empty()) else {
            continue;
        };
        let login = option("proxyUser").map(|user| {
            let password = option("proxyPassword").unwrap_or_default();
            (user.to_owned(), Secret::new(password))
        });
        found.push(Proxy {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: option("proxyPort")
                .and_then(|port| port.parse().ok())
                .unwrap_or(port),
            login,
            except: list(except.unwrap_or("localhost|127.*|[::1]")),
            origin: Origin {
                named: format!("-D{scheme}.proxyHost of MAVEN_OPTS"),
                login: "proxyUser and proxyPassword beside it",
                around: "-Dhttp.nonProxyHosts",
            },
        });
    }
    found
}

/// Hosts that `|` or a comma separate.
fn list(text: &str) -> Vec<String> {
    let parts = text.split(['|', ',']).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
