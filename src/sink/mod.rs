//! Places that take images.

pub mod archive;
pub mod attached;
pub mod daemon;
mod files;
pub mod layout;
pub mod registry;

use crate::image::{Digest, Images, Layer, LayerKind, Manifest};

use crate::error::{Error, Result};

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The place had it.
    Present,
    /// A registry took it from another of its repositories.
    Mounted,
    /// It was sent to a registry.
    Uploaded,
    /// It was sent to the daemon.
    Loaded,
    /// It was written to a file, and came from the cache or the base.
    Cached,
    /// It was written to a file, and made in this run.
    Built,
}

impl Status {
    /// The word in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Status::Present => "present",
            Status::Mounted => "mounted",
            Status::Uploaded => "uploaded",
            Status::Loaded => "loaded",
            Status::Cached => "cached",
            Status::Built => "built",
        }
    }

    /// Whether the layer's bytes went into the place now.
    pub fn moved(self) -> bool {
        !matches!(self, Status::Present | Status::Mounted)
    }

    fn written(layer: &Layer) -> Status {
        if layer.built {
            Status::Built
        } else {
            Status::Cached
        }
    }
}

/// One layer, and what became of it.
#[derive(Clone, Debug)]
pub struct LayerStatus {
    /// What it holds.
    pub kind: LayerKind,
    /// Its name for people.
    pub name: String,
    /// Digest of its bytes; `None` where only the daemon knows the layer.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Size of its bytes; 0 where they are not known.
    pub size: u64,
    /// What became of it.
    pub status: Status,
}

impl LayerStatus {
    /// `layer`, of which `status` became.
    pub fn of(layer: &Layer, status: Status) -> LayerStatus {
        let descriptor = layer.descriptor.as_ref();
        LayerStatus {
            kind: layer.kind,
            name: layer.name.clone(),
            digest: descriptor.map(|descriptor| descriptor.digest),
            diff_id: layer.diff_id,
            size: descriptor.map_or(0, |descriptor| descriptor.size),
            status,
        }
    }
}

/// What a place took, and what it had.
#[derive(Clone, Debug)]
pub struct Published {
    /// The place with the image in it: a reference with its digest, a path.
    pub place: String,
    /// The digest of the image, or of the index of several.
    pub digest: Digest,
    /// The tags it got.
    pub tags: Vec<String>,
    /// All layers, each once, lowest first.
    pub layers: Vec<LayerStatus>,
    /// Bytes that were sent or written: blobs, configuration, manifest.
    pub bytes: u64,
    /// Requests to registries, those for tokens not counted.
    pub requests: u64,
    /// Whether nothing had to be done.
    pub unchanged: bool,
}

/// The manifest, which every place but the daemon needs.
fn manifest(images: &Images) -> Result<&Manifest> {
    images.manifest().ok_or_else(|| {
        Error::new(
            "internal error: the image has no manifest: its base was not exported from the daemon",
        )
    })
}
