//! What was found and made, as the lock file keeps it.

use std::collections::BTreeMap;

use super::resolved::Resolved;
use crate::base::Base;
use crate::error::{Error, Result};
use crate::image::Digest;
use crate::lock::{Lock, LockedBase, LockedJar, LockedLayer, LockedPlatform};
use crate::stage::jars;

fn on_platform(base: &Base) -> LockedPlatform {
    LockedPlatform {
        platform: base.platform.to_string(),
        reference: base.reference.clone(),
        digest: base.digest,
    }
}

impl Resolved {
    /// The lock that this gives, without layers.
    pub fn lock(&self) -> Lock {
        self.lock_with(&BTreeMap::new(), Vec::new())
    }

    /// The same with the layers that were made, and by the path of each entry
    /// the digest of its own.
    pub fn lock_with(&self, layer_of: &BTreeMap<String, Digest>, layers: Vec<LockedLayer>) -> Lock {
        let base = &self.base;
        let mut jars: Vec<LockedJar> = self
            .artifacts
            .iter()
            .map(|artifact| {
                let path = jars::path_of(&base.facts, artifact);
                LockedJar {
                    name: artifact.name.clone(),
                    kind: artifact.kind,
                    source: artifact.source.clone(),
                    asked: artifact.asked.clone(),
                    needed_by: artifact.needed_by.clone(),
                    place: artifact.place,
                    sha256: artifact.sha256,
                    size: artifact.size,
                    layer: layer_of
                        .get(&base.facts.resolve(&base.facts.under_home(&path)))
                        .copied(),
                    path,
                }
            })
            .collect();
        jars.sort_by(|a, b| (&a.path, &a.source).cmp(&(&b.path, &b.source)));
        jars.dedup_by(|a, b| a.path == b.path && a.source == b.source);
        let mut lock = Lock {
            base: LockedBase {
                platforms: self.bases().map(on_platform).collect(),
                flink: base.facts.flink.to_string(),
                scala: base.facts.scala.clone(),
                java: base.facts.java,
            },
            maven: self.dependencies.clone(),
            jars,
            layers,
            check: self.checked.clone(),
        };
        // What an earlier run has checked stays, as long as nothing else changes.
        if let (None, Some(old)) = (&lock.check, &self.old_lock)
            && old.check.is_some()
            && old.differences(&lock).is_empty()
        {
            lock.check = old.check.clone();
        }
        lock
    }

    pub fn check_locked(&self) -> Result<()> {
        let Some(old) = &self.old_lock else {
            return Ok(());
        };
        let differences = old.differences(&self.lock());
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!(
            "--locked, and {} does not hold what the manifest asks for:\n  {}",
            self.lock_path.display(),
            differences.join("\n  ")
        ))
        .hint("`flinkpack lock` brings it up to date"))
    }
}
