//! What every command works with: store, registries, daemon, report.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::again::Rewrites;
use crate::base::{self, Base, BaseSpec, Sources};
use crate::daemon::Daemon;
use crate::error::{Context, Result};
use crate::fetch::Patience;
use crate::image::Platform;
use crate::registry::{Keychain, Options, Registries, Trust};
use crate::report::Report;
use crate::resolve::Repositories;
use crate::sink::daemon::Ahead;
use crate::store::Store;

/// What the command line says for every command.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether the network is out of bounds.
    pub offline: bool,
    /// Whether what the cache holds counts as absent.
    pub no_cache: bool,
    /// Registries that are talked to without TLS.
    pub insecure: Vec<String>,
    /// Files of certificate authorities that registries are checked with, too.
    pub authorities: Vec<PathBuf>,
    /// Time without a byte after which a transfer to or from a registry is
    /// broken off; `None`: the usual.
    pub stall: Option<Duration>,
    /// Bytes of a request when a big blob is sent; `None`: the usual.
    pub chunk: Option<u64>,
    /// Mirrors of registries, as `HOST=MIRROR[/PATH]`.
    pub mirrors: Vec<String>,
}

/// The load that begins before the image is known.
enum Slot {
    Empty,
    Begun(Ahead),
    Lent,
}

impl Slot {
    fn of(ahead: Option<Ahead>) -> Slot {
        ahead.map_or(Slot::Empty, Slot::Begun)
    }
}

/// One run.
pub struct Session {
    /// The store.
    pub store: Store,
    /// The registries.
    pub registries: Registries,
    /// Told of the work.
    pub report: Report,
    /// Whether the network is out of bounds.
    pub offline: bool,
    daemon: OnceCell<std::result::Result<Daemon, String>>,
    loads: AtomicBool,
    ahead: Mutex<Slot>,
    /// JARs that changed, with their layers.
    pub(super) rewrites: Rewrites,
}

impl Session {
    /// Begins a run.
    pub fn begin(settings: &Settings, report: Report) -> Result<Session> {
        let store = Store::open(Store::default_root()?);
        let mirrors = settings.mirrors.iter().filter(|text| !text.is_empty());
        let mirrors = mirrors
            .map(|text| text.parse())
            .collect::<Result<_>>()
            .doing(|| "reading --registry-mirror (or FLINKPACK_REGISTRY_MIRRORS)")?;
        let usual = Options::default();
        let options = Options {
            insecure: settings.insecure.clone(),
            trust: Trust {
                authorities: settings.authorities.clone(),
                folders: Trust::usual_folders(),
            },
            mirrors,
            offline: settings.offline,
            patience: Patience {
                stall: settings.stall.unwrap_or(usual.patience.stall),
                ..usual.patience
            },
            chunk: settings.chunk.unwrap_or(usual.chunk),
            ..usual
        };
        Ok(Session {
            store: if settings.no_cache {
                store.fresh()
            } else {
                store
            },
            registries: Registries::new(Keychain::of_user()?, options, report.clone()),
            report,
            offline: settings.offline,
            daemon: OnceCell::new(),
            loads: AtomicBool::new(false),
            ahead: Mutex::new(Slot::Empty),
            rewrites: Rewrites::default(),
        })
    }

    async fn asked(&self) -> &std::result::Result<Daemon, String> {
        self.daemon
            .get_or_init(|| async {
                Daemon::connect(&self.store)
                    .await
                    .map_err(|error| error.to_string())
            })
            .await
    }

    /// The daemon, where one answers.
    pub async fn daemon(&self) -> Option<&Daemon> {
        self.asked().await.as_ref().ok()
    }

    /// The daemon, or why there is none.
    pub async fn need_daemon(&self) -> Result<&Daemon> {
        match self.asked().await {
            Ok(daemon) => Ok(daemon),
            // Asked again for the whole error, with its hints.
            Err(_) => Err(match Daemon::connect(&self.store).await {
                Ok(_) => crate::error::Error::new("the Docker daemon came up just now")
                    .hint("run the command again"),
                Err(error) => error,
            }),
        }
    }

    /// This run loads what it builds.
    pub fn expect_load(&self) {
        self.loads.store(true, Ordering::Relaxed);
    }

    /// Something is not as it was: if there will be a load, the daemon makes
    /// ready for it now.
    pub fn expect_change(&self) {
        if !self.loads.load(Ordering::Relaxed) {
            return;
        }
        if let Some(Ok(daemon)) = self.daemon.get() {
            let mut slot = self.ahead();
            if matches!(*slot, Slot::Empty) {
                *slot = Slot::of(Ahead::begin(daemon).ok());
            }
        }
    }

    /// The load that was begun.
    pub fn take_ahead(&self) -> Option<Ahead> {
        match std::mem::replace(&mut *self.ahead(), Slot::Empty) {
            Slot::Begun(ahead) => Some(ahead),
            Slot::Empty | Slot::Lent => None,
        }
    }

    /// Lends it to whoever puts the first layer in: none is begun meanwhile.
    pub fn lend_ahead(&self) -> Option<Ahead> {
        let mut slot = self.ahead();
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Begun(ahead) if !ahead.has_layer() => {
                *slot = Slot::Lent;
                Some(ahead)
            }
            other => {
                *slot = other;
                None
            }
        }
    }

    /// What was lent comes back; `None` where nothing can be done with it any more.
    pub fn return_ahead(&self, ahead: Option<Ahead>) {
        *self.ahead() = Slot::of(ahead);
    }

    fn ahead(&self) -> MutexGuard<'_, Slot> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user's Maven repositories, after these addresses.
    pub fn maven(&self, first: &[String]) -> Repositories {
        Repositories::new(
            first.to_vec(),
            self.store.clone(),
            self.report.clone(),
            self.offline,
        )
    }

    /// An image that flinkpack did not make here, from wherever a base can come.
    pub async fn open(&self, image: &str, platform: Option<&str>) -> Result<(BaseSpec, Base)> {
        let spec: BaseSpec = image.parse()?;
        let platform = match platform {
            Some(text) => text.parse()?,
            None => Platform::host(),
        };
        let base = base::open(&self.sources().await, &spec, &platform, None).await?;
        Ok((spec, base))
    }

    /// What a base is looked for with.
    pub async fn sources(&self) -> Sources<'_> {
        let asked = self.asked().await;
        Sources {
            store: &self.store,
            daemon: asked.as_ref().ok(),
            no_daemon: asked.as_ref().err().map(String::as_str),
            registries: &self.registries,
            report: &self.report,
            offline: self.offline,
        }
    }
}

/// The lock file that belongs to a manifest: `flinkpack.lock` beside
/// `flinkpack.toml`, `NAME.lock` beside `NAME.toml`.
pub fn lock_path(manifest: &std::path::Path) -> PathBuf {
    manifest.with_extension("lock")
}
