//! A JAR that was found.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::requests::Folder;
use crate::image::{Digest, LayerKind};
use crate::lock::Source;
use crate::manifest::Placement;
use crate::maven::Coordinates;

/// Where a file's content is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Content {
    /// In the store, under its digest.
    Store,
    /// In this local file.
    Local(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
    /// Nowhere yet: it is fetched when a layer needs it that is not cached.
    Absent,
}

/// One JAR that was found.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The manifest's name for it; for what comes `with` another, its own.
    pub name: String,
    /// What it is.
    pub kind: LayerKind,
    /// Where it came from.
    pub source: Source,
    /// The coordinate that the manifest has for it, where it is another one.
    pub asked: Option<Coordinates>,
    /// The coordinate that needs it, where the manifest does not name it.
    pub needed_by: Option<Coordinates>,
    /// The name its file gets.
    pub file_name: String,
    /// Where it goes, as the manifest wants it.
    pub folder: Folder,
    /// How a filesystem plugin gets to its place.
    pub place: Option<Placement>,
    /// Its content.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub content: Content,
}

impl Artifact {
    /// How messages name it.
    pub fn shown(&self) -> String {
        format!("{} ({})", self.name, self.source)
    }
}
