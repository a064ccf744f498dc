//! A base that a registry has, and the registry's knowledge of one that the
//! daemon has.

use std::time::Duration;

use serde_json::Value;
use tokio_util::io::SyncIoBridge;

use super::export::read_layer;
use super::tree::Tree;
use super::{Base, BaseFacts, Sources, environment, label};
use crate::daemon::Inspected;
use crate::error::{Context, Error, Reason, Result};
use crate::image::reference::DOCKER_HUB;
use crate::image::{
    AnyManifest, Descriptor, Digest, ImageManifest, Layer, LayerKind, Origin, Platform, Reference,
    media,
};
use crate::report::Phase;
use crate::store::{Bucket, Store};

/// How long a registry may take to say what it knows of an image that the
/// daemon has: it is only a help.
const HELP: Duration = Duration::from_secs(5);

/// How long a registry that did not know an image is not asked again.
const AGAIN: Duration = Duration::from_secs(600);

/// What a registry has of an image.
pub(super) struct Published {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The configuration's bytes.
    pub config: Vec<u8>,
    /// Where it was found.
    pub repository: Reference,
}

/// The manifest that the daemon's image has in one of the registries it came
/// from or went to. `None` where none answers.
pub(super) async fn published(
    sources: &Sources<'_>,
    reference: &Reference,
    inspected: &Inspected,
    classic: bool,
) -> Option<Published> {
    let mut places: Vec<Reference> = inspected
        .repo_digests
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    // `base build --push` sends an image itself, so that the daemon does not
    // know of it. Docker Hub is not asked for names that only look like its own.
    if reference.host != DOCKER_HUB {
        places.push(reference.clone());
    }
    let asked = Asked::of(inspected, &places);
    if places.is_empty() || asked.lately(sources.store) {
        return None;
    }
    // The repository that the user names is the likeliest to answer.
    places.sort_by_key(|place| place.name() != reference.name());
    for place in places {
        let asked = tokio::time::timeout(HELP, ask(sources, &place, inspected, classic)).await;
        match asked {
            Ok(Ok(published)) => return Some(published),
            Ok(Err(error)) => sources.report.detail(format!("{place}: {error}")),
            Err(_) => sources.report.detail(format!("{place}: no answer in time")),
        }
    }
    // Not before: another build that finds the note does not ask, and would take an
    // answer that is on its way for none.
    asked.in_vain(sources.store);
    None
}

/// The note that places were asked for an image and none knew it: they need not be
/// waited for in each build.
struct Asked(String);

impl Asked {
    fn of(inspected: &Inspected, places: &[Reference]) -> Asked {
        let names: Vec<String> = places.iter().map(Reference::full).collect();
        Asked(format!("asked {} {}", inspected.id, names.join(" ")))
    }

    fn lately(&self, store: &Store) -> bool {
        let last: Option<u64> = store.get(Bucket::Bases, &self.0);
        last.is_some_and(|last| now().saturating_sub(last) < AGAIN.as_secs())
    }

    fn in_vain(&self, store: &Store) {
        // Only a help: without it the places are asked again.
        let _ = store.put(Bucket::Bases, &self.0, &now());
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs())
}

async fn ask(
    sources: &Sources<'_>,
    place: &Reference,
    inspected: &Inspected,
    classic: bool,
) -> Result<Published> {
    let resolved = sources
        .registries
        .resolve_platform(place, &inspected.platform)
        .await?;
    if classic && resolved.manifest.config.digest != inspected.id {
        return Err(Error::new("the registry has another image there"));
    }
    let config = config(sources, place, &resolved.manifest.config).await?;
    let (_, diff_ids) = read_config(&config)?;
    if diff_ids != inspected.diff_ids {
        return Err(Error::new("the registry's image has other layers"));
    }
    Ok(Published {
        manifest: resolved.fetched.bytes.to_vec(),
        config,
        repository: Reference {
            tag: None,
            digest: None,
            ..place.clone()
        },
    })
}

async fn config(
    sources: &Sources<'_>,
    place: &Reference,
    descriptor: &Descriptor,
) -> Result<Vec<u8>> {
    if let Some(bytes) = sources.store.read_blob(&descriptor.digest) {
        return Ok(bytes);
    }
    let bytes = sources.registries.config(place, descriptor).await?;
    sources.store.write_blob(&bytes)?;
    Ok(bytes)
}

/// The configuration, and the diff IDs that it lists.
pub(super) fn read_config(bytes: &[u8]) -> Result<(Value, Vec<Digest>)> {
    let config: Value =
        serde_json::from_slice(bytes).doing(|| "reading the image's configuration: not JSON")?;
    let diff_ids = config
        .pointer("/rootfs/diff_ids")
        .and_then(Value::as_array)
        .ok_or_else(|| {
            Error::new("the image's configuration lists no layers: it is not a container image")
        })?
        .iter()
        .map(|diff_id| diff_id.as_str().unwrap_or_default().parse())
        .collect::<Result<_>>()?;
    Ok((config, diff_ids))
}

/// A base from its registry.
pub(super) async fn open(
    sources: &Sources<'_>,
    reference: &Reference,
    platform: &Platform,
) -> Result<Base> {
    let doing = || format!("reading the base {reference} from its registry");
    let (bytes, manifest) = manifest(sources, reference, platform).await.doing(doing)?;
    let digest = Digest::of(&bytes);
    sources.store.write_blob(&bytes)?;
    let config = match sources.store.read_blob(&manifest.config.digest) {
        Some(config) => config,
        None => {
            offline(sources, reference)?;
            config(sources, reference, &manifest.config)
                .await
                .doing(doing)?
        }
    };
    from_parts(
        sources,
        Parts {
            name: reference.to_string(),
            digest,
            manifest,
            config,
            platform: platform.clone(),
        },
        |_| {
            Origin::Registry(Reference {
                tag: None,
                digest: None,
                ..reference.clone()
            })
        },
    )
    .await
}

/// `reference` by the digest that it has now; what it leads to is kept.
pub(super) async fn fixed(sources: &Sources<'_>, reference: &Reference) -> Result<Reference> {
    offline(sources, reference)?;
    let fetched = sources.registries.manifest(reference).await;
    let fetched = fetched.doing(|| format!("reading the base {reference} from its registry"))?;
    sources.store.write_blob(&fetched.bytes)?;
    Ok(reference.with_digest(fetched.digest))
}

fn offline(sources: &Sources<'_>, reference: &Reference) -> Result<()> {
    if sources.offline {
        return Err(Error::new(format!(
            "the base {reference} is not in the cache, and --offline forbids asking its registry"
        ))
        .because(Reason::Offline)
        .hint("run once without --offline"));
    }
    Ok(())
}

async fn manifest(
    sources: &Sources<'_>,
    reference: &Reference,
    platform: &Platform,
) -> Result<(Vec<u8>, ImageManifest)> {
    let mut reference = reference.clone();
    let cached = |reference: &Reference| sources.store.read_blob(&reference.digest?);
    // An index, and then an image.
    for _ in 0..2 {
        let Some(bytes) = cached(&reference) else {
            break;
        };
        match AnyManifest::parse(&bytes, None)? {
            AnyManifest::Image(manifest) => return Ok((bytes, manifest)),
            AnyManifest::Index(index) => {
                reference = reference.with_digest(index.choose(platform)?.digest);
            }
        }
    }
    let reference = &reference;
    offline(sources, reference)?;
    let resolved = sources
        .registries
        .resolve_platform(reference, platform)
        .await?;
    Ok((resolved.fetched.bytes.to_vec(), resolved.manifest))
}

/// What a base from anywhere but the daemon is made of.
pub(super) struct Parts {
    pub name: String,
    pub digest: Digest,
    pub manifest: ImageManifest,
    pub config: Vec<u8>,
    pub platform: Platform,
}

/// A base out of its manifest and configuration; its layers are read only
/// where neither the store nor the label has its facts.
pub(super) async fn from_parts(
    sources: &Sources<'_>,
    parts: Parts,
    origin: impl Fn(&Descriptor) -> Origin,
) -> Result<Base> {
    let Parts {
        name,
        digest,
        manifest,
        config,
        platform,
    } = parts;
    let (parsed, diff_ids) = read_config(&config).doing(|| format!("reading {name}"))?;
    let found = Platform::of_json(&parsed)
        .ok_or_else(|| Error::new(format!("the configuration of {name} names no platform")))?;
    if !platform.accepts(&found) {
        return Err(Error::new(format!(
            "the image {name} is for {found}, but {platform} is wanted"
        ))
        .because(Reason::WrongPlatform)
        .hint("`[image] platform` in the manifest chooses another one"));
    }
    if diff_ids.len() != manifest.layers.len() {
        return Err(Error::new(format!(
            "the manifest of {name} names {} layers and its configuration {}",
            manifest.layers.len(),
            diff_ids.len()
        )));
    }
    let layers: Vec<Layer> = manifest
        .layers
        .iter()
        .zip(&diff_ids)
        .enumerate()
        .map(|(place, (descriptor, diff_id))| Layer {
            kind: LayerKind::Base,
            name: format!("base {}", place + 1),
            diff_id: *diff_id,
            descriptor: Some(descriptor.clone()),
            origin: origin(descriptor),
            entries: 0,
            built: false,
        })
        .collect();
    let facts = facts(sources, &name, &parsed, &diff_ids, &layers).await?;
    let docker_types = manifest.media_type.as_deref() == Some(media::DOCKER_MANIFEST)
        || (manifest.media_type.is_none() && manifest.config.media_type == media::DOCKER_CONFIG);
    Ok(Base {
        reference: name,
        digest,
        daemon_id: None,
        platform: found,
        layers,
        config,
        docker_types,
        facts,
    })
}

async fn facts(
    sources: &Sources<'_>,
    name: &str,
    config: &Value,
    diff_ids: &[Digest],
    layers: &[Layer],
) -> Result<BaseFacts> {
    let env = config.pointer("/config/Env").and_then(Value::as_array);
    let (home, java_home) = environment(env.into_iter().flatten().filter_map(Value::as_str));
    let key = super::facts_key(&home, diff_ids);
    if let Some(facts) = sources.store.get(Bucket::Bases, &key) {
        return Ok(facts);
    }
    let _lock = sources.alone(&key, name).await?;
    if let Some(facts) = sources.store.get(Bucket::Bases, &key) {
        return Ok(facts);
    }
    let labelled = config
        .pointer("/config/Labels")
        .and_then(|labels| labels.get(label::LABEL))
        .and_then(Value::as_str)
        .and_then(|text| label::read(text, diff_ids));
    let (known, mut tree, covered) = match labelled {
        Some((facts, count)) => {
            let tree = Tree::of(&facts);
            (Some(facts), tree, count)
        }
        None => (None, Tree::default(), 0),
    };
    let facts = match known {
        Some(facts) if covered == layers.len() => facts,
        _ => {
            for (place, layer) in layers.iter().enumerate().skip(covered) {
                let scan = scan_layer(sources, name, layer, &home, place).await?;
                tree.apply(scan);
            }
            tree.facts(&home, java_home.as_deref())
                .doing(|| format!("reading the base {name}"))?
        }
    };
    sources.store.put(Bucket::Bases, &key, &facts)?;
    Ok(facts)
}

async fn scan_layer(
    sources: &Sources<'_>,
    name: &str,
    layer: &Layer,
    home: &str,
    place: usize,
) -> Result<super::scan::Scan> {
    let size = layer.descriptor.as_ref().map(|descriptor| descriptor.size);
    let task = sources.report.start(
        Phase::Base,
        format!("reading {name}, layer {}", place + 1),
        size,
    );
    let reader = super::materialise::open_layer(sources, layer).await?;
    let home = home.to_string();
    let scan = tokio::task::spawn_blocking(move || {
        let mut reader = reader;
        let scan = read_layer(&mut reader, &home, place)?;
        // What follows the tar's end belongs to the blob all the same: only a
        // blob read whole is checked against its digest.
        std::io::copy(&mut reader, &mut std::io::sink())?;
        Ok::<_, Error>(scan)
    })
    .await?
    .doing(|| format!("reading layer {} of {name}", place + 1))?;
    if let Some(size) = size {
        task.advance(size);
    }
    task.finish("read");
    Ok(scan)
}

/// A blocking reader of a registry's blob.
pub(super) fn blob_reader(
    sources: &Sources<'_>,
    repository: &Reference,
    descriptor: &Descriptor,
) -> Result<Box<dyn std::io::Read + Send>> {
    let reader = sources.registries.blob(repository, descriptor)?;
    Ok(Box::new(SyncIoBridge::new(Box::pin(
        reader.into_async_read(),
    ))))
}
