//! From own layers to an image for each platform, and the lock file that goes with it.

use crate::base::Base;
use crate::error::{Context, Result};
use crate::image::assemble::{BASE_DIGEST, BASE_NAME, Changes, assemble};
use crate::image::{Image, Layer};
use crate::job;
use crate::layer::Plan;
use crate::lock::{Lock, LockedLayer};
use crate::ops::project::resolved::Resolved;
use crate::resolve::Artifact;
use crate::stage::jars;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The label that lists an image's JARs, for `inspect`.
pub const ARTIFACTS_LABEL: &str = "flinkpack.artifacts";

/// The lock with the layers that were made.
pub fn locked(resolved: &Resolved, plans: &[Plan<'_>], own: &[Layer]) -> Lock {
    let artifacts = resolved.artifacts.iter();
    let jars: BTreeSet<String> = artifacts.map(|one| path_of(resolved, one)).collect();
    let (mut layer_of, mut locked) = (BTreeMap::new(), Vec::new());
    for (plan, layer) in plans.iter().zip(own) {
        let Some(descriptor) = &layer.descriptor else {
            continue;
        };
        let entries = &plan.group().entries;
        for entry in entries {
            layer_of.insert(entry.path.clone(), descriptor.digest);
        }
        if entries.iter().any(|entry| jars.contains(&entry.path)) {
            locked.push(LockedLayer::new(
                &layer.name,
                plan.inputs(),
                descriptor.digest,
                layer.diff_id,
                descriptor.size,
            ));
        }
    }
    resolved.lock_with(&layer_of, locked)
}

/// Where a JAR is in the image.
fn path_of(resolved: &Resolved, artifact: &Artifact) -> String {
    let facts = &resolved.base.facts;
    facts.resolve(&facts.under_home(&jars::path_of(facts, artifact)))
}

/// The image on each base, with these layers on top.
pub fn assembled(resolved: &Resolved, own: &[Layer], lock: &Lock) -> Result<Vec<Image>> {
    let each = resolved.bases().map(|base| {
        let changes = Changes {
            labels: labels(resolved, base, lock)?,
            env: resolved.manifest.content.image.env.clone(),
            command: job::Command::of(&resolved.manifest).map(job::Command::words),
            history: own
                .iter()
                .map(|layer| format!("flinkpack: {} {}", layer.kind.word(), layer.name))
                .collect(),
        };
        let layers = base.layers.iter().chain(own).cloned().collect();
        let platform = base.platform.clone();
        assemble(&base.config, platform, layers, base.docker_types, &changes)
    });
    each.collect()
}

fn labels(resolved: &Resolved, base: &Base, lock: &Lock) -> Result<BTreeMap<String, String>> {
    let artifacts: Vec<serde_json::Value> = lock
        .jars
        .iter()
        .map(|jar| {
            json!({
                "name": jar.name,
                "kind": jar.kind.word(),
                "source": jar.source.to_string(),
                "path": jar.path,
                "sha256": jar.sha256.hex(),
            })
        })
        .collect();
    let mut labels = BTreeMap::from([
        (
            ARTIFACTS_LABEL.to_string(),
            serde_json::to_string(&artifacts).doing(|| "listing the JARs")?,
        ),
        (BASE_NAME.to_string(), base.reference.clone()),
        (BASE_DIGEST.to_string(), base.digest.to_string()),
    ]);
    labels.extend(resolved.manifest.content.image.labels.clone());
    Ok(labels)
}
