//! Images into a folder: an OCI image layout.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::files::{self, Blob, OCI_LAYOUT, Tools};
use super::{Delivery, ManifestForm, Platforms, Shipment, Sink, Takes};
use crate::attest::{self, Referrer};
use crate::base::Sources;
use crate::error::{Context, Result};
use crate::image::layout::REF_NAME;
use crate::image::{Descriptor, Digest, Images, Index, Layer, media};
use crate::registry::Source;
use crate::report::Report;
use crate::store::{self, Store, create_folder, temporary_file, write_atomically};

/// A folder that holds an OCI image layout. Blobs that are there stay, and so do the
/// folder's other images.
pub struct OciLayout {
    folder: PathBuf,
    tag: Option<String>,
}

impl OciLayout {
    /// The layout in this folder; the image gets this tag there, or else its own.
    pub fn new(folder: &Path, tag: Option<&str>) -> OciLayout {
        OciLayout {
            folder: folder.to_path_buf(),
            tag: tag.map(str::to_string),
        }
    }

    async fn write(&self, shipment: &Shipment<'_>, sources: &Sources<'_>) -> Result<Delivery> {
        let folder = &self.folder;
        let registries = &sources.registries.metered();
        let tools = Tools {
            store: sources.store,
            registries,
            report: sources.report,
        };
        let tag = self.tag.clone().or(shipment.first_tag());
        let delivery = run(shipment.images, folder, tag.as_deref(), &tools)
            .await
            .doing(|| format!("writing the OCI layout {}", folder.display()))?;
        let referrers = attest::referrers(shipment.images, shipment.documents)?;
        attach(folder, &referrers, sources.store)?;
        Ok(delivery)
    }
}

impl Sink for OciLayout {
    fn takes(&self) -> Takes {
        Takes {
            name: "--output oci".to_string(),
            platforms: Platforms::All,
            manifest: ManifestForm::Oci,
            documents: true,
            holds_layers: false,
        }
    }

    fn deliver<'a>(
        &'a mut self,
        shipment: &'a Shipment<'a>,
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Delivery>> {
        Box::pin(self.write(shipment, sources))
    }
}

async fn run(
    images: &Images,
    folder: &Path,
    tag: Option<&str>,
    tools: &Tools<'_>,
) -> Result<Delivery> {
    let blobs = folder.join("blobs/sha256");
    create_folder(&blobs)?;
    // Its index may need no writing, which would do the same.
    store::sweep(folder);
    let mut there = HashSet::new();
    let mut missing: Vec<&Layer> = Vec::new();
    for layer in images.layers() {
        let descriptor = crate::registry::descriptor(layer)?;
        match has(&blobs, &descriptor.digest, descriptor.size) {
            true => drop(there.insert(descriptor.digest)),
            false => missing.push(layer),
        }
    }
    let mut wanted = tools.layers(&missing).await?;
    for (name, bytes) in files::small(images)?.into_iter().rev() {
        let source = Source::of_bytes(bytes.to_vec());
        if !has(&blobs, &source.digest, source.size) {
            let name = name.to_string();
            wanted.push(Blob { source, name });
        }
    }
    let entry = files::index_entry(images, tag)?;
    let (report, root) = (tools.report.clone(), folder.to_path_buf());
    // Two writers of one folder would lose one of their index entries.
    let key = format!("layout {}", folder.canonicalize()?.display());
    let store = tools.store.clone();
    let bytes = files::beside(move || {
        let mut bytes = 0;
        for blob in &wanted {
            bytes += write_blob(&report, &blobs, blob)?;
        }
        let _lock = store.lock(&key)?;
        bytes += write_if_other(&root.join("oci-layout"), OCI_LAYOUT)?;
        bytes += write_if_other(&root.join("index.json"), &merged(&root, entry)?)?;
        Ok(bytes)
    })
    .await?;
    let place = place(folder, tag);
    Ok(files::delivery(place, images, bytes, |digest| {
        there.contains(digest)
    }))
}

/// Adds documents that refer to an image of the layout: to its index they
/// belong without a name (OCI image specification 1.1, `image-layout.md`).
fn attach(folder: &Path, referrers: &[Referrer], store: &Store) -> Result<()> {
    if referrers.is_empty() {
        return Ok(());
    }
    let doing = || format!("attaching documents in {}", folder.display());
    let blobs = folder.join("blobs/sha256");
    let key = format!("layout {}", folder.canonicalize().doing(doing)?.display());
    let _lock = store.lock(&key)?;
    for referrer in referrers {
        for bytes in [
            &referrer.config,
            &referrer.document,
            &referrer.manifest.bytes,
        ] {
            write_if_other(&blobs.join(Digest::of(bytes).hex()), bytes).doing(doing)?;
        }
        let index = merged(folder, referrer.entry.clone())?;
        write_if_other(&folder.join("index.json"), &index).doing(doing)?;
    }
    Ok(())
}

fn place(folder: &Path, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("oci:{}:{tag}", folder.display()),
        None => format!("oci:{}", folder.display()),
    }
}

fn has(blobs: &Path, digest: &Digest, size: u64) -> bool {
    fs::metadata(blobs.join(digest.hex())).is_ok_and(|meta| meta.is_file() && meta.len() == size)
}

fn write_blob(report: &Report, blobs: &Path, blob: &Blob) -> Result<u64> {
    let path: PathBuf = blobs.join(blob.source.digest.hex());
    let doing = || format!("writing {}", path.display());
    let mut file = temporary_file(blobs)?;
    let bytes = Tools::write(report, blob, &mut file)?;
    file.flush().doing(doing)?;
    file.as_file().sync_data().doing(doing)?;
    file.persist(&path)
        .map_err(|error| error.error)
        .doing(doing)?;
    Ok(bytes)
}

fn write_if_other(path: &Path, bytes: &[u8]) -> Result<u64> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(0);
    }
    write_atomically(path, bytes)?;
    Ok(bytes.len() as u64)
}

/// The folder's index with `entry` in it, in place of what had its name.
fn merged(root: &Path, entry: Descriptor) -> Result<Vec<u8>> {
    let path = root.join("index.json");
    let mut index: Index = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .doing(|| format!("reading {}", path.display()))
            .hint(|| "the folder holds a file index.json that is not an image index")?,
        Err(_) => Index {
            schema_version: 2,
            media_type: Some(media::OCI_INDEX.to_string()),
            manifests: Vec::new(),
            other: serde_json::Map::new(),
        },
    };
    let name = |entry: &Descriptor| {
        let annotations = entry.other.get("annotations").cloned().unwrap_or(json!({}));
        annotations.get(REF_NAME).cloned()
    };
    let refers = |entry: &Descriptor| entry.other.contains_key("artifactType");
    let mine = name(&entry);
    let replaced = |other: &Descriptor| match refers(&entry) {
        true => other.digest == entry.digest,
        false => !refers(other) && name(other) == mine,
    };
    match index.manifests.iter().position(replaced) {
        Some(at) => index.manifests[at] = entry,
        None => index.manifests.push(entry),
    }
    Ok(serde_json::to_vec(&index)?)
}
