//! `flinkpack build --dry-run`: what a build would do.

use super::options::Options;
use super::outcome::BaseOutcome;
use super::sinks::{self, Sinks};
use super::targets::targets;
use crate::base::Base;
use crate::error::Result;
use crate::image::{Digest, Platform, Reference};
use crate::layer::Known;
use crate::ops::Session;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::inputs::Inputs;
use crate::ops::project::resolved::{Resolved, resolve};
use crate::sink::{Inventory, Medium, There};

/// What `--dry-run` tells.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Forecast {
    /// The references that the image would get.
    pub references: Vec<String>,
    /// The base.
    pub base: BaseOutcome,
    /// Its names, where each platform has one of its own.
    #[serde(skip)]
    pub base_names: String,
    /// The lock file's changes, a line each.
    pub lock_changes: Vec<String>,
    /// The layers on top of the base.
    pub layers: Vec<ForecastLayer>,
    /// Bytes of content that would be written into new layers.
    pub build_bytes: u64,
    /// Bytes that the daemon would get at most; `None` where it is not a place.
    pub daemon_bytes: Option<u64>,
    /// Bytes that registries would get at most; `None` where they are no place.
    pub registry_bytes: Option<u64>,
}

/// A layer that would be in the image.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ForecastLayer {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Bytes of content.
    pub size: u64,
    /// Whether it is in the cache.
    pub cached: bool,
    /// Whether a registry has what the lock file records of it, so that neither it
    /// nor its JARs are needed here.
    pub recorded: bool,
    /// Whether the daemon lacks it.
    pub to_daemon: bool,
    /// Whether a registry lacks it.
    pub to_registry: bool,
}

/// What a build would do. JARs without a pin are fetched into the cache, since
/// only their bytes tell their digest; nothing else is written.
pub async fn run(session: &Session, options: &Options) -> Result<Forecast> {
    sinks::check(session, options)?;
    let inputs = Inputs::read(&options.request)?;
    let resolved = resolve(session, inputs, &ChangedJars::ignored()).await?;
    let lock = resolved.lock();
    let digest = Digest::of(lock.text()?.as_bytes());
    let targets = targets(&resolved.manifest, &options.tags, &digest)?;
    let folder = resolved.manifest.folder();
    let Sinks { sinks, .. } = Sinks::of(session, options, folder, &targets).await?;
    let sources = session.sources().await;
    let mut places = Vec::new();
    for sink in &sinks {
        let base = &host(&resolved).layers;
        places.extend(sink.inventory(&targets, base, &sources).await?);
    }
    let layers = layers(session, &resolved, &places)?;
    let base_to_registry: u64 = resolved
        .bases()
        .flat_map(|base| &base.layers)
        .filter_map(|layer| layer.descriptor.as_ref())
        .filter(|blob| places.iter().any(|place| place.needs_of_base(&blob.digest)))
        .map(|blob| blob.size)
        .sum();
    let sum = |wanted: fn(&ForecastLayer) -> bool| -> u64 {
        layers
            .iter()
            .filter(|layer| wanted(layer))
            .map(|layer| layer.size)
            .sum()
    };
    let goes_to = |medium: Medium| places.iter().any(|place| place.medium == medium);
    let mut references: Vec<Reference> = Vec::new();
    for target in &targets {
        references.extend(target.references()?);
    }
    Ok(Forecast {
        references: references.iter().map(Reference::to_string).collect(),
        base: BaseOutcome::of(&resolved.base),
        base_names: lock.base.references(),
        lock_changes: match &resolved.old_lock {
            Some(old) => old.differences(&lock),
            None => vec![format!("{} is new", resolved.lock_path.display())],
        },
        build_bytes: sum(|layer| !layer.cached && !layer.recorded),
        daemon_bytes: goes_to(Medium::Daemon).then(|| sum(|layer| layer.to_daemon)),
        registry_bytes: goes_to(Medium::Registry)
            .then(|| sum(|layer| layer.to_registry) + base_to_registry),
        layers,
    })
}

/// The layers on top of the base, and which places lack them.
fn layers(
    session: &Session,
    resolved: &Resolved,
    places: &[Inventory],
) -> Result<Vec<ForecastLayer>> {
    let locked = resolved.locked_layers(session)?;
    let mut layers = Vec::new();
    // The daemon finds a layer by all those below it, so one that is new makes
    // new what lies above.
    let mut chain = host(resolved).layers.len();
    for plan in resolved.plans()? {
        let known = plan.known(&session.store);
        let known = known.or_else(|| resolved.locked_layer(plan.inputs()));
        let lacks = |medium: Medium| {
            let mut there = places.iter().filter(|place| place.medium == medium);
            there.any(|place| !place.has(known.as_ref(), chain))
        };
        let (to_daemon, to_registry) = (lacks(Medium::Daemon), lacks(Medium::Registry));
        let in_registry = places
            .iter()
            .any(|place| place.medium == Medium::Registry && place.has(known.as_ref(), chain));
        layers.push(ForecastLayer {
            kind: plan.group().kind.word().to_string(),
            name: plan.group().name.clone(),
            size: plan.size(),
            cached: plan.is_cached(&session.store),
            to_daemon,
            recorded: in_registry && locked.has(&plan),
            to_registry,
        });
        chain = if to_daemon {
            usize::MAX
        } else {
            chain.saturating_add(1)
        };
    }
    Ok(layers)
}

impl Inventory {
    /// Whether a layer is there, which is at this place of the image, counted from its
    /// base's lowest.
    fn has(&self, known: Option<&Known>, at: usize) -> bool {
        match (&self.there, known) {
            (_, None) => false,
            (There::Chain(diff_ids), Some(known)) => diff_ids.get(at) == Some(&known.diff_id),
            (There::Blobs { digests, .. }, Some(known)) => digests.contains(&known.digest),
        }
    }

    /// Whether this layer of the base would be sent there.
    fn needs_of_base(&self, digest: &Digest) -> bool {
        match &self.there {
            There::Chain(_) => false,
            There::Blobs {
                digests,
                base_is_mountable,
            } => !base_is_mountable && !digests.contains(digest),
        }
    }
}

/// The base that the daemon's image is on.
fn host(resolved: &Resolved) -> &Base {
    let host = Platform::host();
    let fits = resolved.bases().find(|base| host.accepts(&base.platform));
    fits.unwrap_or(&resolved.base)
}
