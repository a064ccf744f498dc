//! The sections of a manifest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::bases::Bases;
use super::file::FileSpec;
use super::forms;
use super::jar::{JarSource, JarSpec};
use super::parsed::Parsed;
use super::platforms::Platforms;
use crate::maven::Coordinates;

/// What a manifest says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What is built, and on which base.
    pub image: ImageSection,
    /// Into lib/.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, forms::Jar>")]
    pub connectors: BTreeMap<String, Spanned<JarSpec>>,
    /// Into lib/ or usrlib/.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, forms::Jar>")]
    pub udfs: BTreeMap<String, Spanned<JarSpec>>,
    /// Application mode.
    #[serde(default)]
    pub job: Option<JobSection>,
    /// From opt/ into lib/ or plugins/.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, FilesystemSpec>")]
    pub filesystems: BTreeMap<String, Spanned<FilesystemSpec>>,
    /// Merged into Flink's configuration file.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub config: Option<Spanned<toml::Table>>,
    /// Anything else: absolute path in the image = local path.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, forms::File>")]
    pub files: BTreeMap<String, Spanned<FileSpec>>,
    /// Where Maven coordinates are looked for.
    #[serde(default)]
    pub maven: MavenSection,
    /// What `check` may find.
    #[serde(default)]
    pub check: CheckSection,
}

/// `[check]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSection {
    /// Findings that are known and accepted.
    #[serde(default)]
    #[schemars(with = "Vec<AllowSpec>")]
    pub allow: Vec<Spanned<AllowSpec>>,
}

/// One of `[check] allow`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowSpec {
    /// The finding's code, such as `FP0101`.
    pub code: String,
    /// Patterns of file names, each of which fits one of the finding's files;
    /// without any, every finding of the code is allowed.
    #[serde(default)]
    pub jars: Vec<String>,
    /// Why.
    pub reason: String,
}

/// `[image]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageSection {
    /// Repository to push to; also the local name.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Tags; `{git.sha}`, `{git.branch}` and `{lock.digest}` expand.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Spanned<String>>,
    /// The base.
    #[schemars(with = "forms::Base")]
    pub base: Spanned<Bases>,
    /// Labels of the image.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Environment of the image.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether a bill of materials goes with the image.
    #[serde(default)]
    pub sbom: bool,
    /// Whether its provenance goes with the image.
    #[serde(default)]
    pub provenance: bool,
    /// `os/architecture`, or several; the host's where none is given.
    #[serde(default)]
    #[schemars(with = "forms::Platform")]
    pub platform: Option<Spanned<Platforms>>,
}

/// `[job]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSection {
    /// The job's JAR, into usrlib/.
    #[schemars(with = "forms::Jar")]
    pub jar: Spanned<JarSpec>,
    /// Its main class; without one Flink looks for it in usrlib/.
    #[serde(default)]
    pub class: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

/// How a filesystem JAR gets to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// A symbolic link to opt/: no bytes.
    Link,
    /// In its place, and gone from opt/.
    Move,
    /// In its place, and still in opt/.
    Copy,
}

/// One of `[filesystems]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesystemSpec {
    /// How; `link` where the base has the JAR, else `copy`.
    #[serde(default)]
    pub place: Option<Placement>,
    /// Further JARs for the plugin's folder, such as a credentials provider.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub with: Parsed<JarSource>,
}

/// `[maven]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MavenSection {
    /// Addresses, asked first and in this order.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// Coordinates whose versions count wherever dependencies are resolved; one
    /// with the extension `pom` is a BOM.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub managed: Parsed<Coordinates>,
    /// Whether what the base has already stays out.
    #[serde(default = "yes")]
    pub platform: bool,
    /// `group:artifact` patterns of dependencies that are taken although the base
    /// has them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub keep: Vec<Spanned<String>>,
    /// `group:artifact` patterns of dependencies that are left out although the
    /// base lacks them, with what only they need.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub drop: Vec<Spanned<String>>,
}

fn yes() -> bool {
    true
}

impl Default for MavenSection {
    fn default() -> MavenSection {
        MavenSection {
            repositories: Vec::new(),
            managed: Parsed::default(),
            platform: true,
            keep: Vec::new(),
            drop: Vec::new(),
        }
    }
}
