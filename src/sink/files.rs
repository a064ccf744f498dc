//! What the sinks that write files have in common.

use std::io::Write;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::{Delivery, LayerStatus, Medium, manifest};
use crate::error::{Context, Error, Result};
use crate::image::layout::REF_NAME;
use crate::image::{Descriptor, Digest, Images, Layer, Origin, images};
use crate::registry::{Registries, Source};
use crate::report::{Phase, Report};
use crate::store::Store;

/// Layers that are fetched at once.
const FETCHED: usize = 4;

/// The file that says: this is an OCI layout.
pub const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// What a sink of files works with.
#[derive(Clone)]
pub struct Tools<'a> {
    /// Where layers are, and come to.
    pub store: &'a Store,
    /// Where base layers come from.
    pub registries: &'a Registries,
    /// Who is told.
    pub report: &'a Report,
}

/// One blob to be written.
pub struct Blob {
    /// Its bytes; local ones.
    pub source: Source,
    /// A name for people.
    pub name: String,
}

impl Tools<'_> {
    /// The blobs of `layers`, each once, in their order; those that are in a
    /// registry come into the store first.
    pub async fn layers(&self, layers: &[&Layer]) -> Result<Vec<Blob>> {
        let mut wanted: Vec<&Layer> = Vec::new();
        for layer in layers {
            let digest = crate::registry::descriptor(layer)?.digest;
            let same =
                |other: &&Layer| other.descriptor.as_ref().map(|one| one.digest) == Some(digest);
            if !wanted.iter().any(same) {
                wanted.push(layer);
            }
        }
        stream::iter(wanted)
            .map(|layer| self.local(layer))
            .buffered(FETCHED)
            .try_collect()
            .await
    }

    async fn local(&self, layer: &Layer) -> Result<Blob> {
        let descriptor = crate::registry::descriptor(layer)?;
        let mut source = Source::of_layer(layer, self.store, self.registries)?;
        if let Origin::Registry(reference) = &layer.origin
            && source.is_remote()
        {
            let task = self
                .report
                .start(Phase::Fetch, layer.name.as_str(), Some(descriptor.size));
            self.registries
                .blob_to_store(reference, descriptor, self.store, Some(&task))
                .await
                .doing(|| format!("fetching the layer {}", layer.name))?;
            task.finish("fetched");
            source = Source::of_store(self.store, descriptor.digest, descriptor.size);
        }
        Ok(Blob {
            source,
            name: layer.name.clone(),
        })
    }

    /// Writes a blob's bytes, checked, telling of them.
    pub fn write(report: &Report, blob: &Blob, out: &mut impl Write) -> Result<u64> {
        let size = blob.source.size;
        let task = report.start(Phase::Write, blob.name.as_str(), Some(size));
        let mut failed = None;
        blob.source.each_piece(0, size, |piece| {
            failed = out.write_all(&piece).err();
            task.advance(piece.len() as u64);
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(Error::from(error).doing(format!("writing the layer {}", blob.name)));
        }
        task.finish("written");
        Ok(size)
    }
}

/// The documents that an image has beside its layers, with a name for people:
/// what tags lead to comes first, and what it names follows.
pub fn small(images: &Images) -> Result<Vec<(&'static str, &[u8])>> {
    let mut small: Vec<(&str, &[u8])> = Vec::new();
    if images.are_several() {
        small.push(("index", &manifest(images)?.bytes));
    }
    for image in images.each() {
        let manifest = image.manifest.iter();
        small.extend(manifest.map(|manifest| ("manifest", manifest.bytes.as_slice())));
        small.push(("configuration", &image.config));
    }
    Ok(small)
}

/// The entry in an `index.json`, under `tag`.
pub fn index_entry(images: &Images, tag: Option<&str>) -> Result<Descriptor> {
    let top = manifest(images)?;
    let mut entry = match images.are_several() {
        true => Descriptor::new(&top.media_type, top.digest, top.bytes.len() as u64),
        false => images::entry(images.first(), top),
    };
    if let Some(tag) = tag {
        let name = json!({ REF_NAME: tag });
        entry.other.insert("annotations".into(), name);
    }
    Ok(entry)
}

/// What became of an image that was written to `place`; `there` says of a
/// blob whether the place had it.
pub fn delivery(
    place: String,
    images: &Images,
    bytes: u64,
    there: impl Fn(&Digest) -> bool,
) -> Delivery {
    let status = |layer: &Layer, digest: Option<Digest>| match digest {
        Some(digest) if there(&digest) => LayerStatus::Present,
        _ => LayerStatus::made(layer),
    };
    Delivery {
        bytes,
        unchanged: bytes == 0,
        ..Delivery::of(Medium::File, place, images, status)
    }
}

/// Does slow work on files beside the network's threads.
pub async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
