//! What a build or push ends with: the metadata file, the JSON on stdout, and
//! the last line.

use serde::{Deserialize, Serialize};

use crate::image::{Digest, Image, LayerKind};
use crate::sink::Status;

/// The document of `--metadata-file` and `--format json`.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The repository.
    pub image: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The manifest's digest, or the index's, where there are several platforms;
    /// the image ID where the base is known to nothing but the daemon, so that
    /// there is no manifest.
    pub digest: Digest,
    /// The configuration's digest; of the first platform, where there are several.
    pub image_id: Digest,
    /// The images that the index names, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformOutcome>,
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
    /// Whether every place had everything.
    #[serde(skip)]
    pub unchanged: bool,
}

/// The image for one platform.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformOutcome {
    /// What it runs on.
    pub platform: String,
    /// Its manifest's digest.
    pub digest: Digest,
    /// Its configuration's digest.
    pub image_id: Digest,
}

impl PlatformOutcome {
    /// Of an image that has a manifest.
    pub fn of(image: &Image) -> Option<PlatformOutcome> {
        Some(PlatformOutcome {
            platform: image.platform.to_string(),
            digest: image.manifest.as_ref()?.digest,
            image_id: Digest::of(&image.config),
        })
    }
}

/// The base of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaseOutcome {
    /// Its name; for the first platform, where each has another base.
    pub reference: String,
    /// Its digest; for the first platform, where there are several.
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
