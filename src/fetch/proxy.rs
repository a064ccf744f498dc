//! Which proxy an address is asked through.
//!
//! Whoever has proxies of their own ([`Proxies`]) uses those alone. Everybody
//! else goes where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Client;
use url::Url;

use super::client::{STALL, builder, client};
use super::redact::shown;
use super::secret::Secret;
use crate::error::{Context, Error, Reason, Result};

/// A proxy. It is spoken to in plain http; https goes through it by CONNECT.
#[derive(Clone)]
pub struct Proxy {
    /// The scheme of the addresses that it is for: `http` or `https`. One for
    /// `http` serves https too, where no other does.
    pub scheme: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Hosts that are asked without it; `*` stands for any text.
    pub except: Vec<String>,
    /// Who says so, for errors.
    pub origin: Origin,
}

/// Who says that there is a proxy, for errors.
#[derive(Clone)]
pub struct Origin {
    /// Such as `the <proxy> of settings.xml, line 3`.
    pub named: String,
    /// Where user and password belong.
    pub login: &'static str,
    /// Where hosts belong that need no proxy.
    pub around: &'static str,
}

impl Proxy {
    fn address(&self) -> String {
        match self.host.contains(':') && !self.host.starts_with('[') {
            true => format!("http://[{}]:{}", self.host, self.port),
            false => format!("http://{}:{}", self.host, self.port),
        }
    }

    fn excepts(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        self.except
            .iter()
            .any(|pattern| fits(&pattern.to_lowercase(), &host))
    }
}

/// Proxies in the order in which they count. Without any, the environment's do.
#[derive(Default)]
pub struct Proxies {
    list: Vec<Proxy>,
    /// By the proxy's place in the list, and whether it is for TLS.
    clients: Mutex<HashMap<(Option<usize>, bool), Client>>,
}

impl Proxies {
    /// These proxies, and none of the environment's.
    pub fn new(list: Vec<Proxy>) -> Proxies {
        Proxies {
            list,
            clients: Mutex::default(),
        }
    }

    /// The proxy for an address, as Maven's resolver picks it: the first one
    /// for the scheme that does not except the host, and for https the first
    /// such one for http where there is none.
    fn pick(&self, url: &Url) -> Option<usize> {
        let host = url.host_str().unwrap_or_default();
        let first = |scheme: &str| {
            self.list
                .iter()
                .position(|proxy| proxy.scheme == scheme && !proxy.excepts(host))
        };
        match url.scheme() {
            "https" => first("https").or_else(|| first("http")),
            scheme => first(scheme),
        }
    }

    fn client(&self, at: Option<usize>, tls: bool) -> Result<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(at, tls)) {
            return Ok(client.clone());
        }
        let mut builder = builder(tls)?.read_timeout(STALL).no_proxy();
        if let Some(proxy) = at.map(|at| &self.list[at]) {
            let mut way = reqwest::Proxy::all(proxy.address())
                .doing(|| format!("reading {}", proxy.origin.named))?;
            if let Some((user, password)) = &proxy.login {
                way = way.basic_auth(user, password.expose());
            }
            builder = builder.proxy(way);
        }
        let client = builder.build().doing(|| "setting up the HTTP client")?;
        clients.insert((at, tls), client.clone());
        Ok(client)
    }
}

/// What asks an address, and the proxy that is between.
pub(super) fn way(proxies: Option<&Proxies>, url: &Url) -> Result<(Client, Option<Through>)> {
    let Some(proxies) = proxies.filter(|proxies| !proxies.list.is_empty()) else {
        return Ok((client(url.scheme())?, of_environment(url)));
    };
    let at = proxies.pick(url);
    let through = at.map(|at| &proxies.list[at]).map(|proxy| Through {
        shown: proxy.address(),
        with_login: proxy.login.is_some(),
        origin: proxy.origin.clone(),
    });
    Ok((proxies.client(at, url.scheme() != "http")?, through))
}

/// The proxy of the environment, which the HTTP client finds by itself.
fn of_environment(url: &Url) -> Option<Through> {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    let found = MATCHER
        .get_or_init(Matcher::from_system)
        .intercept(&url.as_str().parse().ok()?)?;
    let names = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let name = names.into_iter().find(is_set).unwrap_or(names[0]);
    let address = Url::parse(&found.uri().to_string()).ok()?;
    Some(Through {
        shown: shown(&address).trim_end_matches('/').to_owned(),
        with_login: found.basic_auth().is_some(),
        origin: Origin {
            named: format!("the environment variable {name}"),
            login: "http://user:password@host:port as its value",
            around: "NO_PROXY",
        },
    })
}

/// The proxy that a request went through, for errors.
pub(super) struct Through {
    shown: String,
    with_login: bool,
    origin: Origin,
}

impl Through {
    /// The proxy wants credentials, or others.
    pub(super) fn denied(&self) -> Error {
        let shown = &self.shown;
        let Origin { named, login, .. } = &self.origin;
        let (why, what) = match self.with_login {
            true => ("refused the credentials", "check"),
            false => ("wants credentials", "give"),
        };
        Error::new(format!("the proxy {shown} {why} (HTTP 407)"))
            .hint(format!("{named} names it: {what} {login}"))
            .because(Reason::Proxy)
    }

    /// Some proxies answer to wrong credentials as a server would: the hint that
    /// it may be so, where there are any.
    pub(super) fn doubt(&self) -> Option<String> {
        let Origin { named, login, .. } = &self.origin;
        let shown = &self.shown;
        self.with_login.then(|| {
            format!("it may also be that the proxy {shown} refuses its credentials: {named} names it, check {login}")
        })
    }

    /// The proxy may be what is wrong.
    pub(super) fn hint(&self, host: &str) -> String {
        format!(
            "{host} is asked through the proxy {}, which {} names: is it up, and may it reach {host}? a host that needs no proxy belongs into {}",
            self.shown, self.origin.named, self.origin.around
        )
    }
}

/// Whether the text is what the pattern says, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(scheme: &str, host: &str, except: &[&str]) -> Proxy {
        Proxy {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: 3128,
            login: None,
            except: except.iter().map(|&one| one.to_owned()).collect(),
            origin: Origin {
                named: "a test".to_owned(),
                login: "",
                around: "",
            },
        }
    }

    #[test]
    fn the_first_that_fits_is_picked_as_maven_does() {
        let http = || proxy("http", "h", &["*.corp", "localhost"]);
        let https = || proxy("https", "s", &["secret"]);
        for (list, url, picked) in [
            (vec![http(), https()], "http://a/", Some("h")),
            (vec![http(), https()], "https://a/", Some("s")),
            (vec![http()], "https://a/", Some("h")),
            (vec![https()], "http://a/", None),
            (vec![http(), https()], "https://x.corp/", Some("s")),
            (vec![http(), https()], "https://secret/", Some("h")),
            (vec![http()], "https://X.Corp/", None),
            (
                vec![http(), proxy("http", "h2", &[])],
                "http://x.corp/",
                Some("h2"),
            ),
            (
                vec![http(), proxy("http", "h2", &[])],
                "http://a/",
                Some("h"),
            ),
            (vec![proxy("socks5", "k", &[])], "http://a/", None),
        ] {
            let proxies = Proxies::new(list);
            let at = proxies.pick(&Url::parse(url).unwrap());
            let host = at.map(|at| proxies.list[at].host.as_str());
            assert_eq!(host, picked, "{url}");
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, is_it) in [
            ("localhost", "localhost", true),
            ("local", "localhost", false),
            ("*", "", true),
            ("10.*", "10.1.2.3", true),
            ("*.corp", "a.b.corp", true),
            ("*.corp", "corp", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("**x", "x", true),
        ] {
            assert_eq!(fits(pattern, text), is_it, "{pattern} {text}");
        }
    }

    #[test]
    fn an_address_of_ip_version_6_gets_its_brackets() {
        assert_eq!(proxy("http", "::1", &[]).address(), "http://[::1]:3128");
        assert_eq!(proxy("http", "[::1]", &[]).address(), "http://[::1]:3128");
        assert_eq!(proxy("http", "p", &[]).address(), "http://p:3128");
    }
}
