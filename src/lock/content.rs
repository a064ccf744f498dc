//! What the lock file pins.

use serde::{Deserialize, Serialize};

use super::check::LockedCheck;
use super::layer::LockedLayer;
use crate::image::{Digest, LayerKind, Platform};
use crate::manifest::Placement;
use crate::maven::Coordinates;

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The base.
    pub base: LockedBase,
    /// What dependencies were resolved, where any were.
    pub maven: Option<LockedMaven>,
    /// The JARs, sorted by path.
    pub jars: Vec<LockedJar>,
    /// The layers that hold them, lowest first.
    pub layers: Vec<LockedLayer>,
    /// The last check of all of it, where no error was found.
    pub check: Option<LockedCheck>,
}

/// What the dependencies among the JARs follow from.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedMaven {
    /// Hash of everything that decides them: while it stays, no POM is read.
    pub inputs: Digest,
    /// Dependencies that the base has, sorted.
    pub provided: Vec<LockedProvided>,
}

/// A dependency that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedProvided {
    /// Its coordinates.
    pub maven: Coordinates,
    /// The JAR of the base that has it, as a path under FLINK_HOME.
    #[serde(rename = "provided-by")]
    pub by: String,
}

/// The pinned base.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedBase {
    /// What it is for each platform; at least one, sorted.
    pub platforms: Vec<LockedPlatform>,
    /// Its Flink.
    pub flink: String,
    /// Its Scala.
    pub scala: String,
    /// Its Java, where one was found.
    pub java: Option<u32>,
}

/// The base for one platform.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedPlatform {
    /// What it runs on.
    pub platform: String,
    /// As the manifest names it.
    pub reference: String,
    /// Its manifest's digest, or the daemon's image ID.
    pub digest: Digest,
}

impl LockedBase {
    /// The digest of the base of this name for a platform.
    pub fn digest_for(&self, reference: &str, platform: &Platform) -> Option<Digest> {
        let fits = |one: &&LockedPlatform| {
            let locked = one.platform.parse::<Platform>();
            one.reference == reference && locked.is_ok_and(|locked| platform.accepts(&locked))
        };
        self.platforms.iter().find(fits).map(|one| one.digest)
    }

    /// The names of the base, each once.
    pub fn references(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for one in &self.platforms {
            if !names.contains(&one.reference.as_str()) {
                names.push(&one.reference);
            }
        }
        names.join(", ")
    }

    /// Whether another base has the same name for each platform that both are for,
    /// and there is one.
    fn is_named_as(&self, other: &LockedBase) -> bool {
        let pairs = self.platforms.iter().filter_map(|one| {
            let its = other
                .platforms
                .iter()
                .find(|its| its.platform == one.platform);
            its.map(|its| its.reference == one.reference)
        });
        let same: Vec<bool> = pairs.collect();
        match same.is_empty() {
            true => self.references() == other.references(),
            false => !same.contains(&false),
        }
    }

    /// The names of the platforms.
    pub fn platform_names(&self) -> String {
        let names = self.platforms.iter().map(|one| one.platform.as_str());
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Where a JAR came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A file of a Maven repository.
    Maven(Coordinates),
    /// A local path, from the manifest's folder.
    Path(String),
    /// An address, without what is secret in it.
    Url(String),
    /// A path under FLINK_HOME of the base.
    Base(String),
}

impl Source {
    /// The Maven coordinates, where it has them.
    pub fn coordinates(&self) -> Option<&Coordinates> {
        match self {
            Source::Maven(coordinates) => Some(coordinates),
            _ => None,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Maven(coordinates) => coordinates.fmt(f),
            Source::Path(text) | Source::Url(text) => f.write_str(text),
            Source::Base(path) => write!(f, "{path} of the base"),
        }
    }
}

/// A pinned JAR.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedJar {
    /// The manifest's name for it.
    pub name: String,
    /// What it is.
    pub kind: LayerKind,
    /// Where it came from.
    pub source: Source,
    /// The coordinate that the manifest has for it, where the artifact has moved
    /// or a version stands for another.
    pub asked: Option<Coordinates>,
    /// The coordinate that needs it, where the manifest does not name it.
    pub needed_by: Option<Coordinates>,
    /// Where it goes, under FLINK_HOME.
    pub path: String,
    /// How a filesystem plugin gets there.
    pub place: Option<Placement>,
    /// Its content.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The layer that holds it, once one was made.
    pub layer: Option<Digest>,
}

impl Lock {
    /// The pin of a source, if it has one.
    pub fn pin(&self, name: &str, source: &Source) -> Option<&LockedJar> {
        self.jars
            .iter()
            .find(|jar| jar.source == *source && jar.name == name)
            .or_else(|| self.jars.iter().find(|jar| jar.source == *source))
    }

    /// What differs from another lock, a line each, leaving out the layers and the
    /// check, which follow from the rest.
    pub fn differences(&self, other: &Lock) -> Vec<String> {
        let mut out = Vec::new();
        if !self.base.is_named_as(&other.base) {
            out.push(format!(
                "base: {} instead of {}",
                other.base.references(),
                self.base.references()
            ));
        } else if self.base.platform_names() != other.base.platform_names() {
            out.push(format!(
                "base {}: {} instead of {}",
                self.base.references(),
                other.base.platform_names(),
                self.base.platform_names()
            ));
        } else {
            let pairs = self.base.platforms.iter().zip(&other.base.platforms);
            let moved = pairs.filter(|(old, new)| old.digest != new.digest);
            out.extend(moved.map(|(old, new)| {
                format!(
                    "base {}: {} instead of {}",
                    old.reference, new.digest, old.digest
                )
            }));
        }
        for new in &other.jars {
            match self.jars.iter().find(|old| old.path == new.path) {
                None => match self.jars.iter().find(|old| {
                    old.name == new.name
                        && old.kind == new.kind
                        && !other.jars.iter().any(|jar| jar.path == old.path)
                }) {
                    Some(old) => out.push(format!(
                        "{}: {} instead of {}",
                        new.name, new.source, old.source
                    )),
                    None => out.push(format!("{}: {} is new", new.name, new.source)),
                },
                Some(old) if old.sha256 != new.sha256 => {
                    out.push(format!("{}: {} has other content", new.name, new.source));
                }
                Some(old) if old.source != new.source || old.place != new.place => {
                    out.push(format!(
                        "{}: {} instead of {}",
                        new.name, new.source, old.source
                    ));
                }
                Some(_) => {}
            }
        }
        for old in &self.jars {
            let gone = !other
                .jars
                .iter()
                .any(|new| new.path == old.path || (new.name == old.name && new.kind == old.kind));
            if gone {
                out.push(format!("{}: {} is gone", old.name, old.source));
            }
        }
        if out.is_empty()
            && self.maven.as_ref().map(|maven| maven.inputs)
                != other.maven.as_ref().map(|maven| maven.inputs)
        {
            out.push("dependencies: what decides them changed, and they stay the same".to_string());
        }
        out
    }
}
