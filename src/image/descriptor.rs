//! Descriptors, manifests and indexes, in both media-type families.
//!
//! Source of the shapes: OCI image specification 1.1 (`manifest.md`,
//! `image-index.md`) and Docker's "Image Manifest V 2, Schema 2".

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::platform::Platform;
use crate::error::{Context, Error, Result};

/// Media types of the two families.
pub mod media {
    /// OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// The empty JSON object, where a document has no configuration.
    pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// OCI layer, uncompressed tar.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// OCI layer, gzip.
    pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// OCI layer, zstd.
    pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// Docker manifest, version 2 schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// Docker layer, gzip.
    pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// Every manifest and index type flinkpack reads, for `Accept`.
    pub const MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX];
}

/// A blob named by media type, digest and size in bytes. Fields that flinkpack
/// does not use (`urls`, `annotations`, `platform`, …) are kept as they came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    /// What the blob is.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor without further fields.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            media_type: media_type.to_string(),
            digest,
            size,
            other: Map::new(),
        }
    }
}

/// An image manifest of either family.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Always 2.
    pub schema_version: u32,
    /// The manifest's own type; OCI allows it to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The image configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Everything else (annotations, subject).
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An index of manifests (a "fat manifest" or "manifest list").
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The index's own type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its manifests; each says its platform.
    pub manifests: Vec<Descriptor>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Index {
    /// The platforms that it names, each with the digest of its manifest.
    pub fn platforms(&self) -> Vec<(Platform, Digest)> {
        let named = self.manifests.iter().filter_map(|entry| {
            let platform = Platform::of_json(entry.other.get("platform")?)?;
            Some((platform, entry.digest))
        });
        // Attestations hide behind this one.
        named
            .filter(|(platform, _)| platform.os != "unknown")
            .collect()
    }

    /// The entry for `platform`.
    pub fn choose(&self, platform: &Platform) -> Result<&Descriptor> {
        let of = |entry: &Descriptor| entry.other.get("platform").and_then(Platform::of_json);
        if let Some(entry) = self
            .manifests
            .iter()
            .find(|entry| of(entry).is_some_and(|theirs| platform.accepts(&theirs)))
        {
            return Ok(entry);
        }
        let there = self.platforms().into_iter();
        let mut there: Vec<String> = there.map(|(platform, _)| platform.to_string()).collect();
        there.sort();
        there.dedup();
        let there = match there.as_slice() {
            [] => "no platform at all".to_string(),
            some => some.join(", "),
        };
        let error = Error::new(format!(
            "there is no image for {platform}; there is {there}"
        ));
        Err(error)
    }
}

impl ImageManifest {
    /// The one layer of a manifest that holds a document, not an image.
    pub fn document(&self) -> Result<&Descriptor> {
        match &self.layers[..] {
            [one] => Ok(one),
            layers => Err(Error::new(format!(
                "what is attached has {} parts, where one document was expected",
                layers.len()
            ))),
        }
    }
}

/// A manifest or an index, by its content.
#[derive(Clone, Debug)]
pub enum AnyManifest {
    /// One image.
    Image(ImageManifest),
    /// Several, by platform.
    Index(Index),
}

impl AnyManifest {
    /// Reads `bytes`; the `media_type` of the answer decides where the
    /// document itself says none.
    pub fn parse(bytes: &[u8], media_type: Option<&str>) -> Result<AnyManifest> {
        let value: Value =
            serde_json::from_slice(bytes).doing(|| "reading an image manifest: not JSON")?;
        let own = value.get("mediaType").and_then(Value::as_str);
        let kind = own.or(media_type).unwrap_or_default();
        if value.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
            return Err(Error::new(
                "the manifest does not have schema version 2: images of Docker's schema 1 are not read",
            )
            .hint("push the image again with a Docker of this decade"));
        }
        let is_index = kind == media::OCI_INDEX
            || kind == media::DOCKER_INDEX
            || (value.get("manifests").is_some() && value.get("layers").is_none());
        if is_index {
            Ok(AnyManifest::Index(
                serde_json::from_value(value).doing(|| "reading an image index")?,
            ))
        } else {
            Ok(AnyManifest::Image(
                serde_json::from_value(value).doing(|| "reading an image manifest")?,
            ))
        }
    }
}
