//! What the manifest has in more than one form, for its JSON schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// A JAR: a version of the catalogue, coordinates, a path or an address as one text; or a
/// table.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum Jar {
    /// A version of the catalogue or `auto`, Maven coordinates, a path or an address.
    Text(String),
    /// A table with one of `version`, `maven`, `path` and `url`.
    Table(Box<JarTable>),
}

/// A JAR as a table.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct JarTable {
    /// A version of the catalogue's entry of this name, or `auto`.
    version: Option<String>,
    /// `group:artifact:version[:classifier][@extension]`.
    maven: Option<String>,
    /// A path or glob, from the manifest's folder.
    path: Option<String>,
    /// An address.
    url: Option<String>,
    /// The SHA-256 of what the address holds, in hex.
    sha256: Option<String>,
    /// Further JARs that go with it.
    with: Option<Vec<String>>,
    /// The folder of a UDF.
    r#in: Option<UdfFolder>,
    /// `group:artifact` patterns of what it must not bring.
    exclude: Option<Vec<String>>,
    /// Whether it brings what it needs.
    transitive: Option<bool>,
    /// Whether its JAR holds what it needs.
    fat: Option<bool>,
    /// Whether what the base has already stays out.
    platform: Option<bool>,
}

/// The folders that UDFs can be in.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum UdfFolder {
    /// Flink's own class path.
    Lib,
    /// The user class path of an application.
    Usrlib,
}

/// A local file or folder: its path, or a table.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum File {
    /// Its path, from the manifest's folder.
    Path(String),
    /// A path with permission bits.
    Table(FileTable),
}

/// A local file or folder as a table.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct FileTable {
    /// Its path, from the manifest's folder.
    path: String,
    /// Permission bits in octal digits, such as `0755`.
    mode: Option<String>,
}

/// The base: one for every platform, or a table of one for each.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum Base {
    /// One that is there for every platform.
    One(String),
    /// By platform.
    Each(BTreeMap<String, String>),
}

/// One platform, or several.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum Platform {
    /// `os/architecture[/variant]`.
    One(String),
    /// Several.
    Each(Vec<String>),
}
