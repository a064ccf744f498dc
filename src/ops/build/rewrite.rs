//! A JAR that changed since the last build is read once, and goes into the daemon
//! meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::image::Digest;
use crate::layer::{Again, Follow, Plan};
use crate::ops::Session;
use crate::ops::build::layers::{Sending, WORTH_SENDING_AHEAD};
use crate::sink::daemon::Ahead;
use crate::store::Bucket;

/// What this run wrote again.
#[derive(Default)]
pub struct Rewrites {
    /// The manifest, where layers are to be written.
    manifest: OnceLock<PathBuf>,
    layers: Mutex<Vec<Digest>>,
}

impl Rewrites {
    /// This run writes the layers of this manifest.
    pub fn expect(&self, manifest: &Path) {
        let manifest = manifest
            .canonicalize()
            .unwrap_or_else(|_| manifest.to_path_buf());
        // A second attempt has the same.
        let _ = self.manifest.set(manifest);
    }

    fn add(&self, layer: Digest) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.push(layer);
    }

    /// Whether the layer was not there before this run.
    pub fn has(&self, layer: &Digest) -> bool {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.contains(layer)
    }

    fn key(&self, jar: &Path) -> Option<String> {
        let manifest = self.manifest.get()?;
        Some(format!("layer of {} {}", manifest.display(), jar.display()))
    }
}

/// Keeps what the layer was made of. Without it the next build takes longer, and that
/// is all.
pub fn remember(session: &Session, plan: &Plan<'_>) {
    if plan.size() < WORTH_SENDING_AHEAD {
        return;
    }
    let Some(again) = plan.again() else { return };
    let jar = again.path().and_then(|path| path.canonicalize().ok());
    if let Some(key) = jar.and_then(|jar| session.rewrites.key(&jar)) {
        let _ = session.store.put(Bucket::Builds, &key, &again);
    }
}

/// Writes the layer of a JAR that changed; answers the JAR's digest and size. `None`
/// where that cannot be done: then it is read as any other.
pub fn write(session: &Session, jar: &Path) -> Option<(Digest, u64)> {
    let key = session.rewrites.key(jar)?;
    let size = jar.metadata().ok()?.len();
    let again = session.store.get::<Again>(Bucket::Builds, &key)?;
    let again = again.of(jar, size)?;
    let mut ahead = session.lend_ahead();
    let is_lent = ahead.is_some();
    let found = attempt(session, again, &mut ahead);
    if is_lent {
        session.return_ahead(ahead);
    }
    found.ok()
}

/// What came of `ahead` stays there, if it can still be used.
fn attempt(session: &Session, again: Again, ahead: &mut Option<Ahead>) -> Result<(Digest, u64)> {
    let packed = again.packed_size(&session.store)?;
    let packed = packed.ok_or_else(|| Error::new("its layer's size is not known"))?;
    let lent = ahead.take().map(|ahead| Sending::new(ahead, packed));
    let follow = lent.as_ref().map(|lent| |growing| lent.follow(growing));
    let follow = follow.as_ref().map(|follow| follow as &Follow<'_>);
    let rewritten = again.write(&session.store, follow, &session.report)?;
    if rewritten.is_new {
        let layer = rewritten.layer.digest;
        session.rewrites.add(layer);
        *ahead = lent.map(|lent| lent.took(layer));
    }
    Ok((rewritten.sha256, rewritten.size))
}
