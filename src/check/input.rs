//! What is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::FlinkVersion;
use crate::catalogue::Catalogue;
use crate::image::{Digest, LayerKind};
use crate::jar::{JarFacts, Texts};
use crate::maven::{Coordinates, is_jar_of};

/// An image as Flink sees it when it starts.
pub struct Input {
    /// Its Flink.
    pub flink: FlinkVersion,
    /// Its Scala, such as `2.12`.
    pub scala: String,
    /// Its Java, such as 17.
    pub java: Option<u32>,
    /// The JARs in lib/, usrlib/ and the plugins' folders, and those of opt/ that are
    /// put on a class path.
    pub jars: Vec<PlacedJar>,
    /// Folders under plugins/ without a JAR.
    pub empty_plugins: Vec<String>,
    /// The effective configuration, with dotted keys.
    pub config: BTreeMap<String, String>,
    /// SQL files: path and text.
    pub sql: Vec<(String, String)>,
    /// The job's main class, with dots.
    pub main_class: Option<String>,
    /// Connectors that the manifest names.
    pub connectors: Vec<NamedConnector>,
    /// Values that might be secret.
    pub literals: Vec<Literal>,
    /// Rows of connectors and filesystem plugins.
    pub catalogue: Catalogue,
    /// Reads the texts of a JAR's signatures.
    pub texts: ReadTexts,
}

/// Reads the texts of the signatures of a JAR, by its content.
pub type ReadTexts = Box<dyn Fn(&Digest) -> Option<Texts> + Send + Sync>;

/// Who loads a JAR's classes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loader {
    /// The JVM's own, for lib/.
    Lib,
    /// The user code class loader, for usrlib/.
    User,
    /// A plugin's, by its folder.
    Plugin(String),
    /// The JVM's own again, of the SQL client and the SQL gateway: their scripts put
    /// these JARs of opt/ behind those of lib/.
    Tool,
}

/// Artifacts of opt/ that `bin/sql-client.sh` and `bin/sql-gateway.sh` put on the class
/// path.
const TOOLS: [&str; 3] = ["flink-python", "flink-sql-client", "flink-sql-gateway"];

impl Loader {
    /// Who loads the JAR at this path under FLINK_HOME; `None` where nobody does.
    pub fn of(path: &str) -> Option<Loader> {
        match path.split('/').collect::<Vec<_>>()[..] {
            ["lib", _, ..] => Some(Loader::Lib),
            ["usrlib", _, ..] => Some(Loader::User),
            ["plugins", name, _, ..] => Some(Loader::Plugin(name.to_string())),
            ["opt", name] if TOOLS.iter().any(|tool| is_jar_of(name, tool)) => Some(Loader::Tool),
            _ => None,
        }
    }
}

/// A JAR in its place.
#[derive(Clone)]
pub struct PlacedJar {
    /// Its path under FLINK_HOME.
    pub path: String,
    /// Who loads it.
    pub loader: Loader,
    /// Its content.
    pub sha256: Digest,
    /// The Maven coordinates it came from, where it has them.
    pub coordinates: Option<Coordinates>,
    /// What it is, where the manifest says.
    pub kind: Option<LayerKind>,
    /// Whether it comes with Flink: what it refers to is Flink's own affair.
    pub of_base: bool,
    /// What it holds; `None` where it was not read.
    pub facts: Option<Arc<JarFacts>>,
}

impl PlacedJar {
    /// Its file's name.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A connector that the manifest names by its name in the catalogue.
#[derive(Clone, Debug)]
pub struct NamedConnector {
    /// The name.
    pub name: String,
    /// What SQL calls it.
    pub identifiers: Vec<String>,
}

/// A value that ends up in the image where many can read it.
#[derive(Clone)]
pub struct Literal {
    /// Where it is written: `[config]`, `[job] args`, a file.
    pub place: String,
    /// Its key, where it has one.
    pub key: Option<String>,
    /// The value; never printed.
    pub value: String,
}
