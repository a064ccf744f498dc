//! The archive that a daemon loads: layers, configuration, and the lists by
//! which each image store finds them. The lists come last, so that an archive
//! that was broken off is no image.

use std::io::{self, Read, Write};

use serde_json::json;

use super::members::{header, path_of};
use crate::error::{Error, Reason, Result};
use crate::image::{Digest, Image, Layer, Reference};
use crate::report::Task;
use crate::store::{CheckedReader, LayerBytes, Store};

/// What goes into an archive.
pub(super) struct Archive {
    pub image: Image,
    pub names: Vec<Reference>,
    /// How many layers, from the lowest, the daemon has.
    pub there: usize,
    /// The layer that the archive has already.
    pub early: Option<Digest>,
    pub store: Store,
}

impl Archive {
    pub(super) fn write(&self, sink: impl Write, task: &Task) -> Result<()> {
        let mut tar = tar::Builder::new(sink);
        for layer in self.image.layers.iter().skip(self.there) {
            let digest = layer.descriptor.as_ref().map(|layer| layer.digest);
            if digest.is_none() || digest != self.early {
                self.layer(&mut tar, layer, task)?;
            }
        }
        let config = Digest::of(&self.image.config).blob_path();
        append(&mut tar, &config, &self.image.config)?;
        if let Some(manifest) = &self.image.manifest {
            let index = json!({"schemaVersion": 2, "manifests": self.manifests(manifest)});
            append(&mut tar, &manifest.digest.blob_path(), &manifest.bytes)?;
            append(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
            append(&mut tar, "index.json", index.to_string().as_bytes())?;
        }
        let names: Vec<String> = self.names.iter().map(Reference::to_string).collect();
        let docker = json!([{
            "Config": config,
            "RepoTags": names,
            "Layers": self.paths(),
        }]);
        append(&mut tar, "manifest.json", docker.to_string().as_bytes())?;
        tar.into_inner()?.flush()?;
        Ok(())
    }

    fn paths(&self) -> Vec<String> {
        let path = |layer: &Layer| {
            let digest = layer.descriptor.as_ref().map(|layer| &layer.digest);
            path_of(digest.unwrap_or(&layer.diff_id), self.early.as_ref())
        };
        self.image.layers.iter().map(path).collect()
    }

    fn manifests(&self, manifest: &crate::image::Manifest) -> Vec<serde_json::Value> {
        let entry = |name: &Reference| {
            json!({
                "mediaType": manifest.media_type,
                "digest": manifest.digest,
                "size": manifest.bytes.len(),
                "annotations": {
                    "io.containerd.image.name": name.full(),
                    "org.opencontainers.image.ref.name": name.tag,
                },
            })
        };
        self.names.iter().map(entry).collect()
    }

    fn layer<W: Write>(&self, tar: &mut tar::Builder<W>, layer: &Layer, task: &Task) -> Result<()> {
        let descriptor = layer.descriptor.as_ref().ok_or_else(|| {
            Error::new(format!("the layer `{}` has no bytes to send", layer.name))
        })?;
        let LayerBytes::Local(blob) = LayerBytes::of(layer, descriptor, &self.store) else {
            return Err(Error::new(format!(
                "the bytes of the layer `{}` were not fetched",
                layer.name
            )));
        };
        let mut send = || -> Result<()> {
            let bytes = Told {
                inner: blob.open()?,
                task,
            };
            let mut header = header(descriptor.size);
            tar.append_data(&mut header, descriptor.digest.blob_path(), bytes)?;
            Ok(())
        };
        send().map_err(|error| match error.is(Reason::CorruptBlob) {
            true => Error::new(format!(
                "the cache's copy of the layer `{}` is corrupted; it was deleted",
                layer.name
            ))
            .because(Reason::CorruptBlob),
            false => error.doing(format!("sending the layer `{}`", layer.name)),
        })
    }
}

/// Tells a task of what is read.
struct Told<'a> {
    inner: CheckedReader,
    task: &'a Task,
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.task.advance(read as u64);
        Ok(read)
    }
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> Result<()> {
    tar.append_data(&mut header(bytes.len() as u64), name, bytes)?;
    Ok(())
}
