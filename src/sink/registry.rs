//! Images into a registry.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{LayerStatus, Published, Status, manifest};
use crate::error::{Context, Result};
use crate::image::{Digest, Image, Layer, Manifest, Origin, Reference};
use crate::registry::{Outcome, Progress, Pusher, Registries, Source};
use crate::report::{Phase, Report};
use crate::store::Store;

/// Blobs that are asked for at once; fewer are sent at once.
const ASKED: usize = 8;

/// Pushes `image` to the repository of `target` under each of `tags`, or by
/// its digest alone where there are none. What the registry has is not sent.
pub async fn push(
    image: &Image,
    target: &Reference,
    tags: &[String],
    store: &Store,
    registries: &Registries,
    report: &Report,
) -> Result<Published> {
    let push = Push {
        image,
        manifest: manifest(image)?,
        target,
        store,
        registries: &registries.metered(),
        report,
    };
    push.run(tags)
        .await
        .doing(|| format!("pushing to {}", target.familiar_name()))
}

struct Push<'a> {
    image: &'a Image,
    manifest: &'a Manifest,
    target: &'a Reference,
    store: &'a Store,
    registries: &'a Registries,
    report: &'a Report,
}

impl Push<'_> {
    async fn run(&self, tags: &[String]) -> Result<Published> {
        let sources = self.sources();
        let pusher = Pusher::new(self.registries, self.target, &sources)?.resumable(self.store);
        let first = match tags.first() {
            Some(tag) => self.target.with_tag(tag)?,
            None => self.target.with_digest(self.manifest.digest),
        };
        let head = pusher.head(&first).await?.map(|head| head.digest);
        if head == Some(self.manifest.digest) {
            let moved = self.rest_of(tags, &pusher).await?;
            let layers = self.image.layers.iter();
            let layers = layers
                .map(|layer| LayerStatus::of(layer, Status::Present))
                .collect();
            return Ok(self.published(tags, layers, !moved));
        }
        if let Some(digest) = head {
            pusher.learn(digest).await;
        }
        let mut outcomes = self.blobs(&pusher).await?;
        if let Err(error) = self.tag(&pusher, tags).await {
            // The registry had lost what its own manifest named.
            if !(error.is("blob-unknown") && pusher.unlearn()) {
                return Err(error);
            }
            outcomes = self.blobs(&pusher).await?;
            self.tag(&pusher, tags).await?;
        }
        let layers = self.image.layers.iter();
        let layers = layers
            .map(|layer| {
                let digest = layer.descriptor.as_ref().map(|one| one.digest);
                let outcome = digest.and_then(|digest| outcomes.get(&digest));
                LayerStatus::of(layer, outcome.map_or(Status::Present, |one| status(*one)))
            })
            .collect();
        Ok(self.published(tags, layers, false))
    }

    /// The image is there under the first tag; the others may still differ.
    async fn rest_of(&self, tags: &[String], pusher: &Pusher) -> Result<bool> {
        let mut moved = false;
        for tag in tags.iter().skip(1) {
            let head = pusher.head(&self.target.with_tag(tag)?).await?;
            if head.map(|head| head.digest) != Some(self.manifest.digest) {
                pusher.manifest(self.manifest, Some(tag)).await?;
                moved = true;
            }
        }
        Ok(moved)
    }

    async fn tag(&self, pusher: &Pusher, tags: &[String]) -> Result<()> {
        if tags.is_empty() {
            return pusher.manifest(self.manifest, None).await;
        }
        for tag in tags {
            pusher.manifest(self.manifest, Some(tag)).await?;
        }
        Ok(())
    }

    /// Brings all blobs there, each once, and says how.
    async fn blobs(&self, pusher: &Pusher) -> Result<HashMap<Digest, Outcome>> {
        let mut wanted = HashMap::new();
        for layer in &self.image.layers {
            let descriptor = crate::registry::descriptor(layer)?;
            // Such layers are had from their own addresses, and pushed nowhere.
            let foreign = descriptor.other.contains_key("urls");
            if !foreign {
                wanted.entry(descriptor.digest).or_insert(layer);
            }
        }
        let layers = wanted.values().map(|layer| self.layer(pusher, layer));
        let layers = stream::iter(layers).buffer_unordered(ASKED).try_collect();
        let config = async {
            let config = &self.manifest.config;
            let source = || Ok(Source::of_bytes(self.image.config.clone()));
            pusher
                .blob((config.digest, config.size), None, source, None)
                .await
                .doing(|| "sending the image configuration")
        };
        let (outcomes, _) = tokio::try_join!(layers, config)?;
        Ok(outcomes)
    }

    async fn layer(&self, pusher: &Pusher, layer: &Layer) -> Result<(Digest, Outcome)> {
        let descriptor = crate::registry::descriptor(layer)?;
        let task = self
            .report
            .start(Phase::Push, layer.name.as_str(), Some(descriptor.size));
        let progress = Arc::new(Progress::new(task));
        let outcome = pusher
            .blob(
                (descriptor.digest, descriptor.size),
                self.mount_of(layer),
                || Source::of_layer(layer, self.store, self.registries),
                Some(Arc::clone(&progress)),
            )
            .await
            .doing(|| format!("sending the layer {}", layer.name))?;
        progress.finish(outcome.word());
        Ok((descriptor.digest, outcome))
    }

    fn mount_of<'a>(&self, layer: &'a Layer) -> Option<&'a str> {
        match &layer.origin {
            Origin::Registry(from)
                if from.host == self.target.host && from.repository != self.target.repository =>
            {
                Some(&from.repository)
            }
            _ => None,
        }
    }

    fn sources(&self) -> Vec<&str> {
        let layers = self.image.layers.iter();
        let mut sources: Vec<&str> = layers.filter_map(|layer| self.mount_of(layer)).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    fn published(&self, tags: &[String], layers: Vec<LayerStatus>, unchanged: bool) -> Published {
        let traffic = self.registries.traffic();
        Published {
            place: self.target.with_digest(self.manifest.digest).to_string(),
            digest: self.manifest.digest,
            tags: tags.to_vec(),
            layers,
            bytes: traffic.sent(),
            requests: traffic.requests(),
            unchanged,
        }
    }
}

fn status(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Present => Status::Present,
        Outcome::Mounted => Status::Mounted,
        Outcome::Uploaded => Status::Uploaded,
    }
}
