//! An image to its places: daemon, registries, files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::attest::Attachment;
use crate::base::{Base, BaseSpec, Sources, materialise};
use crate::error::{Error, Result};
use crate::image::{AnyManifest, Digest, Image, Images, Origin, Reference, images};
use crate::ops::build::outcome::{LayerOutcome, Transferred};
use crate::ops::build::push_targets::Visits;
use crate::ops::build::targets::Target;
use crate::ops::{Session, attached};
use crate::registry::PLATFORMS;
use crate::report::bytes;
use crate::sink::registry::Visit;
use crate::sink::{Published, Status, archive, daemon, layout};
use crate::store::Bucket;

/// A file or folder to write, and the image's name in it where it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// `oci:DIR[:TAG]`.
    Layout(PathBuf, Option<String>),
    /// `oci-archive:FILE[:TAG]`.
    OciArchive(PathBuf, Option<String>),
    /// `docker-archive:FILE`; its names are the image's.
    DockerArchive(PathBuf),
}

impl std::str::FromStr for Output {
    type Err = Error;

    fn from_str(text: &str) -> Result<Output> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !path.is_empty() && !tag.contains('/') => {
                (path, Some(tag.to_string()))
            }
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            crate::image::reference::check_tag(tag)?;
        }
        let error = || {
            Error::usage(format!("`{text}` is no output"))
                .hint("outputs are oci:DIR[:TAG], oci-archive:FILE[:TAG] and docker-archive:FILE")
        };
        match kind {
            _ if path.is_empty() => Err(error()),
            "oci" => Ok(Output::Layout(PathBuf::from(path), tag)),
            "oci-archive" => Ok(Output::OciArchive(PathBuf::from(path), tag)),
            "docker-archive" => Ok(Output::DockerArchive(PathBuf::from(rest))),
            _ => Err(error()),
        }
    }
}

/// Where an image goes.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Into the daemon.
    pub load: bool,
    /// Into registries.
    pub push: bool,
    /// Into files.
    pub outputs: Vec<Output>,
    /// An image that the daemon has and that shares layers with this one.
    pub like: Option<String>,
}

/// What came of it.
pub struct Delivered {
    /// Each layer and what became of it.
    pub layers: Vec<LayerOutcome>,
    /// What went over the wire.
    pub transferred: Transferred,
    /// A line a place.
    pub told: Vec<String>,
    /// Whether every place had everything.
    pub unchanged: bool,
}

/// Sends the images everywhere; the daemon takes the one for this machine. Layers that
/// are on their way into the daemon already come `ahead`; targets that were
/// asked already are in `visits`.
pub async fn deliver(
    session: &Session,
    images: &Images,
    targets: &[Target],
    places: &Places,
    attached: &[Attachment],
    ahead: Option<daemon::Ahead>,
    mut visits: Visits,
) -> Result<Delivered> {
    let layers = images.layers();
    let mut status: Vec<Status> = layers
        .iter()
        .map(|layer| {
            if layer.built {
                Status::Built
            } else {
                Status::Cached
            }
        })
        .collect();
    let mut out = Delivered {
        layers: Vec::new(),
        transferred: Transferred::default(),
        told: Vec::new(),
        unchanged: true,
    };
    if places.load {
        let image = images.for_host()?;
        let like = places.like.clone();
        let loaded = load(session, image, targets, like, ahead, &mut out).await?;
        for (layer, loaded) in image.layers.iter().zip(loaded) {
            for (status, other) in status.iter_mut().zip(&layers) {
                if images::is_same(layer, other) {
                    *status = loaded;
                }
            }
        }
        if images.are_several() {
            out.told.push(left_out(images, image));
        }
    }
    for output in &places.outputs {
        let published = write(session, images, targets, output).await?;
        if let Output::Layout(path, _) = output {
            attached::write(session, images, path, attached)?;
        }
        out.unchanged &= published.unchanged;
        out.told.push(format!(
            "wrote {}, {}",
            published.place,
            bytes(published.bytes)
        ));
        if !places.load {
            status = published.layers.iter().map(|layer| layer.status).collect();
        }
    }
    if places.push {
        for target in targets {
            let visit = visits.take(session, images, target).await?;
            let published = push(session, images, attached, &visit).await?;
            out.transferred.registry_bytes += published.bytes;
            out.transferred.registry_requests += published.requests;
            out.unchanged &= published.unchanged;
            out.told.push(pushed_line(images, &published));
            status = published.layers.iter().map(|layer| layer.status).collect();
        }
    }
    out.layers = layers
        .into_iter()
        .zip(status)
        .map(|(layer, status)| LayerOutcome {
            kind: layer.kind,
            name: layer.name.clone(),
            digest: layer
                .descriptor
                .as_ref()
                .map(|descriptor| descriptor.digest),
            diff_id: layer.diff_id,
            size: layer
                .descriptor
                .as_ref()
                .map_or(0, |descriptor| descriptor.size),
            entries: layer.entries,
            status,
        })
        .collect();
    Ok(out)
}

async fn push(
    session: &Session,
    images: &Images,
    documents: &[Attachment],
    visit: &Visit,
) -> Result<Published> {
    let (store, report) = (&session.store, &session.report);
    let mut published = visit.push(images, store, report).await?;
    if attached::push(visit, images, documents).await? > 0 {
        published.unchanged = false;
    }
    published.bytes = visit.traffic().sent();
    published.requests = visit.traffic().requests();
    Ok(published)
}

/// Gives an image whose base only the daemon knows its descriptors, its bytes
/// and its manifest, so that it can go anywhere.
pub async fn make_portable(
    sources: &Sources<'_>,
    image: &mut Image,
    docker_types: bool,
) -> Result<()> {
    materialise::from_daemon(sources, &mut image.layers).await?;
    image.manifest = crate::image::assemble::manifest(&image.config, &image.layers, docker_types)?;
    Ok(())
}

/// The platforms that the daemon does not get.
fn left_out(images: &Images, loaded: &Image) -> String {
    let mut names = images.platforms();
    names.retain(|name| *name != loaded.platform.to_string());
    format!(
        "the daemon takes {} alone; {} goes to registries and files",
        loaded.platform,
        names.join(", ")
    )
}

fn pushed_line(images: &Images, published: &Published) -> String {
    let total = published.layers.len();
    let moved: Vec<_> = published
        .layers
        .iter()
        .filter(|layer| layer.status == Status::Uploaded)
        .collect();
    let mounted = published
        .layers
        .iter()
        .filter(|layer| layer.status == Status::Mounted)
        .count();
    let requests = match published.requests {
        1 => "1 request".to_string(),
        many => format!("{many} requests"),
    };
    if published.unchanged {
        return format!("pushed nothing: all {total} layers and the tag are there ({requests})");
    }
    let there = total - moved.len() - mounted;
    let mut line = format!(
        "pushed {} of {total} layers, {}; {there} already there",
        moved.len(),
        bytes(published.bytes)
    );
    if mounted > 0 {
        line.push_str(&format!(", {mounted} mounted"));
    }
    line.push_str(&format!(" ({requests})"));
    if images.are_several() {
        let names = images.platforms().join(", ");
        line.push_str(&format!("; an index of {names}"));
    }
    line
}

/// The layers that the targets' repositories have for certain: those that
/// their tags name. What cannot be asked counts as absent.
pub async fn layers_in_registries(session: &Session, targets: &[Target]) -> Vec<Digest> {
    let mut there = Vec::new();
    let registries = session.registries.direct();
    for target in targets {
        for reference in target.references().unwrap_or_default() {
            let Ok(fetched) = registries.manifest(&reference).await else {
                continue;
            };
            let mut manifests = vec![fetched.parse()];
            if let Some(Ok(AnyManifest::Index(index))) = manifests.first() {
                for entry in index.manifests.clone().iter().take(PLATFORMS) {
                    let inner = reference.with_digest(entry.digest);
                    let fetched = registries.manifest(&inner).await;
                    manifests.push(fetched.and_then(|fetched| fetched.parse()));
                }
            }
            for manifest in manifests {
                if let Ok(AnyManifest::Image(manifest)) = manifest {
                    there.extend(manifest.layers.iter().map(|layer| layer.digest));
                }
            }
        }
    }
    there
}

/// Whether the base's layers are in the registry that the image goes to.
pub fn is_mountable(base: &Base, targets: &[Target]) -> bool {
    base.layers.iter().all(|layer| match &layer.origin {
        Origin::Registry(from) => targets
            .iter()
            .all(|target| target.repository.host == from.host),
        _ => false,
    })
}

/// What the daemon had last, by project: its layers need not be sent again.
#[derive(Serialize, Deserialize)]
struct LastLoad {
    image_id: Digest,
}

/// Says what became of each layer.
async fn load(
    session: &Session,
    image: &Image,
    targets: &[Target],
    like: Option<String>,
    ahead: Option<daemon::Ahead>,
    out: &mut Delivered,
) -> Result<Vec<Status>> {
    let docker = session.need_daemon().await?;
    let mut names: Vec<Reference> = Vec::new();
    for target in targets {
        names.extend(target.references()?);
    }
    let total = image.layers.len();
    let is_new = ahead.as_ref().is_some_and(daemon::Ahead::has_layer);
    if !is_new && daemon::is_loaded(docker, image, &names).await? {
        out.told.push(format!(
            "loaded nothing: the daemon has all {total} layers and the tag"
        ));
        return Ok(vec![Status::Present; total]);
    }
    out.unchanged = false;
    let key = format!(
        "load {} {}",
        docker.address(),
        names.first().map(Reference::full).unwrap_or_default()
    );
    let last: Option<LastLoad> = session.store.get(Bucket::Builds, &key);
    let mut known: Vec<String> = names.iter().map(Reference::to_string).collect();
    known.extend(like);
    known.extend(last.map(|last| last.image_id.to_string()));
    known.extend(image.layers.iter().find_map(|layer| match &layer.origin {
        Origin::Daemon { image } => Some(image.clone()),
        _ => None,
    }));
    known.extend(base_name(image));
    let there = daemon::layers_there(docker, image, &known, ahead.as_ref()).await?;
    let part = sendable(session, image, there).await?;
    let (store, report) = (&session.store, &session.report);
    let loaded = match daemon::load(docker, store, &part, &names, there, ahead, report).await? {
        Some(loaded) => loaded,
        None => {
            let whole = sendable(session, image, 0).await?;
            daemon::load(docker, store, &whole, &names, 0, None, report)
                .await?
                .ok_or_else(|| {
                    Error::new("the daemon took neither a part of the image nor all of it")
                })?
        }
    };
    session.store.put(
        Bucket::Builds,
        &key,
        &LastLoad {
            image_id: loaded.image_id,
        },
    )?;
    let status = loaded.sent.iter().map(|sent| match sent {
        true => Status::Loaded,
        false => Status::Present,
    });
    let status = status.collect();
    let sent = loaded.sent.iter().filter(|sent| **sent).count();
    out.transferred.daemon_bytes += loaded.bytes;
    out.told.push(format!(
        "loaded {sent} of {total} layers, {}; {} already there",
        bytes(loaded.bytes),
        total - sent
    ));
    Ok(status)
}

/// The image with the bytes of all but its first `there` layers at hand.
async fn sendable(session: &Session, image: &Image, there: usize) -> Result<Image> {
    let mut image = image.clone();
    let sources = session.sources().await;
    let mut rest = image.layers.iter().skip(there);
    if rest.any(|layer| matches!(layer.origin, Origin::Daemon { .. })) {
        materialise::from_daemon(&sources, &mut image.layers).await?;
    }
    materialise::from_registry(&sources, &mut image, there).await?;
    Ok(image)
}

/// The base as its label names it: the daemon may have it under that name.
fn base_name(image: &Image) -> Option<String> {
    let config: serde_json::Value = serde_json::from_slice(&image.config).unwrap_or_default();
    let labels = config.pointer("/config/Labels")?;
    let name = labels.get("org.opencontainers.image.base.name")?.as_str()?;
    match name.parse().ok()? {
        BaseSpec::Anywhere(name) | BaseSpec::Daemon(name) | BaseSpec::Registry(name) => {
            Some(name.to_string())
        }
        BaseSpec::Layout { .. } => None,
    }
}

async fn write(
    session: &Session,
    images: &Images,
    targets: &[Target],
    output: &Output,
) -> Result<Published> {
    let mut names: Vec<Reference> = Vec::new();
    for target in targets {
        names.extend(target.references()?);
    }
    let (store, registries, report) = (&session.store, &session.registries, &session.report);
    let tag = targets
        .first()
        .and_then(|target| target.tags.first())
        .cloned();
    match output {
        Output::Layout(path, named) => {
            let tag = named.clone().or(tag);
            layout::write(images, path, tag.as_deref(), store, registries, report).await
        }
        Output::OciArchive(path, named) => {
            let form = archive::Form::Oci(named.clone().or(tag));
            archive::write(images, path, form, store, registries, report).await
        }
        Output::DockerArchive(path) => {
            let form = archive::Form::Docker(names);
            archive::write(images, path, form, store, registries, report).await
        }
    }
}
