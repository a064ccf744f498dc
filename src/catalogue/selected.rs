//! The release that was picked, or why none could be.

use crate::maven::{Coordinates, InvalidCoordinates};

/// The release that was picked, with every place-holder filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The entry's name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// Coordinates that always go with it.
    pub with: Vec<Coordinates>,
    /// Whether the JAR holds its dependencies.
    pub fat: bool,
    /// What the user must add himself.
    pub needs: Option<String>,
    /// The least Java version its classes need, when above 8.
    pub java: Option<u32>,
    /// Whether the catalogue lists this version for this Flink. Where it does
    /// not, `with`, `needs` and `java` come from a release near to it, and
    /// only fetching tells whether the JAR exists.
    pub listed: bool,
}

/// Why no release could be picked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The Flink version has no minor.
    #[error("`{flink}` is not a Flink version such as 1.20.5")]
    NotFlink {
        /// What was given.
        flink: String,
    },
    /// Flink got it later.
    #[error("{name} does not exist for Flink {flink}: it came with Flink {since}")]
    NotYet {
        /// The entry.
        name: String,
        /// The base's Flink minor.
        flink: String,
        /// The first minor that has it.
        since: String,
        /// What to use instead.
        instead: Option<String>,
    },
    /// Flink has dropped it.
    #[error("{name} does not exist for Flink {flink}: Flink {removed} removed it")]
    Removed {
        /// The entry.
        name: String,
        /// The base's Flink minor.
        flink: String,
        /// The first minor without it.
        removed: String,
        /// What to use instead.
        instead: Option<String>,
    },
    /// Nothing in the catalogue is made for this Flink.
    #[error(transparent)]
    NoRelease(Box<NoRelease>),
    /// This version is not for this Flink.
    #[error(transparent)]
    UnknownVersion(Box<UnknownVersion>),
    /// What its row and the version come to is not Maven coordinates.
    #[error("{0}")]
    Coordinates(InvalidCoordinates),
}

/// Nothing in the catalogue is made for this Flink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the catalogue has no release of {name} for Flink {flink}{}{}",
    scala_text(.scala.as_deref()),
    minors_text(.minors)
)]
pub struct NoRelease {
    /// The entry.
    pub name: String,
    /// The base's Flink minor.
    pub flink: String,
    /// The base's Scala version, where another one has a release.
    pub scala: Option<String>,
    /// The minors that have a release for that Scala version.
    pub minors: Vec<String>,
    /// The minors next to the base's, each with its versions.
    pub nearest: Vec<(String, Vec<String>)>,
    /// Filesystems: Flink's own full version, which their JARs carry.
    pub own_version: Option<String>,
}

/// A version that is not known for this Flink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} {version} is not known for Flink {flink}{}; known: {}",
    scala_text(.scala.as_deref()),
    or_none(.known)
)]
pub struct UnknownVersion {
    /// The entry.
    pub name: String,
    /// The wanted version.
    pub version: String,
    /// The base's Flink minor.
    pub flink: String,
    /// The base's Scala version, where another one has more releases.
    pub scala: Option<String>,
    /// The versions that fit.
    pub known: Vec<String>,
    /// The Flink minors that the wanted version is for, if it is known.
    pub made_for: Vec<String>,
}

impl From<InvalidCoordinates> for SelectError {
    fn from(invalid: InvalidCoordinates) -> SelectError {
        SelectError::Coordinates(invalid)
    }
}

impl SelectError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SelectError::NotFlink { .. } => {
                Some("the base must be a Flink image with a known version".to_owned())
            }
            SelectError::NotYet { since, instead, .. } => Some(
                instead
                    .clone()
                    .unwrap_or_else(|| format!("use a base with Flink {since} or newer")),
            ),
            SelectError::Removed {
                removed, instead, ..
            } => Some(
                instead
                    .clone()
                    .unwrap_or_else(|| format!("use a base with a Flink older than {removed}")),
            ),
            SelectError::NoRelease(missing) => Some(missing.hint()),
            SelectError::UnknownVersion(unknown) => Some(unknown.hint()),
            SelectError::Coordinates(invalid) => Some(invalid.hint().to_owned()),
        }
    }
}

impl NoRelease {
    fn hint(&self) -> String {
        let write = match &self.own_version {
            Some(own) => format!(
                "use a base with the JAR in opt/, or write its version: version = \"{own}\""
            ),
            None => format!(
                "if there is one, write its version (version = \"X.Y.Z-{}\") or its coordinate (maven = \"group:artifact:version\")",
                self.flink
            ),
        };
        if self.nearest.is_empty() {
            return write;
        }
        let near: Vec<String> = self
            .nearest
            .iter()
            .map(|(minor, versions)| format!("{} for Flink {minor}", versions.join(", ")))
            .collect();
        format!("nearest: {}; {write}", near.join("; "))
    }
}

impl UnknownVersion {
    fn hint(&self) -> String {
        let coordinate = "the coordinate: maven = \"group:artifact:version\"";
        let made_for = self.made_for.join(", ");
        match (self.made_for.is_empty(), self.known.last()) {
            (false, Some(last)) => {
                format!("that version is for Flink {made_for}; write \"auto\" or \"{last}\"")
            }
            (false, None) => format!("that version is for Flink {made_for}"),
            (true, Some(last)) => format!("write \"auto\" or \"{last}\", or {coordinate}"),
            (true, None) => format!("write {coordinate}"),
        }
    }
}

fn scala_text(scala: Option<&str>) -> String {
    scala.map_or_else(String::new, |scala| format!(" with Scala {scala}"))
}

fn minors_text(minors: &[String]) -> String {
    if minors.is_empty() {
        return String::new();
    }
    format!("; it has releases for Flink {}", minors.join(", "))
}

fn or_none(list: &[String]) -> String {
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}
