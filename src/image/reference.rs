//! Image references, as Docker writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Digest;
use crate::error::Error;

/// `[host[:port]/]repository[:tag][@digest]`, normalised as Docker does:
/// no host means `docker.io`, and one name there means `library/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Host and port of the registry, `docker.io` for Docker Hub.
    pub host: String,
    /// Repository, such as `library/flink`.
    pub repository: String,
    /// Tag; `None` where only a digest was given or nothing at all.
    pub tag: Option<String>,
    /// Digest.
    pub digest: Option<Digest>,
}

impl Reference {
    /// What a registry is asked for: the digest if there is one, else the tag,
    /// else `latest`.
    pub fn selector(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_string(),
        }
    }

    /// The same repository with this tag alone.
    pub fn with_tag(&self, tag: &str) -> Result<Reference, Error> {
        check_tag(tag)?;
        Ok(Reference {
            tag: Some(tag.to_string()),
            digest: None,
            ..self.clone()
        })
    }

    /// The same repository with this digest alone.
    pub fn with_digest(&self, digest: Digest) -> Reference {
        Reference {
            tag: None,
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// Host and repository in full: what the containerd image store wants.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// Host and repository as people write them: Docker Hub's host and its
    /// `library/` left out.
    pub fn familiar_name(&self) -> String {
        let name = self.name();
        if self.host != DOCKER_HUB {
            return name;
        }
        let short = self.repository.strip_prefix("library/");
        let short = short.unwrap_or(&self.repository);
        // `library/a/b` is not `a/b`, and `a.b/c` without a host has the host `a.b`.
        match short.parse::<Reference>() {
            Ok(again) if again.name() == name => short.to_string(),
            _ => name,
        }
    }

    fn suffix(&self) -> String {
        let mut text = String::new();
        if let Some(tag) = &self.tag {
            text.push_str(&format!(":{tag}"));
        }
        if let Some(digest) = &self.digest {
            text.push_str(&format!("@{digest}"));
        }
        text
    }

    /// Everything in full, `docker.io/library/…` included.
    pub fn full(&self) -> String {
        self.name() + &self.suffix()
    }
}

/// Docker Hub, as references name it.
pub const DOCKER_HUB: &str = "docker.io";

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.familiar_name(), self.suffix())
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Reference, Error> {
        let bad = |why: &str| {
            Error::usage(format!("`{text}` is not an image reference: {why}"))
                .hint("references look like registry.example.com/team/orders:1.4.2")
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(
                    digest
                        .parse::<Digest>()
                        .map_err(|error| bad(&error.message()))?,
                ),
            ),
            None => (text, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(|error| bad(&error.message()))?;
        }
        let (host, repository) = match path.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':'])
                    || first == "localhost"
                    || first.chars().any(char::is_uppercase) =>
            {
                (first, rest.to_string())
            }
            _ => (DOCKER_HUB, path.to_string()),
        };
        let host = match host {
            "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
            host => host,
        };
        let repository = if host == DOCKER_HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository
        };
        check_host(host).map_err(bad)?;
        check_repository(&repository).map_err(bad)?;
        Ok(Reference {
            host: host.to_string(),
            repository,
            tag: tag.map(str::to_string),
            digest,
        })
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let fine = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    fine.then_some(())
        .ok_or("the registry's host has characters that no host has")
}

/// Source: the grammar of `distribution/reference`.
fn check_repository(repository: &str) -> Result<(), &'static str> {
    if repository.len() > 255 {
        return Err("the repository's name has more than 255 characters");
    }
    for part in repository.split('/') {
        let edge =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !edge(part.chars().next()) || !edge(part.chars().last()) {
            return Err(
                "each part of the repository begins and ends with a lower-case letter or a digit",
            );
        }
        if !part
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        {
            return Err(
                "the repository has other characters than lower-case letters, digits, `.`, `_` and `-`",
            );
        }
    }
    Ok(())
}

/// A tag: up to 128 letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`.
pub fn check_tag(tag: &str) -> Result<(), Error> {
    let fine = !tag.is_empty()
        && tag.len() <= 128
        && !tag.starts_with(['.', '-'])
        && tag
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    fine.then_some(()).ok_or_else(|| {
        Error::usage(format!("`{tag}` is not a tag"))
            .hint("a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with a letter, a digit or `_`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> String {
        text.parse::<Reference>().unwrap().full()
    }

    #[test]
    fn names_are_completed_as_docker_does() {
        assert_eq!(full("flink:1.20"), "docker.io/library/flink:1.20");
        assert_eq!(full("apache/flink"), "docker.io/apache/flink");
        assert_eq!(full("localhost/flink"), "localhost/flink");
        assert_eq!(full("127.0.0.1:5000/a/b:c"), "127.0.0.1:5000/a/b:c");
        assert_eq!(full("index.docker.io/a/b"), "docker.io/a/b");
    }

    #[test]
    fn display_is_the_familiar_form() {
        let reference: Reference = "docker.io/library/flink:1".parse().unwrap();
        assert_eq!(reference.to_string(), "flink:1");
        for whole in ["docker.io/library/a/b:1", "docker.io/a.b/c"] {
            let reference: Reference = whole.parse().unwrap();
            assert_eq!(reference.to_string(), whole);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for bad in [
            "",
            ":",
            "a:",
            "a b",
            "-a",
            "a//b",
            "a@sha256:1",
            "a:.x",
            "h:5000/",
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }
}
