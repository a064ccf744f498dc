//! A load that sends only the layers which the daemon lacks.
//!
//! `POST /images/load` takes an archive from which layers are missing where the
//! daemon has them already. The classic store reads `manifest.json` and looks
//! layers up by chain ID; containerd's reads `index.json` and looks blobs up by
//! digest. The archive has both, so one form serves both stores. What was
//! loaded is looked at afterwards; where it is not what was sent, everything is
//! sent.

use std::sync::Arc;

use super::archive::Archive;
use super::early_load::Begun;
use crate::daemon::Daemon;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Digest, Image, Layer, Reference};
use crate::report::{Phase, Report};
use crate::store::Store;

/// What the daemon took.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The image's ID in this daemon.
    pub image_id: Digest,
    /// For each layer of the image, whether it was sent.
    pub sent: Vec<bool>,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// Whether the daemon has exactly this image under every name.
pub async fn is_loaded(daemon: &Daemon, image: &Image, names: &[Reference]) -> Result<bool> {
    Ok(verify(daemon, image, names).await?.is_some())
}

/// How many of the image's layers, counted from the lowest, the daemon has for
/// certain: those it has in the same order in an image it knows. It cannot have
/// the layer that was sent early, nor what lies above.
pub async fn layers_there(
    daemon: &Daemon,
    image: &Image,
    known: &[String],
    early: Option<&Begun>,
) -> Result<usize> {
    let most = early
        .and_then(|early| early.at_in(image))
        .unwrap_or(image.layers.len());
    let mut there = 0;
    for name in known {
        if there >= most {
            break;
        }
        if let Some(other) = daemon.inspect_whole(name).await? {
            there = there.max(same_layers(&image.layers, &other.diff_ids));
        }
    }
    Ok(there)
}

/// How many layers, counted from the lowest, are the same.
pub fn same_layers(layers: &[Layer], diff_ids: &[Digest]) -> usize {
    layers
        .iter()
        .zip(diff_ids)
        .take_while(|(layer, diff_id)| layer.diff_id == **diff_id)
        .count()
}

/// Loads the image under `names`, leaving out its first `there` layers and what
/// was sent early. Answers `None` where the daemon would not have it that way:
/// then its whole is needed.
pub async fn load(
    daemon: &Daemon,
    store: &Store,
    image: &Image,
    names: &[Reference],
    there: usize,
    early: Option<Begun>,
    report: &Report,
) -> Result<Option<Loaded>> {
    let total: u64 = image
        .layers
        .iter()
        .skip(there)
        .filter_map(|layer| layer.descriptor.as_ref())
        .map(|descriptor| descriptor.size)
        .sum();
    let task = Arc::new(report.start(Phase::Load, shown(names), Some(total)));
    let begun = match early {
        Some(early) => early.into_parts().await,
        None => None,
    };
    let (loading, early) = begun.unwrap_or_else(|| (daemon.load(), None));
    let whole = there == 0 && early.is_none();
    task.advance(loading.sent());
    let archive = Archive {
        image: image.clone(),
        names: names.to_vec(),
        there,
        early,
        store: store.clone(),
    };
    let (told, mut sink) = (task.clone(), loading.archive()?);
    let written = tokio::task::spawn_blocking(move || archive.write(&mut sink, &told));
    let written = written.await.doing(|| "writing the archive")?;
    let bytes = loading.sent();
    let loaded = match written {
        // A daemon that hung up is told by its own answer.
        Err(error) if !loading.is_closed() => return Err(error),
        _ => loading.finish().await,
    };
    let verified = match &loaded {
        Ok(()) => verify(daemon, image, names).await?,
        Err(_) => None,
    };
    if verified.is_none() && whole {
        untag(daemon, image, names).await;
    }
    let task = Arc::into_inner(task);
    match (verified, loaded) {
        (Some(image_id), _) => {
            if let Some(task) = task {
                task.finish("loaded");
            }
            Ok(Some(Loaded {
                image_id,
                sent: (0..image.layers.len()).map(|at| at >= there).collect(),
                bytes,
            }))
        }
        (None, Err(error)) if whole => Err(hint_of(error)),
        (None, Ok(())) if whole => Err(Error::new(format!(
            "the daemon at {} took the image {} but does not have its layers",
            daemon.address(),
            shown(names)
        ))
        .hint("the daemon's log says more; `docker system df` shows whether its disk is full")),
        (None, loaded) => {
            let why = loaded
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            if let Some(task) = task {
                task.finish("not taken");
            }
            report.detail(format!(
                "the daemon did not take the image without the {there} layers that it was said to have; sending everything ({why})"
            ));
            Ok(None)
        }
    }
}

fn hint_of(error: Error) -> Error {
    let hint = match error.reason() {
        Some(Reason::DiskFull) => {
            "the daemon's disk is full: `docker system df` shows what takes the room, `docker image prune` frees some"
        }
        Some(Reason::ImageVanished) => {
            "the daemon lost what it was given while it unpacked it: something else removes images (`docker rmi`, `docker image prune`); run the command again when that is done"
        }
        _ => "nothing of the old image was changed; run the command again when the daemon is well",
    };
    error.hint(hint)
}

/// Takes the names off an image that is not whole: containerd's store gives them
/// before it unpacks. A daemon that does not answer has other troubles.
async fn untag(daemon: &Daemon, image: &Image, names: &[Reference]) {
    for name in names.iter().map(Reference::to_string) {
        let is_broken = match daemon.inspect(&name).await {
            Ok(found) => found.is_some_and(|found| is_of(image, &found.id)),
            Err(error) => error.is(Reason::DamagedImage),
        };
        if is_broken {
            let _ = daemon.untag(&name).await;
        }
    }
}

/// Whether a daemon's ID is the image's: its configuration's digest or its
/// manifest's, by store.
fn is_of(image: &Image, id: &Digest) -> bool {
    let manifest = image.manifest.as_ref().map(|manifest| manifest.digest);
    manifest == Some(*id) || *id == Digest::of(&image.config)
}

fn shown(names: &[Reference]) -> String {
    names.first().map(Reference::to_string).unwrap_or_default()
}

/// The image's ID, if every name leads to exactly these layers.
async fn verify(daemon: &Daemon, image: &Image, names: &[Reference]) -> Result<Option<Digest>> {
    let mut id = None;
    for name in names {
        let Some(found) = daemon.inspect_whole(&name.to_string()).await? else {
            return Ok(None);
        };
        if found.diff_ids.len() != image.layers.len()
            || found
                .diff_ids
                .iter()
                .zip(&image.layers)
                .any(|(diff_id, layer)| *diff_id != layer.diff_id)
        {
            return Ok(None);
        }
        if !is_of(image, &found.id) {
            return Ok(None);
        }
        id = Some(found.id);
    }
    Ok(id)
}
