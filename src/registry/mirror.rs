//! Mirrors: registries that are asked first for what another one has.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image::Reference;
use crate::image::reference::DOCKER_HUB;

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
    pub(super) fn name_of(&self, reference: &Reference) -> Option<Reference> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn name(mirror: &str, reference: &str) -> Option<String> {
        let mirror: Mirror = mirror.parse().unwrap();
        let reference = reference.parse().unwrap();
        mirror.name_of(&reference).map(|name| name.full())
    }

    #[test]
    fn names_are_those_of_the_mirrored_registry() {
        let hub = "docker.io=mirror.example:5000";
        assert_eq!(
            name(hub, "flink:1.20").as_deref(),
            Some("mirror.example:5000/library/flink:1.20")
        );
        assert_eq!(name(hub, "r.example/flink:1.20"), None);
        assert_eq!(
            name("index.docker.io=harbor.example/hub/", "apache/flink").as_deref(),
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
