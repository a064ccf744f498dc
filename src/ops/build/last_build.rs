//! What was built last of each project, for `push`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::outcome::BaseOutcome;
use super::portable::make_portable;
use crate::attest::Attachment;
use crate::error::{Context, Result};
use crate::image::{Digest, Image, Images, Layer, Platform, Reference, media};
use crate::ops::Session;
use crate::sink::Target;
use crate::store::{Bucket, Store};

/// What is kept of the last build of a project.
#[derive(Serialize, Deserialize)]
pub struct LastBuild {
    /// The base that it was made on.
    pub base: BaseOutcome,
    each: Vec<LastImage>,
    targets: Vec<(Reference, Vec<String>)>,
    /// The documents that refer to it.
    pub attached: Vec<Attachment>,
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
    async fn image(&self, session: &Session) -> Result<Option<Image>> {
        let Some(config) = session.store.read_blob(&self.config) else {
            return Ok(None);
        };
        let docker_types = self.docker_types;
        let mut image = Image {
            platform: self.platform.parse::<Platform>()?,
            manifest: crate::image::assemble::manifest(&config, &self.layers, docker_types)?,
            layers: self.layers.clone(),
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

    /// The names that it got.
    pub fn targets(&self) -> Vec<Target> {
        let each = self.targets.iter().cloned();
        each.map(|(repository, tags)| Target { repository, tags })
            .collect()
    }

    /// The image for each platform; `None` where the cache was pruned since.
    pub async fn images(&self, session: &Session) -> Result<Option<Images>> {
        let mut each = Vec::new();
        for one in &self.each {
            let Some(image) = one.image(session).await? else {
                return Ok(None);
            };
            each.push(image);
        }
        Images::new(each).map(Some)
    }

    /// What was built last from this manifest.
    pub fn find(store: &Store, manifest: &Path) -> Result<Option<LastBuild>> {
        Ok(store.get(Bucket::Builds, &key(manifest)?))
    }
}
