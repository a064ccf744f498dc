//! JARs that changed since the last build: each is read once, for its digest and for
//! its layer, which goes into the daemon meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::image::Digest;
use crate::layer::{Again, Plan};
use crate::ops::Session;
use crate::sink::daemon::{EarlyLoad, WORTH_SENDING_EARLY};
use crate::store::Bucket;

/// The JARs of one manifest that changed, and the layers that were written for them.
pub struct ChangedJars {
    /// The manifest; `None` where no layers are to be written.
    manifest: Option<PathBuf>,
    early: EarlyLoad,
    layers: Mutex<Vec<Digest>>,
}

impl ChangedJars {
    /// This run writes the layers of this manifest.
    pub fn of(manifest: &Path, early: EarlyLoad) -> ChangedJars {
        let whole = manifest.canonicalize();
        ChangedJars {
            manifest: Some(whole.unwrap_or_else(|_| manifest.to_path_buf())),
            early,
            layers: Mutex::default(),
        }
    }

    /// This run writes no layers.
    pub fn ignored() -> ChangedJars {
        ChangedJars {
            manifest: None,
            early: EarlyLoad::none(),
            layers: Mutex::default(),
        }
    }

    /// The load that their layers go into.
    pub fn early_load(&self) -> &EarlyLoad {
        &self.early
    }

    /// Whether the layer was not there before this run.
    pub fn wrote(&self, layer: &Digest) -> bool {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.contains(layer)
    }

    fn key(&self, jar: &Path) -> Option<String> {
        let manifest = self.manifest.as_ref()?;
        Some(format!("layer of {} {}", manifest.display(), jar.display()))
    }

    /// Keeps what the layer was made of. Without it the next build takes longer, and that
    /// is all.
    pub fn remember(&self, session: &Session, plan: &Plan<'_>) {
        if plan.size() < WORTH_SENDING_EARLY {
            return;
        }
        let Some(again) = plan.again() else { return };
        let jar = again.path().and_then(|path| path.canonicalize().ok());
        if let Some(key) = jar.and_then(|jar| self.key(&jar)) {
            let _ = session.store.put(Bucket::Builds, &key, &again);
        }
    }

    /// Writes the layer of a JAR that changed; answers the JAR's digest and size. `None`
    /// where that cannot be done: then it is read as any other.
    pub fn write(&self, session: &Session, jar: &Path) -> Option<(Digest, u64)> {
        self.early.begin();
        let key = self.key(jar)?;
        let size = jar.metadata().ok()?.len();
        let again = session.store.get::<Again>(Bucket::Builds, &key)?;
        let again = again.of(jar, size)?;
        self.layer(session, again).ok()
    }

    fn layer(&self, session: &Session, again: Again) -> Result<(Digest, u64)> {
        let packed = again.packed_size(&session.store)?;
        let packed = packed.ok_or_else(|| Error::new("the size of its layer is not known"))?;
        self.early.fill(packed, |follow| {
            let rewritten = again.write(&session.store, follow, &session.report)?;
            let new = rewritten.is_new.then_some(rewritten.layer.digest);
            let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
            layers.extend(new);
            Ok(((rewritten.sha256, rewritten.size), new))
        })
    }
}
