//! Base images: where they are, what they hold.
//!
//! A base is read once, streaming, into [`BaseFacts`]; later runs need the
//! facts and the descriptors, never the layers. The facts are kept by what they
//! depend on (the layers' diff IDs and FLINK_HOME), so that the same base from
//! the daemon and from a registry is read once.

mod classes;
mod entries;
pub mod export;
pub mod facts;
mod from_daemon;
mod from_layout;
mod index;
mod jar;
pub mod label;
pub mod materialise;
mod registry_side;
pub mod scan;
pub mod spec;
pub mod tree;
pub mod version;

use std::collections::BTreeMap;
use std::time::Duration;

pub use classes::{LibJar, jar_file, learn, lib_classes, lib_jars};
pub use facts::{BaseFacts, Node, NodeKind};
pub use index::index;
pub use jar::extract;
pub use spec::BaseSpec;
pub use version::FlinkVersion;

use crate::daemon::Daemon;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Digest, Layer, Platform, Reference};
use crate::registry::Registries;
use crate::report::Report;
use crate::store::{KeyLock, Store};

/// A base that was found and read.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its name as the manifest gives it.
    pub reference: String,
    /// The manifest's digest, or the image's ID where only the daemon knows it.
    pub digest: Digest,
    /// The daemon's ID for it, where it came from there.
    pub daemon_id: Option<Digest>,
    /// What it runs on.
    pub platform: Platform,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// Its configuration, as it is.
    pub config: Vec<u8>,
    /// Whether its manifest is of Docker's family of media types.
    pub docker_types: bool,
    /// What it holds.
    pub facts: BaseFacts,
}

/// What a base is looked for with.
pub struct Sources<'a> {
    /// The store.
    pub store: &'a Store,
    /// The daemon, where one answered.
    pub daemon: Option<&'a Daemon>,
    /// Why there is none, where none answered.
    pub no_daemon: Option<&'a str>,
    /// The registries.
    pub registries: &'a Registries,
    /// Told of the work.
    pub report: &'a Report,
    /// Whether the network is out of bounds.
    pub offline: bool,
}

/// How long another run is waited for without a word.
const QUIET: Duration = Duration::from_secs(1);

impl Sources<'_> {
    /// Waits until nobody else reads what is kept under this key: what they found is
    /// there then. `name` is how messages name the base.
    async fn alone(&self, key: &str, name: &str) -> Result<KeyLock> {
        if let Some(lock) = self.store.try_lock(key)? {
            return Ok(lock);
        }
        let (store, key) = (self.store.clone(), key.to_string());
        let mut lock = tokio::task::spawn_blocking(move || store.lock(&key));
        let taken = match tokio::time::timeout(QUIET, &mut lock).await {
            Ok(taken) => taken,
            Err(_) => {
                self.report
                    .note(format!("another run reads {name}: waiting for it"));
                lock.await
            }
        };
        taken.doing(|| "waiting for another run")?
    }
}

/// Finds and reads a base. `pinned` is the digest that the lock file has for
/// it: a registry is asked for that, not for what its tag points to now.
pub async fn open(
    sources: &Sources<'_>,
    spec: &BaseSpec,
    platform: &Platform,
    pinned: Option<Digest>,
) -> Result<Base> {
    let mut base = match spec {
        BaseSpec::Layout { path, tag } => {
            from_layout::open(sources, path, tag.as_deref(), platform).await?
        }
        BaseSpec::Registry(reference) => {
            registry_side::open(sources, &pin(reference, pinned), platform).await?
        }
        BaseSpec::Daemon(reference) => {
            let daemon = sources.daemon.ok_or_else(|| {
                Error::new(format!("the base {spec} needs the Docker daemon"))
                    .hint(sources.no_daemon.unwrap_or("none answered"))
            })?;
            from_daemon::open(sources, daemon, reference, platform)
                .await?
                .ok_or_else(|| {
                    Error::new(format!(
                        "the Docker daemon at {} has no image {reference}",
                        daemon.address()
                    ))
                    .hint(format!("`docker pull {reference}`, or name it as docker://{reference} to read it from its registry"))
                })?
        }
        BaseSpec::Anywhere(reference) => {
            let found = match sources.daemon {
                Some(daemon) => from_daemon::open(sources, daemon, reference, platform).await,
                None => Ok(None),
            };
            match found {
                Ok(Some(base)) => base,
                // The registry may have the platform that the daemon has not.
                Err(error) if !error.is(Reason::WrongPlatform) => return Err(error),
                other => {
                    let daemon = match (other, sources.daemon) {
                        (Err(error), _) => error.to_string(),
                        (_, Some(daemon)) => {
                            format!("the daemon at {} has no such image", daemon.address())
                        }
                        (_, None) => format!(
                            "no Docker daemon answered{}",
                            sources
                                .no_daemon
                                .map(|why| format!(" ({why})"))
                                .unwrap_or_default()
                        ),
                    };
                    registry_side::open(sources, &pin(reference, pinned), platform)
                        .await
                        .map_err(|error| {
                            error.doing(format!(
                                "the base {reference} is neither in the daemon nor in its registry: {daemon}; the registry {} was asked too",
                                reference.host
                            ))
                        })?
                }
            }
        }
    };
    base.reference = spec.to_string();
    Ok(base)
}

/// A base that is looked for, for one of several platforms.
pub struct BaseRequest {
    /// Where.
    pub spec: BaseSpec,
    /// What it shall run on.
    pub platform: Platform,
    /// The digest that the lock file has for it.
    pub pinned: Option<Digest>,
}

/// The base for each of several platforms.
pub async fn open_each(sources: &Sources<'_>, wanted: &[BaseRequest]) -> Result<Vec<Base>> {
    let mut fixed: BTreeMap<String, Reference> = BTreeMap::new();
    let mut bases: Vec<Base> = Vec::new();
    for one in wanted {
        let spec = match (&one.spec, one.pinned) {
            (BaseSpec::Daemon(_), _) => {
                return Err(Error::new(format!(
                    "the base {} is in the Docker daemon, which gives one platform, not {}",
                    one.spec,
                    wanted.len()
                ))
                .hint(
                    "name it as docker://REF, in a registry, or as oci:DIR, with an image a platform",
                ));
            }
            (BaseSpec::Layout { .. }, _) => one.spec.clone(),
            // What the daemon has under a bare name is for one platform, and may not
            // be what the registry has for the others.
            (BaseSpec::Anywhere(reference) | BaseSpec::Registry(reference), Some(pinned)) => {
                BaseSpec::Registry(reference.with_digest(pinned))
            }
            (BaseSpec::Anywhere(reference) | BaseSpec::Registry(reference), None) => {
                let name = reference.to_string();
                // Asked once, so that a tag that moves gives no mixture.
                if !fixed.contains_key(&name) {
                    let found = registry_side::fixed(sources, reference).await?;
                    fixed.insert(name.clone(), found);
                }
                BaseSpec::Registry(fixed[&name].clone())
            }
        };
        let base = open(sources, &spec, &one.platform, None).await?;
        if let Some(other) = bases.iter().find(|other| other.digest == base.digest) {
            return Err(Error::usage(format!(
                "{} and {} lead to one image of the base {spec}",
                one.platform, other.platform
            ))
            .hint("name one of them"));
        }
        bases.push(base);
    }
    Ok(bases)
}

fn pin(reference: &Reference, pinned: Option<Digest>) -> Reference {
    match (reference.digest, pinned) {
        (None, Some(digest)) => reference.with_digest(digest),
        _ => reference.clone(),
    }
}

/// FLINK_HOME and JAVA_HOME out of `NAME=value` lines. Official images set
/// both; /opt/flink is where those without are.
fn environment<'a>(env: impl Iterator<Item = &'a str>) -> (String, Option<String>) {
    let values: BTreeMap<&str, &str> = env.filter_map(|line| line.split_once('=')).collect();
    let home = values.get("FLINK_HOME").copied().unwrap_or("/opt/flink");
    (
        home.trim_matches('/').to_string(),
        values.get("JAVA_HOME").map(|home| home.to_string()),
    )
}

/// What facts are kept under.
fn facts_key(home: &str, diff_ids: &[Digest]) -> String {
    let layers: Vec<String> = diff_ids.iter().map(Digest::to_string).collect();
    format!("facts {home} {}", layers.join(" "))
}
