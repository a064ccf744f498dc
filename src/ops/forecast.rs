//! `flinkpack build --dry-run`: what a build would do.

use super::Session;
use super::build::{self, Options};
use super::deliver;
use super::find::{Found, find};
use super::outcome::BaseOutcome;
use super::recorded::Trusted;
use super::target::targets;
use crate::base::Base;
use crate::error::Result;
use crate::image::{Digest, Platform, Reference};
use crate::layer::{self, Plan};
use crate::report::bytes;
use crate::sink::daemon;

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
    build::check(session, options)?;
    let found = find(session, &options.inputs).await?;
    let lock = found.lock();
    let targets = targets(
        &found.manifest,
        &options.tags,
        &Digest::of(lock.text()?.as_bytes()),
    )?;
    let places = build::places(session, options, found.manifest.folder()).await;
    let mut references: Vec<Reference> = Vec::new();
    for target in &targets {
        references.extend(target.references()?);
    }
    let there = if places.load {
        diff_ids_in_daemon(session, &references, &found).await?
    } else {
        Vec::new()
    };
    let registry = if places.push {
        deliver::layers_in_registries(session, &targets).await
    } else {
        Vec::new()
    };
    let records = found.records(session, &Trusted::All)?;
    let mut layers = Vec::new();
    // The daemon finds a layer by all those below it, so one that is new makes
    // new what lies above.
    let mut chain = host(&found).layers.len();
    for group in layer::group(&found.stage, found.base_layers())? {
        let plan = Plan::new(group, &found.base.facts);
        let known = plan.known(&session.store);
        let known = known.or_else(|| found.recorded(plan.inputs()));
        let in_registry = known
            .as_ref()
            .is_some_and(|known| registry.contains(&known.digest));
        let in_daemon = known
            .as_ref()
            .is_some_and(|known| there.get(chain) == Some(&known.diff_id));
        chain = if in_daemon { chain + 1 } else { usize::MAX };
        layers.push(ForecastLayer {
            kind: plan.group().kind.word().to_string(),
            name: plan.group().name.clone(),
            size: plan.size(),
            cached: plan.is_cached(&session.store),
            to_daemon: places.load && !in_daemon,
            recorded: in_registry && records.contains_key(plan.inputs()),
            to_registry: places.push && !in_registry,
        });
    }
    let base_to_registry: u64 = found
        .bases()
        .filter(|base| places.push && !deliver::is_mountable(base, &targets))
        .flat_map(|base| &base.layers)
        .filter_map(|layer| layer.descriptor.as_ref())
        .filter(|descriptor| !registry.contains(&descriptor.digest))
        .map(|descriptor| descriptor.size)
        .sum();
    let sum = |wanted: fn(&ForecastLayer) -> bool| -> u64 {
        layers
            .iter()
            .filter(|layer| wanted(layer))
            .map(|layer| layer.size)
            .sum()
    };
    Ok(Forecast {
        references: references.iter().map(Reference::to_string).collect(),
        base: build::base_of(&found),
        base_names: lock.base.references(),
        lock_changes: match &found.old_lock {
            Some(old) => old.differences(&lock),
            None => vec![format!("{} is new", found.lock_path.display())],
        },
        build_bytes: sum(|layer| !layer.cached && !layer.recorded),
        daemon_bytes: places.load.then(|| sum(|layer| layer.to_daemon)),
        registry_bytes: places
            .push
            .then(|| sum(|layer| layer.to_registry) + base_to_registry),
        layers,
    })
}

/// The base that the daemon's image is on.
fn host(found: &Found) -> &Base {
    let host = Platform::host();
    let fits = found.bases().find(|base| host.accepts(&base.platform));
    fits.unwrap_or(&found.base)
}

async fn diff_ids_in_daemon(
    session: &Session,
    references: &[Reference],
    found: &Found,
) -> Result<Vec<Digest>> {
    let docker = session.need_daemon().await?;
    for reference in references {
        if let Some(inspected) = docker.inspect_whole(&reference.to_string()).await? {
            let base = &host(found).layers;
            let same = daemon::same_layers(base, &inspected.diff_ids);
            if same == base.len() {
                return Ok(inspected.diff_ids);
            }
        }
    }
    Ok(Vec::new())
}

impl Forecast {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!("would build {}\n", self.references.join(", "));
        out.push_str(&format!(
            "  on {} ({})\n",
            self.base_names,
            self.base.digest.short()
        ));
        for layer in &self.layers {
            let state = match (layer.cached, layer.recorded) {
                (true, _) => "cached",
                (false, true) => "recorded",
                (false, false) => "to build",
            };
            let mut goes = Vec::new();
            if layer.to_daemon {
                goes.push("to load");
            }
            if layer.to_registry {
                goes.push("to push");
            }
            out.push_str(&format!(
                "  {:<11} {:<24} {:>8}  {state}{}{}\n",
                layer.kind,
                layer.name,
                bytes(layer.size),
                if goes.is_empty() { "" } else { ", " },
                goes.join(", ")
            ));
        }
        for change in &self.lock_changes {
            out.push_str(&format!("  lock: {change}\n"));
        }
        let mut sums = vec![format!("build {}", bytes(self.build_bytes))];
        sums.extend(
            self.daemon_bytes
                .map(|count| format!("load {}", bytes(count))),
        );
        sums.extend(
            self.registry_bytes
                .map(|count| format!("push {}", bytes(count))),
        );
        out.push_str(&format!("would {}\n", sums.join(", ")));
        out
    }
}
