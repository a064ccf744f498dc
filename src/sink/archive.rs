//! Images into one file: an OCI layout in a tar, or what `docker load` reads.

use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use futures_util::future::LocalBoxFuture;
use serde_json::json;
use tar::{EntryType, Header};

use super::files::{self, Blob, OCI_LAYOUT, Tools};
use super::{Delivery, ManifestForm, Platforms, Shipment, Sink, Takes};
use crate::base::Sources;
use crate::error::{Context, Error, Result};
use crate::image::{Digest, Images, Index, Layer, Reference, media};
use crate::registry::Source;
use crate::report::Report;
use crate::store::{check_replaceable, create_folder};

/// An OCI layout in a tar. A file that is there is replaced when the new one is whole.
pub struct OciArchive {
    path: PathBuf,
    tag: Option<String>,
}

impl OciArchive {
    /// The archive in this file; the image gets this tag there, or else its own.
    pub fn new(path: &Path, tag: Option<&str>) -> OciArchive {
        OciArchive {
            path: path.to_path_buf(),
            tag: tag.map(str::to_string),
        }
    }

    async fn write(&self, shipment: &Shipment<'_>, sources: &Sources<'_>) -> Result<Delivery> {
        let tag = self.tag.clone().or(shipment.first_tag());
        let tag = tag.as_deref();
        let suffix = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let place = format!("oci-archive:{}{suffix}", self.path.display());
        let head = oci_head(shipment.images, tag);
        write(shipment.images, &self.path, place, head, sources).await
    }
}

impl Sink for OciArchive {
    fn takes(&self) -> Takes {
        Takes {
            name: "--output oci-archive".to_string(),
            platforms: Platforms::All,
            manifest: ManifestForm::Oci,
            documents: false,
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

/// What `docker save` writes and `docker load` reads. A file that is there is replaced
/// when the new one is whole.
pub struct DockerArchive {
    path: PathBuf,
}

impl DockerArchive {
    /// The archive in this file; the image's names are its names there.
    pub fn new(path: &Path) -> DockerArchive {
        DockerArchive {
            path: path.to_path_buf(),
        }
    }

    async fn write(&self, shipment: &Shipment<'_>, sources: &Sources<'_>) -> Result<Delivery> {
        let place = format!("docker-archive:{}", self.path.display());
        let head = docker_head(shipment.images, &shipment.references()?);
        write(shipment.images, &self.path, place, head, sources).await
    }
}

impl Sink for DockerArchive {
    fn takes(&self) -> Takes {
        Takes {
            name: "--output docker-archive".to_string(),
            platforms: Platforms::One,
            manifest: ManifestForm::OfBase,
            documents: false,
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

/// Writes a tar that is the same, byte for byte, for the same image: what `head` says,
/// then the layers.
async fn write(
    images: &Images,
    path: &Path,
    place: String,
    head: Result<HeadMembers>,
    sources: &Sources<'_>,
) -> Result<Delivery> {
    let written = async {
        let head = head?;
        let registries = &sources.registries.metered();
        let tools = Tools {
            store: sources.store,
            registries,
            report: sources.report,
        };
        let blobs = tools.layers(&images.layers()).await?;
        let (report, path) = (sources.report.clone(), path.to_path_buf());
        files::beside(move || write_file(&path, &head, &blobs, &report)).await
    };
    let bytes = written
        .await
        .doing(|| format!("writing the archive {}", path.display()))?;
    Ok(files::delivery(place, images, bytes, |_| false))
}

/// Docker reads such layers from no archive that it wrote itself, and before
/// version 23 from nowhere.
fn refuse_zstd(images: &Images) -> Result<()> {
    let zstd = |layer: &&Layer| {
        let descriptor = layer.descriptor.as_ref();
        descriptor.is_some_and(|one| one.media_type == media::OCI_LAYER_ZSTD)
    };
    match images.layers().into_iter().find(zstd) {
        None => Ok(()),
        Some(layer) => Err(Error::new(format!(
            "the layer {} is compressed with zstd, which docker-archive does not know",
            layer.name
        ))
        .hint("write an oci-archive instead")),
    }
}

/// The small members that come before the blobs.
type HeadMembers = Vec<(String, Vec<u8>)>;

fn oci_head(images: &Images, tag: Option<&str>) -> Result<HeadMembers> {
    let index = Index {
        schema_version: 2,
        media_type: Some(media::OCI_INDEX.to_string()),
        manifests: vec![files::index_entry(images, tag)?],
        other: serde_json::Map::new(),
    };
    let mut head = vec![
        ("oci-layout".to_string(), OCI_LAYOUT.to_vec()),
        ("index.json".to_string(), serde_json::to_vec(&index)?),
    ];
    let small = files::small(images)?.into_iter();
    head.extend(small.map(|(_, bytes)| (Digest::of(bytes).blob_path(), bytes.to_vec())));
    Ok(head)
}

fn docker_head(images: &Images, names: &[Reference]) -> Result<HeadMembers> {
    refuse_zstd(images)?;
    let image = images.for_host()?;
    let mut layers = Vec::new();
    for layer in &image.layers {
        layers.push(crate::registry::descriptor(layer)?.digest.blob_path());
    }
    let names: Vec<String> = names.iter().map(Reference::to_string).collect();
    let list = json!([{
        "Config": Digest::of(&image.config).blob_path(),
        "RepoTags": names,
        "Layers": layers,
    }]);
    let config = &image.config;
    Ok(vec![
        ("manifest.json".to_string(), serde_json::to_vec(&list)?),
        (Digest::of(config).blob_path(), config.clone()),
    ])
}

fn write_file(path: &Path, head: &HeadMembers, blobs: &[Blob], report: &Report) -> Result<u64> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    check_replaceable(path)?;
    create_folder(folder)?;
    let file = crate::store::temporary_file(folder)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let small = Report::silent();
    for (name, bytes) in head {
        member(
            &mut out,
            name,
            &Source::of_bytes(bytes.clone()),
            name,
            &small,
        )?;
    }
    for blob in blobs {
        let name = blob.source.digest.blob_path();
        member(&mut out, &name, &blob.source, &blob.name, report)?;
    }
    // Two zero blocks end a tar.
    out.write_all(&[0; 1024])?;
    let file = out.into_inner().map_err(|error| error.into_error())?;
    let bytes = file.as_file().metadata()?.len();
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(bytes)
}

fn member(
    out: &mut impl Write,
    name: &str,
    source: &Source,
    shown: &str,
    report: &Report,
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_path(name)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(source.size);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    let blob = Blob {
        source: source.clone(),
        name: shown.to_string(),
    };
    Tools::write(report, &blob, out)?;
    let padding = source.size.next_multiple_of(512) - source.size;
    std::io::copy(&mut std::io::repeat(0).take(padding), out)?;
    Ok(())
}
