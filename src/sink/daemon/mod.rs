//! Into the daemon, sending only the layers it lacks.
//!
//! `POST /images/load` takes an archive from which layers are missing where the
//! daemon has them already. The classic store reads `manifest.json` and looks
//! layers up by chain ID; containerd's reads `index.json` and looks blobs up by
//! digest. The archive has both, so one form serves both stores. What was
//! loaded is looked at afterwards; where it is not what was sent, everything is
//! sent.

mod archive;
mod early_load;
mod load;
mod members;

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

pub use early_load::{EarlyLoad, Follow, WORTH_SENDING_EARLY};

use super::{
    Delivery, Inventory, LayerStatus, ManifestForm, Medium, Platforms, Shipment, Sink, Takes,
    Target, There,
};
use crate::base::{BaseSpec, Sources, materialise};
use crate::daemon::Daemon;
use crate::error::{Error, Result};
use crate::image::assemble::BASE_NAME;
use crate::image::{Digest, Image, Layer, Origin, Reference, images};
use crate::store::Bucket;

/// The Docker daemon.
pub struct DockerDaemon {
    daemon: Arc<Daemon>,
    early: EarlyLoad,
    /// An image that the daemon has and that shares layers with what comes.
    like: Option<String>,
}

/// What the daemon had last, by project: its layers need not be sent again.
#[derive(Serialize, Deserialize)]
struct LastLoad {
    image_id: Digest,
}

impl DockerDaemon {
    /// A daemon that answered.
    pub fn new(daemon: Arc<Daemon>) -> DockerDaemon {
        DockerDaemon {
            early: EarlyLoad::into(daemon.clone()),
            daemon,
            like: None,
        }
    }

    /// The daemon has this image, which shares layers with what comes.
    pub fn like(self, image: &str) -> DockerDaemon {
        DockerDaemon {
            like: Some(image.to_string()),
            ..self
        }
    }

    /// The load into it that may begin early.
    pub fn early_load(&self) -> EarlyLoad {
        self.early.clone()
    }

    async fn load(&self, shipment: &Shipment<'_>, sources: &Sources<'_>) -> Result<Delivery> {
        let image = shipment.images.for_host()?;
        let names = shipment.references()?;
        let begun = self.early.take();
        let is_new = begun.as_ref().is_some_and(|begun| begun.has_layer());
        if !is_new && load::is_loaded(&self.daemon, image, &names).await? {
            let sent = vec![false; image.layers.len()];
            return Ok(delivery(shipment, image, &names, &sent, 0));
        }
        let key = format!(
            "load {} {}",
            self.daemon.address(),
            names.first().map(Reference::full).unwrap_or_default()
        );
        let known = self.known(image, &names, sources.store.get(Bucket::Builds, &key));
        let there = load::layers_there(&self.daemon, image, &known, begun.as_ref()).await?;
        let part = sendable(sources, image, there).await?;
        let (store, report) = (sources.store, sources.report);
        let loaded = load::load(&self.daemon, store, &part, &names, there, begun, report).await?;
        let loaded = match loaded {
            Some(loaded) => loaded,
            None => {
                let whole = sendable(sources, image, 0).await?;
                load::load(&self.daemon, store, &whole, &names, 0, None, report)
                    .await?
                    .ok_or_else(|| {
                        Error::new("the daemon took neither a part of the image nor all of it")
                    })?
            }
        };
        let image_id = loaded.image_id;
        store.put(Bucket::Builds, &key, &LastLoad { image_id })?;
        let mut delivery = delivery(shipment, image, &names, &loaded.sent, loaded.bytes);
        delivery.unchanged = false;
        Ok(delivery)
    }

    /// Images of the daemon that may share layers with this one.
    fn known(&self, image: &Image, names: &[Reference], last: Option<LastLoad>) -> Vec<String> {
        let mut known: Vec<String> = names.iter().map(Reference::to_string).collect();
        known.extend(self.like.clone());
        known.extend(last.map(|last| last.image_id.to_string()));
        known.extend(image.layers.iter().find_map(|layer| match &layer.origin {
            Origin::Daemon { image } => Some(image.clone()),
            _ => None,
        }));
        known.extend(base_name(image));
        known
    }

    /// The diff IDs of an image that the daemon has under one of the names, on this base.
    async fn chain(&self, targets: &[Target], base: &[Layer]) -> Result<Vec<Digest>> {
        for target in targets {
            for reference in target.references()? {
                let Some(found) = self.daemon.inspect_whole(&reference.to_string()).await? else {
                    continue;
                };
                if load::same_layers(base, &found.diff_ids) == base.len() {
                    return Ok(found.diff_ids);
                }
            }
        }
        Ok(Vec::new())
    }
}

impl Sink for DockerDaemon {
    fn takes(&self) -> Takes {
        Takes {
            name: "--load".to_string(),
            platforms: Platforms::Host,
            manifest: ManifestForm::None,
            documents: false,
            holds_layers: false,
        }
    }

    fn inventory<'a>(
        &'a self,
        targets: &'a [Target],
        base: &'a [Layer],
        _sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Option<Inventory>>> {
        Box::pin(async move {
            Ok(Some(Inventory {
                medium: Medium::Daemon,
                there: There::Chain(self.chain(targets, base).await?),
            }))
        })
    }

    fn deliver<'a>(
        &'a mut self,
        shipment: &'a Shipment<'a>,
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Delivery>> {
        Box::pin(self.load(shipment, sources))
    }
}

/// What became of the layers of `image`, of which some were sent; nothing was to do
/// where none was.
fn delivery(
    shipment: &Shipment<'_>,
    image: &Image,
    names: &[Reference],
    sent: &[bool],
    bytes: u64,
) -> Delivery {
    let images = shipment.images;
    let status = |layer: &Layer| {
        let own = image.layers.iter().zip(sent);
        let mut own = own.filter(|(own, _)| images::is_same(own, layer));
        let last = own.next_back();
        last.map(|(_, sent)| match sent {
            true => LayerStatus::Loaded,
            false => LayerStatus::Present,
        })
    };
    let loaded = image.platform.to_string();
    let platforms = match images.are_several() {
        true => images.platforms(),
        false => vec![loaded.clone()],
    };
    let (platforms, left_out) = platforms.into_iter().partition(|name| *name == loaded);
    Delivery {
        medium: Medium::Daemon,
        place: names.first().map(Reference::to_string).unwrap_or_default(),
        layers: images.layers().into_iter().map(status).collect(),
        platforms,
        left_out,
        bytes,
        requests: 0,
        unchanged: bytes == 0,
    }
}

/// The image with the bytes of all but its first `there` layers at hand.
async fn sendable(sources: &Sources<'_>, image: &Image, there: usize) -> Result<Image> {
    let mut image = image.clone();
    let mut rest = image.layers.iter().skip(there);
    if rest.any(|layer| matches!(layer.origin, Origin::Daemon { .. })) {
        materialise::from_daemon(sources, &mut image.layers).await?;
    }
    materialise::from_registry(sources, &mut image, there).await?;
    Ok(image)
}

/// The base as its label names it: the daemon may have it under that name.
fn base_name(image: &Image) -> Option<String> {
    let config: serde_json::Value = serde_json::from_slice(&image.config).unwrap_or_default();
    let labels = config.pointer("/config/Labels")?;
    let name = labels.get(BASE_NAME)?.as_str()?;
    match name.parse().ok()? {
        BaseSpec::Anywhere(name) | BaseSpec::Daemon(name) | BaseSpec::Registry(name) => {
            Some(name.to_string())
        }
        BaseSpec::Layout { .. } => None,
    }
}
