//! The layers that a project comes to, and what its lock file says of them.

use std::collections::BTreeMap;

use super::resolved::Resolved;
use crate::error::Result;
use crate::image::Digest;
use crate::layer::{self, Known, Plan};
use crate::ops::Session;
use crate::stage::{Content, EntryKind};

/// Layers as the lock file has them, by what stands for their inputs.
#[derive(Debug, Default)]
pub struct LockedLayers(pub BTreeMap<String, Known>);

impl Resolved {
    /// What each layer on top of the base is made of.
    pub fn plans(&self) -> Result<Vec<Plan<'_>>> {
        let groups = layer::group(&self.stage, self.base_layers())?.into_iter();
        Ok(groups
            .map(|group| Plan::new(group, &self.base.facts))
            .collect())
    }

    /// What the lock file has of layers whose JARs are not at hand.
    pub fn locked_layers(&self, session: &Session) -> Result<LockedLayers> {
        let mut locked = BTreeMap::new();
        for plan in self.plans()? {
            if plan.is_cached(&session.store) || !plan.lacks_content() {
                continue;
            }
            if let Some(known) = self.locked_layer(plan.inputs()) {
                locked.insert(plan.inputs().to_string(), known);
            }
        }
        Ok(LockedLayers(locked))
    }

    /// What the lock file has of the layer with these inputs.
    pub fn locked_layer(&self, inputs: &str) -> Option<Known> {
        let layers = &self.old_lock.as_ref()?.layers;
        let layer = layers.iter().find(|one| one.is_of(inputs))?;
        Some(Known {
            digest: layer.digest,
            diff_id: layer.diff_id,
            size: layer.size,
        })
    }

    /// Brings the bytes into the store that layers are made of which are neither cached nor
    /// `known` otherwise.
    pub async fn fetch_absent(
        &mut self,
        session: &Session,
        known: impl Fn(&Plan<'_>) -> bool,
    ) -> Result<()> {
        let absent = self.absent(session, known)?;
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

    /// The JARs without bytes here that layers are made of which are neither cached nor
    /// `known` otherwise.
    pub fn absent(
        &self,
        session: &Session,
        known: impl Fn(&Plan<'_>) -> bool,
    ) -> Result<Vec<Digest>> {
        let mut absent: Vec<Digest> = Vec::new();
        for plan in self.plans()? {
            if known(&plan) || plan.is_cached(&session.store) {
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
}

impl LockedLayers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the layer of this plan is one of them.
    pub fn has(&self, plan: &Plan<'_>) -> bool {
        self.0.contains_key(plan.inputs())
    }
}
