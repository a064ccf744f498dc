//! Writing the layers that are not cached; the largest of them goes into the
//! daemon at the same time, where there will be a load.

use std::collections::BTreeMap;

use super::trusted::{Trusted, TrustedLayers};
use crate::error::Result;
use crate::image::{Layer, Origin};
use crate::layer::Plan;
use crate::ops::Session;
use crate::ops::project::changed_jars::ChangedJars;
use crate::parallel::in_parallel;
use crate::sink::daemon::WORTH_SENDING_EARLY;

/// What layers are written with.
pub struct Writer<'a> {
    /// The run.
    pub session: &'a Session,
    /// Layers that need not be written.
    pub trusted: &'a TrustedLayers,
    /// Layers that this run has written, by what stands for their inputs.
    pub written: &'a BTreeMap<String, Layer>,
    /// Layers that were written already, since their JAR changed.
    pub changed: &'a ChangedJars,
    /// Whether the base has Docker's media types.
    pub docker_types: bool,
}

impl Writer<'_> {
    /// The layers of all plans, in their order.
    pub fn write(&self, plans: &[&Plan<'_>]) -> Result<Vec<Layer>> {
        let early = self.early(plans)?;
        // What is sent comes first: others are written while the daemon is slow.
        let mut order: Vec<usize> = (0..plans.len()).collect();
        order.sort_by_key(|at| early.is_none_or(|(early, _)| early != *at));
        let layers = in_parallel(order.len(), |turn| {
            let at = order[turn];
            let layer = match early {
                Some((early, size)) if early == at => self.sent(plans[at], size),
                _ => self.layer(plans[at]),
            };
            Ok((at, layer?))
        })?;
        let layers: BTreeMap<usize, Layer> = layers.into_iter().collect();
        Ok(layers.into_values().collect())
    }

    /// The layer to send while it is written, and the size of its compressed bytes. One
    /// that is not in the cache was not built before, so that the daemon has it not either.
    fn early(&self, plans: &[&Plan<'_>]) -> Result<Option<(usize, u64)>> {
        let store = &self.session.store;
        let is_known = |plan: &Plan<'_>| {
            self.written.contains_key(plan.inputs()) || self.trusted.get(plan).is_some()
        };
        let new = plans
            .iter()
            .enumerate()
            .filter(|(_, plan)| !is_known(plan) && !plan.is_cached(store));
        let Some((at, plan)) = new.max_by_key(|(_, plan)| plan.size()) else {
            return Ok(None);
        };
        if plan.size() < WORTH_SENDING_EARLY {
            return Ok(None);
        }
        let size = plan.packed_size(store)?;
        if size.is_some() {
            self.changed.early_load().begin();
        }
        Ok(size.map(|size| (at, size)))
    }

    fn sent(&self, plan: &Plan<'_>, size: u64) -> Result<Layer> {
        let Session { store, report, .. } = self.session;
        let layer = self.changed.early_load().fill(size, |follow| {
            let layer = plan.layer(store, self.docker_types, follow, report)?;
            let digest = layer.descriptor.as_ref().map(|blob| blob.digest);
            Ok((layer, digest))
        })?;
        self.changed.remember(self.session, plan);
        Ok(layer)
    }

    fn layer(&self, plan: &Plan<'_>) -> Result<Layer> {
        let Session { store, report, .. } = self.session;
        if let Some(layer) = self.written.get(plan.inputs()) {
            return Ok(layer.clone());
        }
        if let Some(Trusted { known, place }) = self.trusted.get(plan) {
            let mut layer = plan.described(known, false, self.docker_types);
            if let Some(place) = place {
                layer.origin = Origin::Registry(place.clone());
            }
            return Ok(layer);
        }
        let mut layer = plan.layer(store, self.docker_types, None, report)?;
        match &layer.descriptor {
            Some(blob) if self.changed.wrote(&blob.digest) => layer.built = true,
            _ if layer.built => self.changed.remember(self.session, plan),
            _ => {}
        }
        Ok(layer)
    }
}
