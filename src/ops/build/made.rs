//! From what was found to an image: layer, assemble. Moves nothing anywhere but
//! into the store.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::base::Base;
use crate::error::{Context, Result};
use crate::image::assemble::{Changes, assemble};
use crate::image::{Digest, Image, Layer};
use crate::layer::{self, Known, Plan};
use crate::lock::{Lock, LockedLayer};
use crate::ops::Session;
use crate::ops::build::layers;
use crate::ops::build::locked_layers::{Recorded, Trusted};
use crate::ops::build::resolved::Found;
use crate::resolve::Artifact;
use crate::sink::daemon::Ahead;
use crate::stage::{Content, EntryKind, jars};

/// The label that lists an image's JARs, for `inspect`.
pub const ARTIFACTS_LABEL: &str = "flinkpack.artifacts";

/// The image for each platform, and the lock that made them.
pub struct Made {
    /// The images, in the order of the bases.
    pub each: Vec<Image>,
    /// The new lock.
    pub lock: Lock,
    /// The load that began meanwhile.
    pub ahead: Option<Ahead>,
    /// Layers that were not made, since the lock file says what they come to.
    pub recorded: Vec<Recorded>,
}

impl Found {
    /// Writes the layers that are not cached, and assembles the image. Of layers
    /// whose JARs are not at hand those that `trusted` takes as the lock file
    /// has them are not made.
    pub async fn make(&mut self, session: &Session, trusted: &Trusted) -> Result<Made> {
        let records = self.records(session, trusted)?;
        self.fetch_needed(session, &records).await?;
        let groups = layer::group(&self.stage, self.base_layers())?;
        let plans: Vec<Plan<'_>> = groups
            .into_iter()
            .map(|group| Plan::new(group, &self.base.facts))
            .collect();
        let known = |plan: &Plan<'_>| records.get(plan.inputs()).cloned();
        let (own, ahead) = layers::write(session, &plans, &known, self.base.docker_types)?;
        let jars: BTreeSet<String> = self.artifacts.iter().map(|one| self.path_of(one)).collect();
        let (mut layer_of, mut locked) = (BTreeMap::new(), Vec::new());
        let mut recorded = Vec::new();
        for (plan, layer) in plans.iter().zip(&own) {
            let Some(descriptor) = &layer.descriptor else {
                continue;
            };
            if records.contains_key(plan.inputs()) {
                recorded.push(Recorded {
                    digest: descriptor.digest,
                    inputs: plan.inputs().to_string(),
                });
            }
            for entry in &plan.group().entries {
                layer_of.insert(entry.path.clone(), descriptor.digest);
            }
            let entries = &plan.group().entries;
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
        let lock = self.lock_with(&layer_of, locked);
        let each = self.bases().map(|base| self.image(base, &own, &lock));
        Ok(Made {
            each: each.collect::<Result<_>>()?,
            lock,
            ahead,
            recorded,
        })
    }

    /// The image on one of the bases.
    fn image(&self, base: &Base, own: &[Layer], lock: &Lock) -> Result<Image> {
        let changes = Changes {
            labels: self.labels(base, lock)?,
            env: self.manifest.content.image.env.clone(),
            command: self.command(),
            history: own
                .iter()
                .map(|layer| format!("flinkpack: {} {}", layer.kind.word(), layer.name))
                .collect(),
        };
        let layers = base.layers.iter().chain(own).cloned().collect();
        let platform = base.platform.clone();
        assemble(&base.config, platform, layers, base.docker_types, &changes)
    }

    /// Where a JAR is in the image.
    fn path_of(&self, artifact: &Artifact) -> String {
        let facts = &self.base.facts;
        facts.resolve(&facts.under_home(&jars::path_of(facts, artifact)))
    }

    /// What the lock file has of layers whose JARs are not at hand, by inputs.
    pub(in crate::ops) fn records(
        &self,
        session: &Session,
        trusted: &Trusted,
    ) -> Result<BTreeMap<String, Known>> {
        let mut records = BTreeMap::new();
        if *trusted == Trusted::None {
            return Ok(records);
        }
        for group in layer::group(&self.stage, self.base_layers())? {
            let plan = Plan::new(group, &self.base.facts);
            let inputs = plan.inputs();
            if plan.is_cached(&session.store) || !plan.lacks_content() || !trusted.takes(inputs) {
                continue;
            }
            if let Some(known) = self.recorded(inputs) {
                records.insert(inputs.to_string(), known);
            }
        }
        Ok(records)
    }

    /// What the lock file has of the layer with these inputs.
    pub(in crate::ops) fn recorded(&self, inputs: &str) -> Option<Known> {
        let layers = &self.old_lock.as_ref()?.layers;
        let record = layers.iter().find(|one| one.is_of(inputs))?;
        Some(Known {
            digest: record.digest,
            diff_id: record.diff_id,
            size: record.size,
        })
    }

    /// Brings the bytes that uncached layers need into the store.
    async fn fetch_needed(
        &mut self,
        session: &Session,
        records: &BTreeMap<String, Known>,
    ) -> Result<()> {
        let absent = self.needed(session, records)?;
        self.fetch(session, &absent).await?;
        for entry in self.stage.entries_mut() {
            if let EntryKind::File {
                sha256, content, ..
            } = &mut entry.kind
                && absent.contains(sha256)
            {
                *content = Content::Store;
            }
        }
        Ok(())
    }

    /// The JARs without bytes here that are needed for layers neither cached nor
    /// recorded.
    pub(in crate::ops) fn needed(
        &self,
        session: &Session,
        records: &BTreeMap<String, Known>,
    ) -> Result<Vec<Digest>> {
        let mut absent: Vec<Digest> = Vec::new();
        for group in layer::group(&self.stage, self.base_layers())? {
            let plan = Plan::new(group, &self.base.facts);
            if records.contains_key(plan.inputs()) || plan.is_cached(&session.store) {
                continue;
            }
            for entry in &plan.group().entries {
                if let EntryKind::File {
                    sha256,
                    content: Content::Absent,
                    ..
                } = &entry.kind
                {
                    absent.push(*sha256);
                }
            }
        }
        Ok(absent)
    }

    fn command(&self) -> Option<Vec<String>> {
        let job = self.manifest.content.job.as_ref()?;
        let mut command = vec!["standalone-job".to_string()];
        if let Some(class) = &job.class {
            command.extend(["--job-classname".to_string(), class.clone()]);
        }
        command.extend(job.args.iter().cloned());
        Some(command)
    }

    fn labels(&self, base: &Base, lock: &Lock) -> Result<BTreeMap<String, String>> {
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
            (
                "org.opencontainers.image.base.name".to_string(),
                base.reference.clone(),
            ),
            (
                "org.opencontainers.image.base.digest".to_string(),
                base.digest.to_string(),
            ),
        ]);
        labels.extend(self.manifest.content.image.labels.clone());
        Ok(labels)
    }
}
