//! The names of things in a repository.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Group, artifact and version: what has a POM.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gav {
    /// The group.
    pub group: Arc<str>,
    /// The artifact.
    pub artifact: Arc<str>,
    /// The version.
    pub version: Arc<str>,
}

impl Gav {
    /// From its parts.
    pub fn new(group: &str, artifact: &str, version: &str) -> Gav {
        Gav {
            group: group.into(),
            artifact: artifact.into(),
            version: version.into(),
        }
    }
}

impl fmt::Display for Gav {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.group, self.artifact, self.version)
    }
}

/// A file of an artifact, whatever its version: of each, a class path has one.
/// This is what Maven's resolver mediates by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The group.
    pub group: Arc<str>,
    /// The artifact.
    pub artifact: Arc<str>,
    /// The classifier, empty where there is none.
    pub classifier: Arc<str>,
    /// The file's extension.
    pub extension: Arc<str>,
}

impl Key {
    /// Its POM's coordinate for a version.
    pub fn gav(&self, version: &Arc<str>) -> Gav {
        Gav {
            group: self.group.clone(),
            artifact: self.artifact.clone(),
            version: version.clone(),
        }
    }

    /// `group:artifact:version[:classifier][@extension]`.
    pub fn coordinate(&self, version: &str) -> String {
        let mut text = format!("{}:{}:{version}", self.group, self.artifact);
        if !self.classifier.is_empty() {
            text.push(':');
            text.push_str(&self.classifier);
        }
        if &*self.extension != "jar" {
            text.push('@');
            text.push_str(&self.extension);
        }
        text
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.group, self.artifact)?;
        if !self.classifier.is_empty() {
            write!(f, ":{}", self.classifier)?;
        }
        if &*self.extension != "jar" {
            write!(f, "@{}", self.extension)?;
        }
        Ok(())
    }
}

/// What is not wanted below a dependency; `*` stands for every name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exclusion {
    /// The group, or `*`.
    pub group: Arc<str>,
    /// The artifact, or `*`.
    pub artifact: Arc<str>,
}

impl Exclusion {
    /// Whether it is about this artifact.
    pub fn matches(&self, key: &Key) -> bool {
        self.fits(&key.group, &key.artifact)
    }

    /// Whether it is about the artifact of this group and name.
    pub fn fits(&self, group: &str, artifact: &str) -> bool {
        let is = |pattern: &str, name: &str| pattern == "*" || pattern == name;
        is(&self.artifact, artifact) && is(&self.group, group)
    }
}
