//! What a build or push ends with: the metadata file, the JSON on stdout, and
//! the last line.

use serde::Serialize;

use crate::image::{Digest, LayerKind};
use crate::sink::Status;

/// The document of `--metadata-file` and `--format json`.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The repository.
    pub image: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The manifest's digest; the image ID where the base is known to nothing
    /// but the daemon, so that there is no manifest.
    pub digest: Digest,
    /// The configuration's digest.
    pub image_id: Digest,
    /// The base.
    pub base: BaseOutcome,
    /// The layers, lowest first.
    pub layers: Vec<LayerOutcome>,
    /// What went over the wire.
    pub transferred: Transferred,
    /// How long it took.
    pub seconds: f64,
    /// Where the image is now, for people.
    #[serde(skip)]
    pub places: Vec<String>,
}

/// The base of an image.
#[derive(Clone, Debug, Serialize)]
pub struct BaseOutcome {
    /// Its name.
    pub reference: String,
    /// Its digest.
    pub digest: Digest,
}

/// One layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerOutcome {
    /// What it holds.
    #[serde(serialize_with = "kind_word")]
    pub kind: LayerKind,
    /// Its name.
    pub name: String,
    /// Digest of the bytes as registries keep them.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Size in bytes as registries keep it; 0 where it is not known.
    pub size: u64,
    /// Paths in it; 0 for a layer of the base.
    pub entries: usize,
    /// What became of it.
    #[serde(serialize_with = "status_word")]
    pub status: Status,
}

fn kind_word<S: serde::Serializer>(kind: &LayerKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.word())
}

fn status_word<S: serde::Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.word())
}

/// What went over the wire.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transferred {
    /// Bytes sent to the daemon.
    pub daemon_bytes: u64,
    /// Bytes sent to registries.
    pub registry_bytes: u64,
    /// Requests to registries.
    pub registry_requests: u64,
}

impl Outcome {
    /// `repository:tag@digest`: what stdout gets.
    pub fn reference(&self) -> String {
        let tag = self
            .tags
            .first()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        format!("{}{tag}@{}", self.image, self.digest)
    }
}
