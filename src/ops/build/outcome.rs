//! What a build or push ends with: the metadata file, the JSON on stdout, and
//! the last line.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::image::{Digest, Image, Images, LayerKind};
use crate::sink::{Delivery, LayerStatus, Medium, Target};

/// The document of `--metadata-file` and `--format json`.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The repository.
    pub image: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The manifest's digest, or the index's, where there are several platforms;
    /// the image ID where the base is known to nothing but the daemon, so that
    /// there is no manifest.
    pub digest: Digest,
    /// The configuration's digest; of the first platform, where there are several.
    pub image_id: Digest,
    /// The images that the index names, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformOutcome>,
    /// The base.
    pub base: BaseOutcome,
    /// The layers, lowest first.
    pub layers: Vec<LayerOutcome>,
    /// What went over the wire.
    pub transferred: Transferred,
    /// How long it took.
    pub seconds: f64,
    /// What went to each place.
    #[serde(skip)]
    pub deliveries: Vec<Delivery>,
}

/// The image for one platform.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformOutcome {
    /// What it runs on.
    pub platform: String,
    /// Its manifest's digest.
    pub digest: Digest,
    /// Its configuration's digest.
    pub image_id: Digest,
}

impl PlatformOutcome {
    /// Of an image that has a manifest.
    pub fn of(image: &Image) -> Option<PlatformOutcome> {
        Some(PlatformOutcome {
            platform: image.platform.to_string(),
            digest: image.manifest.as_ref()?.digest,
            image_id: Digest::of(&image.config),
        })
    }
}

/// The base of an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaseOutcome {
    /// Its name; for the first platform, where each has another base.
    pub reference: String,
    /// Its digest; for the first platform, where there are several.
    pub digest: Digest,
}

impl BaseOutcome {
    /// Of the base that an image was made on.
    pub fn of(base: &Base) -> BaseOutcome {
        BaseOutcome {
            reference: base.reference.clone(),
            digest: base.digest,
        }
    }
}

/// One layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerOutcome {
    /// What it holds.
    #[serde(serialize_with = "kind_word")]
    pub kind: LayerKind,
    /// Its name.
    pub name: String,
    /// Digest of the bytes as registries keep them.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Size in bytes as registries keep it; 0 where it is not known.
    pub size: u64,
    /// Paths in it; 0 for a layer of the base.
    pub entries: usize,
    /// What became of it.
    pub status: LayerStatus,
}

fn kind_word<S: serde::Serializer>(kind: &LayerKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.word())
}

/// What went over the wire.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transferred {
    /// Bytes sent to the daemon.
    pub daemon_bytes: u64,
    /// Bytes sent to registries.
    pub registry_bytes: u64,
    /// Requests to registries.
    pub registry_requests: u64,
}

impl Transferred {
    fn of(deliveries: &[Delivery]) -> Transferred {
        let sum = |medium: Medium, of: fn(&Delivery) -> u64| {
            let there = deliveries.iter().filter(|one| one.medium == medium);
            there.map(of).sum()
        };
        Transferred {
            daemon_bytes: sum(Medium::Daemon, |one| one.bytes),
            registry_bytes: sum(Medium::Registry, |one| one.bytes),
            registry_requests: sum(Medium::Registry, |one| one.requests),
        }
    }
}

/// Each layer of the images, and what became of it: in the place that counts most.
fn layers(images: &Images, deliveries: &[Delivery]) -> Vec<LayerOutcome> {
    let mut by_medium: Vec<&Delivery> = deliveries.iter().collect();
    by_medium.sort_by_key(|delivery| delivery.medium);
    let layers = images.layers().into_iter().enumerate();
    let layers = layers.map(|(at, layer)| {
        let told = by_medium.iter().rev();
        let mut told = told.filter_map(|delivery| *delivery.layers.get(at)?);
        let blob = layer.descriptor.as_ref();
        LayerOutcome {
            kind: layer.kind,
            name: layer.name.clone(),
            digest: blob.map(|blob| blob.digest),
            diff_id: layer.diff_id,
            size: blob.map_or(0, |blob| blob.size),
            entries: layer.entries,
            status: told.next().unwrap_or(LayerStatus::made(layer)),
        }
    });
    layers.collect()
}

impl Outcome {
    /// The result of bringing an image to its places, of work that `begun` then.
    pub fn of(
        images: &Images,
        targets: &[Target],
        base: BaseOutcome,
        deliveries: Vec<Delivery>,
        begun: Instant,
    ) -> Outcome {
        let image_id = Digest::of(&images.first().config);
        let manifest = images.manifest();
        Outcome {
            image: targets
                .first()
                .map(|target| target.repository.familiar_name())
                .unwrap_or_default(),
            tags: targets
                .iter()
                .flat_map(|target| target.tags.clone())
                .collect(),
            digest: manifest.map_or(image_id, |manifest| manifest.digest),
            image_id,
            platforms: match images.are_several() {
                true => images
                    .each()
                    .iter()
                    .filter_map(PlatformOutcome::of)
                    .collect(),
                false => Vec::new(),
            },
            base,
            layers: layers(images, &deliveries),
            transferred: Transferred::of(&deliveries),
            seconds: begun.elapsed().as_secs_f64(),
            deliveries,
        }
    }

    /// Whether every place had everything.
    pub fn unchanged(&self) -> bool {
        self.deliveries.iter().all(|delivery| delivery.unchanged)
    }

    /// `repository:tag@digest`: what stdout gets.
    pub fn reference(&self) -> String {
        let tag = self
            .tags
            .first()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        format!("{}{tag}@{}", self.image, self.digest)
    }
}
