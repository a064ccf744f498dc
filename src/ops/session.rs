//! What every command works with: store, registries, daemon, report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::base::{self, Base, BaseSpec, Sources};
use crate::daemon::Daemon;
use crate::error::{Context, Result};
use crate::fetch::Patience;
use crate::image::Platform;
use crate::registry::{Keychain, Options, Registries, Trust};
use crate::report::Report;
use crate::resolve::Repositories;
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
    daemon: OnceCell<std::result::Result<Arc<Daemon>, String>>,
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
        })
    }

    async fn asked(&self) -> &std::result::Result<Arc<Daemon>, String> {
        self.daemon
            .get_or_init(|| async {
                Daemon::connect(&self.store)
                    .await
                    .map(Arc::new)
                    .map_err(|error| error.to_string())
            })
            .await
    }

    /// The daemon, where one answers.
    pub async fn daemon(&self) -> Option<&Arc<Daemon>> {
        self.asked().await.as_ref().ok()
    }

    /// The daemon, or why there is none.
    pub async fn need_daemon(&self) -> Result<&Arc<Daemon>> {
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
            daemon: asked.as_deref().ok(),
            no_daemon: asked.as_ref().err().map(String::as_str),
            registries: &self.registries,
            report: &self.report,
            offline: self.offline,
        }
    }
}
