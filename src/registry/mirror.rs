//! Mirrors: registries that are asked first for what another one has.

use std::str::FromStr;

use super::Registries;
use super::client::Client;
use crate::error::{Error, Reason, Result};
use crate::image::Reference;
use crate::image::reference::DOCKER_HUB;

/// Attempts at one thing of a mirror: there is somebody else to ask.
const ATTEMPTS: u32 = 2;

/// A mirror of a registry: `HOST=MIRROR[/PATH]`. It is asked first for what is
/// read, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    of: String,
    host: String,
    /// Below which the mirrored repositories are.
    path: Option<String>,
}

impl Mirror {
    /// `reference`, as the mirror names it; `None` where it mirrors another host.
    fn place(&self, reference: &Reference) -> Option<Reference> {
        let repository = match &self.path {
            Some(path) => format!("{path}/{}", reference.repository),
            None => reference.repository.clone(),
        };
        (self.of == reference.host).then(|| Reference {
            host: self.host.clone(),
            repository,
            ..reference.clone()
        })
    }
}

impl FromStr for Mirror {
    type Err = Error;

    fn from_str(text: &str) -> Result<Mirror> {
        let bad = || {
            Error::usage(format!("`{text}` names no mirror")).hint(
                "a mirror is HOST=MIRROR or HOST=MIRROR/PATH, such as docker.io=mirror.example.com:5000",
            )
        };
        let (of, place) = text.split_once('=').ok_or_else(bad)?;
        let (host, path) = match place.trim_end_matches('/').split_once('/') {
            Some((host, path)) => (host, Some(path.to_string())),
            None => (place.trim_end_matches('/'), None),
        };
        // A reference with such a host and path must be one.
        let checked: Reference = format!("{}/x", place.trim_end_matches('/'))
            .parse()
            .map_err(|_| bad())?;
        let named: Reference = format!("{of}/x/x").parse().map_err(|_| bad())?;
        let hub = [DOCKER_HUB, "index.docker.io", "registry-1.docker.io"];
        let of = if hub.contains(&of) { DOCKER_HUB } else { of };
        if checked.host != host || named.host != of || of == host {
            return Err(bad());
        }
        Ok(Mirror {
            of: of.to_string(),
            host: host.to_string(),
            path,
        })
    }
}

/// Somewhere to read from.
pub(super) struct Place {
    pub client: Client,
    /// The reference, as it is named there.
    pub reference: Reference,
}

impl Registries {
    /// Where `reference` is read from: mirrors that work, and at last its own
    /// registry.
    pub(super) fn places(&self, reference: &Reference) -> Result<(Vec<Place>, Place)> {
        let mut mirrors = Vec::new();
        for mirror in &self.options().mirrors {
            let Some(at) = mirror.place(reference).filter(|_| self.mirrored) else {
                continue;
            };
            let client = self.client(&at.host)?.with_attempts(ATTEMPTS);
            if !client.host().has_failed() {
                mirrors.push(Place {
                    client,
                    reference: at,
                });
            }
        }
        let own = Place {
            client: self.client(&reference.host)?,
            reference: reference.clone(),
        };
        Ok((mirrors, own))
    }

    /// A mirror did not give what was asked for: the next place is.
    pub(super) fn passed_over(&self, mirror: &Client, wanted: &Reference, error: &Error) {
        let (name, of) = (mirror.name(), &wanted.host);
        if error.is(Reason::NotFound) {
            self.report()
                .detail(format!("the mirror {name} of {of} has no {wanted}"));
        } else if mirror.host().fails() {
            self.report().warn(format!(
                "the mirror {name} of {of} failed, and {of} itself is asked: {error}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(mirror: &str, reference: &str) -> Option<String> {
        let mirror: Mirror = mirror.parse().unwrap();
        let reference = reference.parse().unwrap();
        mirror.place(&reference).map(|place| place.full())
    }

    #[test]
    fn names_are_those_of_the_mirrored_registry() {
        let hub = "docker.io=mirror.example:5000";
        assert_eq!(
            place(hub, "flink:1.20").as_deref(),
            Some("mirror.example:5000/library/flink:1.20")
        );
        assert_eq!(place(hub, "r.example/flink:1.20"), None);
        assert_eq!(
            place("index.docker.io=harbor.example/hub/", "apache/flink").as_deref(),
            Some("harbor.example/hub/apache/flink")
        );
    }

    #[test]
    fn what_names_no_mirror_is_refused() {
        for bad in [
            "",
            "docker.io",
            "=m.example",
            "docker.io=",
            "a=b",
            "r.example=r.example",
            "r.example=m.example/UP",
        ] {
            assert!(bad.parse::<Mirror>().is_err(), "{bad}");
        }
    }
}
