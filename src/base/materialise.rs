//! The bytes of base layers, for the few cases that need them: a sink that
//! lacks them, or a JAR that moves out of opt/.

use std::io::{self, BufReader, Read, Write};
use std::ops::ControlFlow;

use super::entries;
use super::scan::clean;
use super::{Sources, registry_side};
use crate::daemon::read_ahead;
use crate::error::{Context, Error, Reason, Result};
use crate::image::gzip::Gzip;
use crate::image::{Descriptor, Digest, Image, Layer, Origin, media};
use crate::report::Phase;
use crate::store::{Bucket, LayerBytes, Store};

/// A reader of a layer's bytes as its descriptor names them.
pub(super) async fn open_layer(
    sources: &Sources<'_>,
    layer: &Layer,
) -> Result<Box<dyn Read + Send>> {
    let descriptor = layer
        .descriptor
        .as_ref()
        .ok_or_else(|| Error::new(format!("the layer `{}` has no descriptor", layer.name)))?;
    match LayerBytes::of(layer, descriptor, sources.store) {
        LayerBytes::Local(blob) => Ok(Box::new(blob.open()?)),
        LayerBytes::Registry(repository) => {
            if sources.offline {
                return Err(Error::new(format!(
                    "the layer `{}` is in the registry {} only, and --offline forbids asking it",
                    layer.name, repository.host
                ))
                .because(Reason::Offline));
            }
            registry_side::blob_reader(sources, repository, descriptor)
        }
        LayerBytes::Daemon(image) => Err(Error::new(format!(
            "the layer `{}` is in the daemon's image {image} only",
            layer.name
        ))),
    }
}

/// Brings the bytes of all base layers that only the daemon has into the store,
/// by one export; layers get the descriptors they lack. Afterwards every layer
/// can be sent anywhere.
pub async fn from_daemon(sources: &Sources<'_>, layers: &mut [Layer]) -> Result<()> {
    let Some(image) = layers.iter().find_map(|layer| match &layer.origin {
        Origin::Daemon { image } => Some(image.clone()),
        _ => None,
    }) else {
        return Ok(());
    };
    let packed_key = |layer: &Layer| format!("packed {}", layer.diff_id);
    let mut missing = false;
    for layer in layers.iter_mut() {
        if !matches!(layer.origin, Origin::Daemon { .. }) {
            continue;
        }
        if layer.descriptor.is_none() {
            layer.descriptor = sources.store.get(Bucket::Layers, &packed_key(layer));
        }
        let there = layer.descriptor.as_ref().is_some_and(|descriptor| {
            sources.store.blob_size(&descriptor.digest) == Some(descriptor.size)
        });
        missing |= !there;
    }
    if missing {
        let daemon = sources.daemon.ok_or_else(|| {
            Error::new("the base's layers are in the Docker daemon, and none answers")
        })?;
        let task = sources.report.start(
            Phase::Base,
            "exporting the base's layers from the daemon",
            None,
        );
        let reader = read_ahead(daemon.export(&image));
        let store = sources.store.clone();
        let wanted: Vec<Layer> = layers.to_vec();
        let packed = tokio::task::spawn_blocking(move || {
            let packed = pack(reader, &store, &wanted)?;
            task.finish("exported");
            Ok::<_, Error>(packed)
        })
        .await?
        .doing(|| "exporting the base's layers from the daemon")?;
        for layer in layers.iter_mut() {
            if !matches!(layer.origin, Origin::Daemon { .. }) {
                continue;
            }
            let known = packed.iter().find(|(diff_id, _)| *diff_id == layer.diff_id);
            if let (None, Some((_, descriptor))) = (&layer.descriptor, known) {
                sources
                    .store
                    .put(Bucket::Layers, &packed_key(layer), descriptor)?;
                layer.descriptor = Some(descriptor.clone());
            }
        }
    }
    for layer in layers.iter_mut() {
        if !matches!(layer.origin, Origin::Daemon { .. }) {
            continue;
        }
        match &layer.descriptor {
            Some(descriptor) if sources.store.blob_size(&descriptor.digest).is_some() => {
                layer.origin = Origin::Store;
            }
            _ => {
                return Err(Error::new(format!(
                    "the daemon's export of {image} lacks the layer {}",
                    layer.diff_id
                ))
                .hint("`docker pull` the base again, or name it as docker://REFERENCE"));
            }
        }
    }
    Ok(())
}

/// Keeps each layer of an export: as it is where its descriptor is known
/// (containerd's store), compressed where it is not (the classic store).
fn pack(reader: impl Read, store: &Store, wanted: &[Layer]) -> Result<Vec<(Digest, Descriptor)>> {
    let mut found = Vec::new();
    let reader = BufReader::with_capacity(1 << 20, reader);
    entries::each(reader, |entry| {
        let name = clean(&entry.path_bytes())?;
        let size = entry.size();
        if !entry.header().entry_type().is_file() || size < 512 {
            return Ok(ControlFlow::Continue(()));
        }
        let known = wanted.iter().find(|layer| {
            layer
                .descriptor
                .as_ref()
                .is_some_and(|descriptor| name == descriptor.digest.blob_path())
        });
        if let Some(descriptor) = known.and_then(|layer| layer.descriptor.as_ref()) {
            let mut blob = store.new_blob()?;
            io::copy(entry, &mut blob)?;
            blob.commit_as(&descriptor.digest)?;
            return Ok(ControlFlow::Continue(()));
        }
        if wanted.iter().all(|layer| layer.descriptor.is_some()) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut start = [0; 512];
        entry.read_exact(&mut start)?;
        let is_tar = &start[257..262] == b"ustar" || start.iter().all(|byte| *byte == 0);
        if !is_tar {
            return Ok(ControlFlow::Continue(()));
        }
        let mut tee = Tee {
            diff_id: sha2::Sha256::default(),
            gzip: Gzip::new(store.new_blob()?),
        };
        tee.write_all(&start)?;
        io::copy(entry, &mut tee)?;
        let diff_id = Digest::finish(tee.diff_id);
        let (digest, size) = tee.gzip.finish()?.commit()?;
        found.push((
            diff_id,
            Descriptor::new(media::OCI_LAYER_GZIP, digest, size),
        ));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

struct Tee<W: Write> {
    diff_id: sha2::Sha256,
    gzip: Gzip<W>,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sha2::Digest::update(&mut self.diff_id, bytes);
        self.gzip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Brings the bytes of every layer that is in a registry only into the store:
/// what a daemon without the base needs.
pub async fn from_registry(sources: &Sources<'_>, image: &mut Image, skip: usize) -> Result<()> {
    for layer in image.layers.iter_mut().skip(skip) {
        let (Origin::Registry(repository), Some(descriptor)) = (&layer.origin, &layer.descriptor)
        else {
            continue;
        };
        if sources.store.blob_size(&descriptor.digest) != Some(descriptor.size) {
            let task =
                sources
                    .report
                    .start(Phase::Fetch, layer.name.clone(), Some(descriptor.size));
            sources
                .registries
                .blob_to_store(repository, descriptor, sources.store, Some(&task))
                .await
                .doing(|| format!("fetching the layer `{}`", layer.name))?;
            task.finish("fetched");
        }
        layer.origin = Origin::Store;
    }
    Ok(())
}
