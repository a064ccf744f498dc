//! Images: digests, descriptors, references, platforms, and an image made of
//! base layers and own layers.

pub mod assemble;
pub mod descriptor;
pub mod digest;
pub mod gzip;
pub mod images;
pub mod layout;
mod members;
pub mod platform;
pub mod reference;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use descriptor::{AnyManifest, Descriptor, ImageManifest, Index, media};
pub use digest::Digest;
pub use images::Images;
pub use layout::Layout;
pub use platform::Platform;
pub use reference::Reference;

/// Where a layer's bytes (those its descriptor names) can be had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// In the store, under the descriptor's digest.
    Store,
    /// In this repository of a registry; it can be mounted from there.
    Registry(Reference),
    /// A stretch of a file: a blob of an OCI layout, or a member of an archive.
    File {
        /// The file.
        path: PathBuf,
        /// Where the blob begins, in bytes.
        offset: u64,
    },
    /// Only the daemon has the layer, uncompressed: it is exported from the
    /// image of this ID when a sink needs its bytes.
    Daemon {
        /// The image's ID.
        image: String,
    },
}

/// What kind of layer it is; also its place among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LayerKind {
    /// A layer of the base.
    Base,
    /// Hadoop and other dependencies.
    Dependency,
    /// Filesystem plugins.
    Filesystem,
    /// Connectors.
    Connector,
    /// UDFs.
    Udf,
    /// The job.
    Job,
    /// Configuration and other files.
    Config,
}

impl LayerKind {
    /// The word in outputs and lock files.
    pub fn word(self) -> &'static str {
        match self {
            LayerKind::Base => "base",
            LayerKind::Dependency => "dependency",
            LayerKind::Filesystem => "filesystem",
            LayerKind::Connector => "connector",
            LayerKind::Udf => "udf",
            LayerKind::Job => "job",
            LayerKind::Config => "config",
        }
    }
}

/// One layer of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layer {
    /// What it holds.
    pub kind: LayerKind,
    /// A name for people: `kafka`, `base 3`.
    pub name: String,
    /// SHA-256 of the uncompressed tar.
    pub diff_id: Digest,
    /// Media type, digest and size of the bytes as registries keep them.
    /// `None` only for a base layer that nothing but the daemon knows.
    pub descriptor: Option<Descriptor>,
    /// Where the bytes are.
    pub origin: Origin,
    /// Paths in it, for an own layer.
    pub entries: usize,
    /// Whether an own layer was written now (`true`) or came from the cache.
    pub built: bool,
}

/// An image that can be sent: everything is known, no byte was moved.
#[derive(Clone, Debug)]
pub struct Image {
    /// What it runs on.
    pub platform: Platform,
    /// All layers, lowest first, the base's included.
    pub layers: Vec<Layer>,
    /// The image configuration, exactly as it is sent.
    pub config: Vec<u8>,
    /// The manifest, exactly as it is sent; `None` where a base layer has no
    /// descriptor yet.
    pub manifest: Option<Manifest>,
}

/// A manifest's bytes, and what they are.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their media type.
    pub media_type: String,
    /// Their digest: the image's digest.
    pub digest: Digest,
    /// The configuration's descriptor.
    pub config: Descriptor,
}
