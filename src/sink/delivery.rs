//! What became of an image that went to a place.

use serde::Serialize;

use crate::image::{Digest, Images, Layer};
use crate::registry::Outcome;

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerStatus {
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

impl LayerStatus {
    /// The word in outputs.
    pub fn word(self) -> &'static str {
        match self {
            LayerStatus::Present => "present",
            LayerStatus::Mounted => "mounted",
            LayerStatus::Uploaded => "uploaded",
            LayerStatus::Loaded => "loaded",
            LayerStatus::Cached => "cached",
            LayerStatus::Built => "built",
        }
    }

    /// Whether the layer's bytes went into the place now.
    pub fn moved(self) -> bool {
        !matches!(self, LayerStatus::Present | LayerStatus::Mounted)
    }

    /// Of a layer that went nowhere yet, or into a file.
    pub fn made(layer: &Layer) -> LayerStatus {
        match layer.built {
            true => LayerStatus::Built,
            false => LayerStatus::Cached,
        }
    }
}

impl From<Outcome> for LayerStatus {
    fn from(outcome: Outcome) -> LayerStatus {
        match outcome {
            Outcome::Present => LayerStatus::Present,
            Outcome::Mounted => LayerStatus::Mounted,
            Outcome::Uploaded => LayerStatus::Uploaded,
        }
    }
}

/// The kinds of places, in the order in which they count: what is told of a layer is
/// what happened to it in the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medium {
    /// A file or a folder.
    File,
    /// A Docker daemon.
    Daemon,
    /// A registry.
    Registry,
}

/// What a place took, and what it had.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What kind of place it is.
    pub medium: Medium,
    /// The place with the image in it: a reference with its digest, a path.
    pub place: String,
    /// What became of each of [`Images::layers`]; `None` for one that does not go there.
    pub layers: Vec<Option<LayerStatus>>,
    /// The platforms that went there, where the image has several.
    pub platforms: Vec<String>,
    /// The platforms that did not.
    pub left_out: Vec<String>,
    /// Bytes that were sent or written: blobs, configuration, manifest.
    pub bytes: u64,
    /// Requests to the registry, those for tokens not counted.
    pub requests: u64,
    /// Whether nothing had to be done.
    pub unchanged: bool,
}

impl Delivery {
    /// Of `images` that go to a place with all of their platforms.
    pub(super) fn of(
        medium: Medium,
        place: String,
        images: &Images,
        status: impl Fn(&Layer, Option<Digest>) -> LayerStatus,
    ) -> Delivery {
        let layers = images.layers().into_iter().map(|layer| {
            let digest = layer.descriptor.as_ref().map(|blob| blob.digest);
            Some(status(layer, digest))
        });
        Delivery {
            medium,
            place,
            layers: layers.collect(),
            platforms: match images.are_several() {
                true => images.platforms(),
                false => Vec::new(),
            },
            left_out: Vec::new(),
            bytes: 0,
            requests: 0,
            unchanged: false,
        }
    }

    /// How many layers have a status that `fits`.
    pub fn count(&self, fits: impl Fn(LayerStatus) -> bool) -> usize {
        let known = self.layers.iter().flatten();
        known.filter(|status| fits(**status)).count()
    }
}
