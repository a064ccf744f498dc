//! `flinkpack push`: what was built last, to its registry.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::attest::Attachment;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Digest, Image, Images, Layer, Platform, Reference, media};
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::ops::build::inputs::lock_path;
use crate::ops::build::outcome::{BaseOutcome, Outcome};
use crate::ops::build::portable::make_portable;
use crate::ops::build::send;
use crate::ops::build::sinks::repositories;
use crate::ops::build::targets::targets;
use crate::sink::{Shipment, Sink, Target};
use crate::store::{Bucket, Store};

/// What is kept of the last build of a project.
#[derive(Serialize, Deserialize)]
pub struct LastBuild {
    base: BaseOutcome,
    each: Vec<LastImage>,
    targets: Vec<(Reference, Vec<String>)>,
    attached: Vec<Attachment>,
}

/// The image for one platform.
#[derive(Serialize, Deserialize)]
struct LastImage {
    platform: String,
    layers: Vec<Layer>,
    config: Digest,
    docker_types: bool,
}

impl LastImage {
    fn keep(session: &Session, image: &Image) -> Result<LastImage> {
        let manifest = image.manifest.as_ref();
        Ok(LastImage {
            platform: image.platform.to_string(),
            layers: image.layers.iter().map(as_cached).collect(),
            config: session.store.write_blob(&image.config)?,
            docker_types: manifest
                .is_some_and(|manifest| manifest.media_type == media::DOCKER_MANIFEST),
        })
    }

    /// The image, where the cache still has its configuration.
    async fn image(self, session: &Session) -> Result<Option<Image>> {
        let Some(config) = session.store.read_blob(&self.config) else {
            return Ok(None);
        };
        let docker_types = self.docker_types;
        let mut image = Image {
            platform: self.platform.parse::<Platform>()?,
            manifest: crate::image::assemble::manifest(&config, &self.layers, docker_types)?,
            layers: self.layers,
            config,
        };
        if image.manifest.is_none() {
            make_portable(&session.sources().await, &mut image, docker_types).await?;
        }
        Ok(Some(image))
    }
}

/// The layer as another run sees it: its bytes are checked again when sent.
fn as_cached(layer: &Layer) -> Layer {
    Layer {
        built: false,
        ..layer.clone()
    }
}

fn key(manifest: &Path) -> Result<String> {
    let whole =
        std::fs::canonicalize(manifest).doing(|| format!("looking for {}", manifest.display()))?;
    Ok(format!("last {}", whole.display()))
}

impl LastBuild {
    /// Keeps a build.
    pub fn keep(
        session: &Session,
        manifest: &Path,
        images: &Images,
        targets: &[Target],
        base: &BaseOutcome,
        attached: &[Attachment],
    ) -> Result<()> {
        let last = LastBuild {
            base: base.clone(),
            each: images
                .each()
                .iter()
                .map(|image| LastImage::keep(session, image))
                .collect::<Result<_>>()?,
            targets: targets
                .iter()
                .map(|target| (target.repository.clone(), target.tags.clone()))
                .collect(),
            attached: attached.to_vec(),
        };
        session.store.put(Bucket::Builds, &key(manifest)?, &last)
    }

    fn find(store: &Store, manifest: &Path) -> Result<Option<LastBuild>> {
        Ok(store.get(Bucket::Builds, &key(manifest)?))
    }
}

/// Pushes what was built last from this manifest; `tags` take the place of
/// those it was built with.
pub async fn run(session: &Session, manifest: &Path, tags: &[String]) -> Result<Outcome> {
    let begun = Instant::now();
    let nothing = || {
        Error::new(format!(
            "nothing was built from {} yet, or the cache was pruned since",
            manifest.display()
        ))
        .hint("`flinkpack build --push` builds and pushes")
    };
    let last = LastBuild::find(&session.store, manifest)?.ok_or_else(nothing)?;
    let mut each = Vec::new();
    for one in last.each {
        each.push(one.image(session).await?.ok_or_else(nothing)?);
    }
    let images = Images::new(each)?;
    let targets = if tags.is_empty() {
        last.targets
            .into_iter()
            .map(|(repository, tags)| Target { repository, tags })
            .collect()
    } else {
        let lock = std::fs::read(lock_path(manifest)).unwrap_or_default();
        targets(&Manifest::read(manifest)?, tags, &Digest::of(&lock))?
    };
    let shipment = Shipment {
        images: &images,
        targets: &targets,
        documents: &last.attached,
    };
    let mut sinks: Vec<Box<dyn Sink>> = repositories(&targets).collect();
    let sent = send(session, &mut sinks, &shipment).await;
    let deliveries = sent.map_err(|error| {
        if error.is(Reason::CorruptBlob) {
            error.hint("`flinkpack build --push` makes it anew")
        } else {
            error
        }
    })?;
    Ok(Outcome::of(&images, &targets, last.base, deliveries, begun))
}
