//! Images into one file: an OCI layout in a tar, or what `docker load` reads.

use std::io::{BufWriter, Read, Write};
use std::path::Path;

use serde_json::json;
use tar::{EntryType, Header};

use super::files::{self, Blob, OCI_LAYOUT, Tools};
use super::{Published, manifest};
use crate::error::{Context, Error, Result};
use crate::image::{Digest, Images, Index, Layer, Reference, media};
use crate::registry::{Registries, Source};
use crate::report::Report;
use crate::store::{Store, check_replaceable, create_folder};

/// The two forms of archives.
#[derive(Clone, Debug)]
pub enum Form {
    /// An OCI layout; the image may have a name in it.
    Oci(Option<String>),
    /// What `docker save` writes and `docker load` reads, with these names.
    Docker(Vec<Reference>),
}

/// Writes `images` to `path`: a tar that is the same, byte for byte, for the
/// same image. A file that is there is replaced when the new one is whole.
pub async fn write(
    images: &Images,
    path: &Path,
    form: Form,
    store: &Store,
    registries: &Registries,
    report: &Report,
) -> Result<Published> {
    let doing = || format!("writing the archive {}", path.display());
    let registries = &registries.metered();
    let tools = Tools {
        store,
        registries,
        report,
    };
    run(images, path, form, &tools).await.doing(doing)
}

async fn run(images: &Images, path: &Path, form: Form, tools: &Tools<'_>) -> Result<Published> {
    let manifest = manifest(images)?;
    if matches!(form, Form::Docker(_)) {
        refuse_zstd(images)?;
    }
    let blobs = tools.layers(&images.layers()).await?;
    let (place, tag) = match &form {
        Form::Oci(tag) => {
            let suffix = tag
                .as_ref()
                .map(|tag| format!(":{tag}"))
                .unwrap_or_default();
            (
                format!("oci-archive:{}{suffix}", path.display()),
                tag.clone(),
            )
        }
        Form::Docker(_) => (format!("docker-archive:{}", path.display()), None),
    };
    let head = match &form {
        Form::Oci(tag) => oci_head(images, tag.as_deref())?,
        Form::Docker(names) => docker_head(images, names)?,
    };
    let (report, path) = (tools.report.clone(), path.to_path_buf());
    let bytes = files::beside(move || write_file(&path, &head, &blobs, &report)).await?;
    let there = |_: &Digest| false;
    Ok(files::published(
        place,
        images,
        manifest,
        tag.as_deref(),
        bytes,
        tools.registries,
        there,
    ))
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
