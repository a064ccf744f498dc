//! What a tag leads to: one image, or one a platform and the index that names
//! them.

use serde_json::{Map, Value};

use super::assemble::in_oci_types;
use super::{Descriptor, Digest, Image, Index, Layer, LayerKind, Manifest, Platform, media};
use crate::error::{Context, Error, Result};

/// One image, or one a platform. Their own layers are the same; their bases
/// differ.
#[derive(Clone, Debug)]
pub struct Images {
    each: Vec<Image>,
    index: Option<Manifest>,
}

impl From<Image> for Images {
    fn from(image: Image) -> Images {
        Images {
            each: vec![image],
            index: None,
        }
    }
}

impl Images {
    /// Of at least one image. Several get manifests of OCI's media types, since
    /// an index is to hold no others, and an index.
    pub fn new(mut each: Vec<Image>) -> Result<Images> {
        let mut index = None;
        if each.len() != 1 {
            for image in &mut each {
                in_oci_types(image)?;
            }
            index = Some(index_of(&each)?);
        }
        Ok(Images { each, index })
    }

    /// The image for the first platform.
    pub fn first(&self) -> &Image {
        &self.each[0]
    }

    /// All, in the order of their platforms.
    pub fn each(&self) -> &[Image] {
        &self.each
    }

    /// Whether there is an index.
    pub fn are_several(&self) -> bool {
        self.index.is_some()
    }

    /// What tags lead to: the index, or the only image's manifest, if that is
    /// known.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.index.as_ref().or(self.first().manifest.as_ref())
    }

    /// The one that this machine's daemon runs.
    pub fn for_host(&self) -> Result<&Image> {
        if !self.are_several() {
            return Ok(self.first());
        }
        let platforms: Vec<&Platform> = self.each.iter().map(|image| &image.platform).collect();
        Ok(&self.each[for_host(&platforms)?])
    }

    /// The names of the platforms.
    pub fn platforms(&self) -> Vec<String> {
        let each = self.each.iter();
        each.map(|image| image.platform.to_string()).collect()
    }

    /// The layers of all images: the bases' first, then the own ones. Those that
    /// several images share are there once.
    pub fn layers(&self) -> Vec<&Layer> {
        if !self.are_several() {
            return self.first().layers.iter().collect();
        }
        let all = || self.each.iter().flat_map(|image| &image.layers);
        let is_base = |layer: &&Layer| layer.kind == LayerKind::Base;
        let mut layers: Vec<&Layer> = Vec::new();
        for layer in all()
            .filter(is_base)
            .chain(all().filter(|layer| !is_base(layer)))
        {
            if layers.iter().all(|other| !is_same(layer, other)) {
                layers.push(layer);
            }
        }
        layers
    }

    /// Every layer of every image.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.each.iter_mut().flat_map(|image| &mut image.layers)
    }
}

/// Which of several platforms this machine's daemon runs.
pub fn for_host(platforms: &[&Platform]) -> Result<usize> {
    let host = Platform::host();
    let mut all = platforms.iter();
    all.position(|one| host.accepts(one)).ok_or_else(|| {
        let names: Vec<String> = platforms.iter().map(|one| one.to_string()).collect();
        Error::usage(format!(
            "the Docker daemon takes one platform, and none of {} is this machine's, {host}",
            names.join(", ")
        ))
        .hint("--push, or --output oci:DIR, takes all of them; --platform chooses one")
    })
}

/// Whether two layers are one blob.
pub fn is_same(one: &Layer, other: &Layer) -> bool {
    let digest = |layer: &Layer| layer.descriptor.as_ref().map(|blob| blob.digest);
    one.diff_id == other.diff_id && digest(one) == digest(other)
}

/// An image as an index names it.
pub fn entry(image: &Image, manifest: &Manifest) -> Descriptor {
    let size = manifest.bytes.len() as u64;
    let mut entry = Descriptor::new(&manifest.media_type, manifest.digest, size);
    let Platform {
        os,
        architecture,
        variant,
    } = image.platform.clone();
    let mut platform = Map::from_iter([
        ("architecture".to_string(), Value::from(architecture)),
        ("os".to_string(), Value::from(os)),
    ]);
    if let Some(variant) = variant {
        platform.insert("variant".to_string(), variant.into());
    }
    let platform = Value::Object(platform);
    entry.other.insert("platform".to_string(), platform);
    entry
}

fn index_of(each: &[Image]) -> Result<Manifest> {
    let entries = each.iter().map(|image| {
        let manifest = image.manifest.as_ref().ok_or_else(|| {
            Error::new(format!(
                "internal error: the image for {} has no manifest",
                image.platform
            ))
        })?;
        Ok(entry(image, manifest))
    });
    let index = Index {
        schema_version: 2,
        media_type: Some(media::OCI_INDEX.to_string()),
        manifests: entries.collect::<Result<_>>()?,
        other: Map::new(),
    };
    let bytes = serde_json::to_vec(&index).doing(|| "encoding the index")?;
    Ok(Manifest {
        digest: Digest::of(&bytes),
        media_type: media::OCI_INDEX.to_string(),
        config: Descriptor::new(media::OCI_EMPTY, Digest::of(b"{}"), 2),
        bytes,
    })
}
