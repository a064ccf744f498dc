//! A base that the daemon has.

use serde::{Deserialize, Serialize};

use super::export::{self, Export};
use super::registry_side::{self, Published};
use super::tree::Tree;
use super::{Base, BaseFacts, Sources, environment, label};
use crate::daemon::{Daemon, ImageStore, Inspected, read_ahead};
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Digest, ImageManifest, Layer, LayerKind, Origin, Platform, Reference, media};
use crate::report::Phase;
use crate::store::{Bucket, Store};

/// What is kept of an image of the daemon, by its ID.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Card {
    /// Blob of the configuration.
    config: Digest,
    /// Blob of the manifest, where one is known.
    manifest: Option<Digest>,
    /// The repository that has the manifest and the layers, where one was asked.
    repository: Option<String>,
}

/// The daemon's image of this name, if it has one.
pub(super) async fn open(
    sources: &Sources<'_>,
    daemon: &Daemon,
    reference: &Reference,
    platform: &Platform,
) -> Result<Option<Base>> {
    let name = reference.to_string();
    let Some(inspected) = daemon.inspect(&name).await? else {
        return Ok(None);
    };
    let found = inspected.platform.clone();
    if !platform.accepts(&found) {
        return Err(Error::new(format!(
            "the daemon's image {name} is for {found}, but {platform} is wanted"
        ))
        .because(Reason::WrongPlatform)
        .hint(format!("`docker pull --platform {platform} {name}`, or name it as docker://{name} to read it from its registry")));
    }
    of_image(sources, daemon, &name, reference, inspected)
        .await
        .map(Some)
}

async fn of_image(
    sources: &Sources<'_>,
    daemon: &Daemon,
    name: &str,
    reference: &Reference,
    inspected: Inspected,
) -> Result<Base> {
    let (home, java_home) = environment(inspected.env.iter().map(String::as_str));
    let card_key = format!("daemon {}", inspected.id);
    let kept = || {
        let card: Option<Card> = sources.store.get(Bucket::Bases, &card_key);
        (card, cached_facts(sources.store, &home, &inspected))
    };
    let (mut card, mut facts) = kept();
    let mut _lock = None;
    if card.is_none() || facts.is_none() {
        _lock = Some(sources.alone(&card_key, name).await?);
        (card, facts) = kept();
    }
    // A card without a manifest is asked for again: the registry may be back.
    let incomplete = card.as_ref().is_none_or(|card| card.manifest.is_none());
    // Asking for the kind of store takes the daemon long, so only where it counts.
    let classic = async || Ok::<_, Error>(daemon.store().await? == ImageStore::Classic);
    if incomplete && !sources.offline && (facts.is_some() || classic().await?) {
        let classic = classic().await?;
        let published = registry_side::published(sources, reference, &inspected, classic).await;
        if let Some(published) = published {
            card = Some(keep(sources.store, published)?);
        }
    }
    let card = card.filter(|card| sources.store.blob_size(&card.config).is_some());
    let (card, facts) = match (card, facts) {
        (Some(card), Some(facts)) => (card, facts),
        (card, _) => {
            let task = sources
                .report
                .start(Phase::Base, format!("reading {name}"), None);
            let oci = !classic().await?;
            let export = export(daemon, name, &home, &inspected.platform, oci, task).await?;
            read_export(
                sources,
                &home,
                java_home.as_deref(),
                &inspected,
                export,
                card,
            )?
        }
    };
    sources.store.put(Bucket::Bases, &card_key, &card)?;
    base(sources.store, name, inspected, card, facts)
}

fn cached_facts(store: &Store, home: &str, inspected: &Inspected) -> Option<BaseFacts> {
    let key = super::facts_key(home, &inspected.diff_ids);
    store.get(Bucket::Bases, &key).or_else(|| {
        let (facts, count) = label::read(inspected.labels.get(label::LABEL)?, &inspected.diff_ids)?;
        if count != inspected.diff_ids.len() {
            return None;
        }
        // Only a help: unpacking the label takes longer than reading a file.
        let _ = store.put(Bucket::Bases, &key, &facts);
        Some(facts)
    })
}

fn keep(store: &Store, published: Published) -> Result<Card> {
    Ok(Card {
        config: store.write_blob(&published.config)?,
        manifest: Some(store.write_blob(&published.manifest)?),
        repository: Some(published.repository.full()),
    })
}

async fn export(
    daemon: &Daemon,
    name: &str,
    home: &str,
    platform: &Platform,
    oci: bool,
    task: crate::report::Task,
) -> Result<Export> {
    let reader = read_ahead(daemon.export(name));
    let (home, platform) = (home.to_string(), platform.clone());
    tokio::task::spawn_blocking(move || {
        let export = export::read(reader, &home, oci, &platform, &task)?;
        task.finish("read");
        Ok::<_, Error>(export)
    })
    .await?
    .doing(|| format!("reading the base {name} from the daemon"))
}

fn read_export(
    sources: &Sources<'_>,
    home: &str,
    java_home: Option<&str>,
    inspected: &Inspected,
    export: Export,
    card: Option<Card>,
) -> Result<(Card, BaseFacts)> {
    let mut tree = Tree::default();
    for scan in export.scans {
        tree.apply(scan);
    }
    let facts = tree.facts(home, java_home)?;
    sources.store.put(
        Bucket::Bases,
        &super::facts_key(home, &inspected.diff_ids),
        &facts,
    )?;
    let card = match card {
        Some(card) => card,
        None => Card {
            config: sources.store.write_blob(&export.config)?,
            manifest: match export.manifest {
                Some(manifest) => Some(sources.store.write_blob(&manifest)?),
                None => None,
            },
            repository: None,
        },
    };
    Ok((card, facts))
}

fn base(
    store: &Store,
    name: &str,
    inspected: Inspected,
    card: Card,
    facts: BaseFacts,
) -> Result<Base> {
    let lost = || {
        Error::new("the cache lost a part of the base while it was used")
            .hint("run the command again")
    };
    let config = store.read_blob(&card.config).ok_or_else(lost)?;
    let manifest: Option<ImageManifest> = match &card.manifest {
        Some(digest) => {
            let bytes = store.read_blob(digest).ok_or_else(lost)?;
            Some(serde_json::from_slice(&bytes).doing(|| "reading the base's manifest")?)
        }
        None => None,
    };
    let repository: Option<Reference> = match &card.repository {
        Some(repository) => Some(repository.parse()?),
        None => None,
    };
    let origin = match repository {
        Some(repository) => Origin::Registry(repository),
        None => Origin::Daemon {
            image: inspected.id.to_string(),
        },
    };
    if manifest
        .as_ref()
        .is_some_and(|manifest| manifest.layers.len() != inspected.diff_ids.len())
    {
        return Err(Error::new(format!(
            "the manifest of {name} names another number of layers than the daemon has"
        )));
    }
    let layers = inspected
        .diff_ids
        .iter()
        .enumerate()
        .map(|(place, diff_id)| Layer {
            kind: LayerKind::Base,
            name: format!("base {}", place + 1),
            diff_id: *diff_id,
            descriptor: manifest
                .as_ref()
                .map(|manifest| manifest.layers[place].clone()),
            origin: origin.clone(),
            entries: 0,
            built: false,
        })
        .collect();
    Ok(Base {
        reference: name.to_string(),
        digest: card.manifest.unwrap_or(inspected.id),
        daemon_id: Some(inspected.id),
        platform: inspected.platform,
        docker_types: manifest
            .is_some_and(|manifest| manifest.media_type.as_deref() == Some(media::DOCKER_MANIFEST)),
        layers,
        config,
        facts,
    })
}
