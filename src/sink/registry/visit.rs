//! One repository, and what it is known to have of an image that goes there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::error::{Context, Reason, Result};
use crate::image::{Digest, Image, Images, Layer, Manifest, Origin, Reference};
use crate::registry::{Outcome, Progress, Pusher, Registries, Source, Traffic};
use crate::report::{Phase, Report};
use crate::sink::{Delivery, LayerStatus, Medium, manifest};
use crate::store::{Bucket, Store};

/// Blobs that are asked for at once; fewer are sent at once.
const ASKED: usize = 8;

/// A repository that was asked what it has under the first of the tags that an
/// image gets. The image need not be known for that.
pub struct Asked {
    target: Reference,
    tags: Vec<String>,
    pusher: Pusher,
    registries: Registries,
    /// Other repositories of the registry that may be read, too.
    sources: BTreeSet<String>,
    /// What is there.
    head: Option<Digest>,
}

impl Asked {
    /// Asks; without tags there is no question yet. `sources` are other
    /// repositories of the registry that blobs may be mounted from.
    pub async fn ask(
        target: &Reference,
        tags: &[String],
        mut sources: BTreeSet<String>,
        store: &Store,
        registries: &Registries,
    ) -> Result<Asked> {
        let doing = || format!("pushing to {}", target.familiar_name());
        sources.remove(&target.repository);
        let registries = registries.metered();
        let pusher = pusher(&registries, target, &sources, store).doing(doing)?;
        let mut asked = Asked {
            target: target.clone(),
            tags: tags.to_vec(),
            pusher,
            registries,
            sources,
            head: None,
        };
        asked.head = asked.head_of_first().await.doing(doing)?;
        Ok(asked)
    }

    /// What is there under the first tag.
    async fn head_of_first(&self) -> Result<Option<Digest>> {
        let Some(tag) = self.tags.first() else {
            return Ok(None);
        };
        let found = self.pusher.head(&self.target.with_tag(tag)?).await?;
        Ok(found.map(|found| found.digest))
    }

    /// With the right to read these repositories, too.
    fn reading(mut self, mut more: BTreeSet<String>, store: &Store) -> Result<Asked> {
        more.remove(&self.target.repository);
        if !more.is_subset(&self.sources) {
            self.sources.extend(more);
            self.pusher = pusher(&self.registries, &self.target, &self.sources, store)?;
        }
        Ok(self)
    }
}

fn pusher(
    registries: &Registries,
    target: &Reference,
    sources: &BTreeSet<String>,
    store: &Store,
) -> Result<Pusher> {
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    Ok(Pusher::new(registries, target, &sources)?.resumable(store))
}

/// What is known of the image that goes to a repository.
pub struct Known<'a> {
    /// Its layers.
    pub layers: &'a [Layer],
    /// The image; `None` where it has no manifest yet.
    pub images: Option<&'a Images>,
    /// Whether the repository is asked before the layers are made.
    pub for_question: bool,
}

/// A repository, and what it is known to have of an image that goes there.
pub struct Visit {
    asked: Asked,
    /// Whether the image was looked for.
    has_looked: bool,
    /// Whether it is known which blobs the image under the first tag has.
    has_learned: bool,
    /// Where else in the registry earlier pushes brought layers to.
    pushed: HashMap<Digest, String>,
}

impl Visit {
    /// Asks. `others` are further repositories of the registry that blobs may
    /// be mounted from.
    pub async fn begin(
        known: &Known<'_>,
        target: &Reference,
        tags: &[String],
        others: &[String],
        store: &Store,
        registries: &Registries,
    ) -> Result<Visit> {
        let pushed = remembered(known.layers, target, store);
        let sources = sources(known.layers, target, &pushed, others);
        let asked = Asked::ask(target, tags, sources, store, registries).await?;
        Visit::of(asked, pushed, known).await
    }

    /// Goes on with what was asked before the layers were known.
    pub async fn after(
        asked: Asked,
        known: &Known<'_>,
        others: &[String],
        store: &Store,
    ) -> Result<Visit> {
        let pushed = remembered(known.layers, &asked.target, store);
        let sources = sources(known.layers, &asked.target, &pushed, others);
        let asked = asked.reading(sources, store)?;
        Visit::of(asked, pushed, known).await
    }

    async fn of(asked: Asked, pushed: HashMap<Digest, String>, known: &Known<'_>) -> Result<Visit> {
        let mut visit = Visit {
            asked,
            has_looked: false,
            has_learned: false,
            pushed,
        };
        let looked = match known.images {
            Some(images) => visit.look(images).await,
            None => visit.learn().await,
        };
        looked.doing(|| visit.doing())?;
        Ok(visit)
    }

    fn doing(&self) -> String {
        format!("pushing to {}", self.asked.target.familiar_name())
    }

    /// The image has its manifest now, where it had none when the repository was asked.
    pub async fn meet(&mut self, images: &Images) -> Result<()> {
        if self.has_looked {
            return Ok(());
        }
        let looked = self.look(images).await;
        looked.doing(|| self.doing())
    }

    /// What the image under the first tag has.
    async fn learn(&mut self) -> Result<()> {
        if let Some(digest) = self.asked.head {
            self.has_learned = self.asked.pusher.learn(digest).await;
        }
        Ok(())
    }

    async fn look(&mut self, images: &Images) -> Result<()> {
        let wanted = manifest(images)?.digest;
        self.has_looked = true;
        let pusher = &self.asked.pusher;
        match self.asked.head {
            Some(digest) if digest == wanted => self.know(images),
            Some(_) => self.learn().await?,
            // There is no tag to ask for; or nothing in it is new, so that it may be there
            // under another.
            None if self.asked.tags.is_empty()
                || !images.layers().iter().any(|layer| layer.built) =>
            {
                let same = self.asked.target.with_digest(wanted);
                if pusher.head(&same).await?.is_some() {
                    self.asked.head = self.asked.tags.is_empty().then_some(wanted);
                    self.know(images);
                }
            }
            None => {}
        }
        Ok(())
    }

    /// A registry takes a manifest only when it has what it names.
    fn know(&self, images: &Images) {
        let layers = images.layers().into_iter();
        let layers = layers.filter_map(|layer| Some(layer.descriptor.as_ref()?.digest));
        self.asked.pusher.know(layers);
        let manifests = images.each().iter().flat_map(|image| &image.manifest);
        self.asked
            .pusher
            .know(manifests.map(|manifest| manifest.config.digest));
    }

    pub(super) fn pusher(&self) -> &Pusher {
        &self.asked.pusher
    }

    /// What went over the wire for it.
    pub fn traffic(&self) -> &Traffic {
        self.asked.registries.traffic()
    }

    /// The repository.
    pub fn target(&self) -> &Reference {
        &self.asked.target
    }

    /// Whether the registry's repository has the image with this digest under
    /// the first tag: then it has all of its blobs.
    pub fn is_there(&self, manifest: Digest) -> bool {
        self.asked.head == Some(manifest)
    }

    /// Whether the repository has the blob.
    pub async fn has(&self, digest: Digest) -> Result<bool> {
        self.asked.pusher.has(digest).await
    }

    /// Another repository of the registry that has the blob, of those that the
    /// image has layers in.
    pub async fn source_with(&self, digest: Digest) -> Option<Reference> {
        for source in &self.asked.sources {
            if self.asked.pusher.other_has(source, digest).await {
                return Some(Reference {
                    repository: source.clone(),
                    tag: None,
                    digest: None,
                    ..self.asked.target.clone()
                });
            }
        }
        None
    }

    /// Pushes `images` under the tags. What the registry has is not sent.
    pub async fn push(&self, images: &Images, store: &Store, report: &Report) -> Result<Delivery> {
        let push = Push {
            images,
            manifest: manifest(images)?,
            store,
            report,
            visit: self,
        };
        push.run().await.doing(|| self.doing())
    }
}

struct Push<'a> {
    images: &'a Images,
    manifest: &'a Manifest,
    store: &'a Store,
    report: &'a Report,
    visit: &'a Visit,
}

impl Push<'_> {
    async fn run(&self) -> Result<Delivery> {
        let Asked { pusher, tags, .. } = &self.visit.asked;
        if self.visit.is_there(self.manifest.digest) {
            let moved = self.rest_of(tags, pusher).await?;
            return Ok(self.delivery(!moved, |_| LayerStatus::Present));
        }
        if self.visit.has_learned {
            // What was made just now is in no image that is there.
            let layers = self.images.layers().into_iter();
            let built = layers.filter(|layer| layer.built);
            pusher.expect_absent(built.filter_map(|layer| Some(layer.descriptor.as_ref()?.digest)));
        }
        let mut outcomes = self.blobs(pusher).await?;
        if let Err(error) = self.tag(pusher, tags).await {
            // The registry had lost what its own manifest named.
            if !(error.is(Reason::BlobUnknown) && pusher.unlearn()) {
                return Err(error);
            }
            outcomes = self.blobs(pusher).await?;
            self.tag(pusher, tags).await?;
        }
        self.remember(&outcomes);
        Ok(self.delivery(false, |digest| {
            let outcome = digest.and_then(|digest| outcomes.get(&digest));
            outcome.map_or(LayerStatus::Present, |outcome| (*outcome).into())
        }))
    }

    /// The image is there under the first tag; the others may still differ.
    async fn rest_of(&self, tags: &[String], pusher: &Pusher) -> Result<bool> {
        let mut moved = false;
        for tag in tags.iter().skip(1) {
            let head = pusher.head(&self.visit.asked.target.with_tag(tag)?).await?;
            if head.map(|head| head.digest) != Some(self.manifest.digest) {
                pusher.manifest(self.manifest, Some(tag)).await?;
                moved = true;
            }
        }
        Ok(moved)
    }

    async fn tag(&self, pusher: &Pusher, tags: &[String]) -> Result<()> {
        if self.images.are_several() {
            // An index is taken only where the registry has what it names.
            for manifest in self.images.each().iter().flat_map(|image| &image.manifest) {
                pusher.manifest(manifest, None).await?;
            }
        }
        if tags.is_empty() {
            return pusher.manifest(self.manifest, None).await;
        }
        for tag in tags {
            pusher.manifest(self.manifest, Some(tag)).await?;
        }
        Ok(())
    }

    /// Keeps where layers went: other repositories can mount them from there.
    fn remember(&self, outcomes: &HashMap<Digest, Outcome>) {
        let target = &self.visit.asked.target;
        for (digest, outcome) in outcomes {
            if *outcome == Outcome::Uploaded {
                let key = place_key(target, digest);
                // Only a help: without it they are sent again.
                let _ = self.store.put(Bucket::Layers, &key, &target.repository);
            }
        }
    }

    /// Brings all blobs there, each once, and says how.
    async fn blobs(&self, pusher: &Pusher) -> Result<HashMap<Digest, Outcome>> {
        let mut wanted = HashMap::new();
        for layer in self.images.layers() {
            let descriptor = crate::registry::descriptor(layer)?;
            // Such layers are had from their own addresses, and pushed nowhere.
            let foreign = descriptor.other.contains_key("urls");
            if !foreign {
                wanted.entry(descriptor.digest).or_insert(layer);
            }
        }
        let layers = wanted.values().map(|layer| self.layer(pusher, layer));
        let layers = stream::iter(layers).buffer_unordered(ASKED).try_collect();
        let each = self.images.each().iter();
        let configs = try_join_all(each.map(|image| self.config(pusher, image)));
        let (outcomes, _) = tokio::try_join!(layers, configs)?;
        Ok(outcomes)
    }

    async fn config(&self, pusher: &Pusher, image: &Image) -> Result<Outcome> {
        let source = Source::of_bytes(image.config.clone());
        let blob = (source.digest, source.size);
        pusher
            .blob(blob, None, || Ok(source), None)
            .await
            .doing(|| "sending the image configuration")
    }

    async fn layer(&self, pusher: &Pusher, layer: &Layer) -> Result<(Digest, Outcome)> {
        let descriptor = crate::registry::descriptor(layer)?;
        let task = self
            .report
            .start(Phase::Push, layer.name.as_str(), Some(descriptor.size));
        let progress = Arc::new(Progress::new(task));
        let pushed = self.visit.pushed.get(&descriptor.digest);
        let outcome = pusher
            .blob(
                (descriptor.digest, descriptor.size),
                mount_of(layer, &self.visit.asked.target).or(pushed.map(String::as_str)),
                || Source::of_layer(layer, self.store, &self.visit.asked.registries),
                Some(Arc::clone(&progress)),
            )
            .await
            .doing(|| format!("sending the layer {}", layer.name))?;
        progress.finish(outcome.word());
        Ok((descriptor.digest, outcome))
    }

    fn delivery(
        &self,
        unchanged: bool,
        status: impl Fn(Option<Digest>) -> LayerStatus,
    ) -> Delivery {
        let place = self.visit.target().with_digest(self.manifest.digest);
        let traffic = self.visit.asked.registries.traffic();
        let own = |_: &Layer, digest: Option<Digest>| status(digest);
        Delivery {
            bytes: traffic.sent(),
            requests: traffic.requests(),
            unchanged,
            ..Delivery::of(Medium::Registry, place.to_string(), self.images, own)
        }
    }
}

/// Other repositories of the registry that have something of the images, and
/// `others`.
fn sources(
    layers: &[Layer],
    target: &Reference,
    pushed: &HashMap<Digest, String>,
    others: &[String],
) -> BTreeSet<String> {
    let layers = layers.iter();
    let layers = layers.filter_map(|layer| mount_of(layer, target));
    let pushed = pushed.values().map(String::as_str);
    let sources = layers
        .chain(pushed)
        .chain(others.iter().map(String::as_str));
    sources.map(str::to_string).collect()
}

/// The other repository of the same registry that the layer is said to be in.
fn mount_of<'a>(layer: &'a Layer, target: &Reference) -> Option<&'a str> {
    match &layer.origin {
        Origin::Registry(from)
            if from.host == target.host && from.repository != target.repository =>
        {
            Some(&from.repository)
        }
        _ => None,
    }
}

/// Other repositories of the registry that earlier pushes brought layers to.
fn remembered(layers: &[Layer], target: &Reference, store: &Store) -> HashMap<Digest, String> {
    let layers = layers.iter().filter(|layer| !layer.built);
    let each = layers.filter_map(|layer| {
        let digest = layer.descriptor.as_ref()?.digest;
        let from: String = store.get(Bucket::Layers, &place_key(target, &digest))?;
        (from != target.repository).then_some((digest, from))
    });
    each.collect()
}

fn place_key(target: &Reference, digest: &Digest) -> String {
    format!("pushed {} {digest}", target.host)
}
