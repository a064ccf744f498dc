//! Writing the layers that are not cached; the largest of them goes into the
//! daemon at the same time, where there will be a load.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::image::{Digest, Layer};
use crate::layer::{Known, Plan};
use crate::ops::Session;
use crate::ops::build::rewrite;
use crate::parallel::in_parallel;
use crate::sink::daemon::Ahead;
use crate::store::Growing;

/// A smaller layer is sent in no time when all are written.
pub const WORTH_SENDING_AHEAD: u64 = 1 << 20;

/// A layer that is sent while it is written.
pub struct Sending {
    ahead: Mutex<Ahead>,
    /// Its compressed bytes.
    size: u64,
}

impl Sending {
    /// Sends a layer of this many compressed bytes.
    pub fn new(ahead: Ahead, size: u64) -> Sending {
        let ahead = Mutex::new(ahead);
        Sending { ahead, size }
    }

    /// Sends what comes.
    pub fn follow(&self, growing: Growing) -> Result<()> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.send(self.size, growing)
    }

    /// The layer was written, under this digest.
    pub fn took(self, digest: Digest) -> Ahead {
        let mut ahead = self
            .ahead
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        ahead.took(digest);
        ahead
    }
}

/// The layer to send while it is written. One that is not in the cache was not built
/// before, so that the daemon has it not either.
fn first(
    session: &Session,
    plans: &[Plan<'_>],
    known: KnownOf<'_>,
) -> Result<Option<(usize, Sending)>> {
    let new = plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| known(plan).is_none() && !plan.is_cached(&session.store));
    let Some((at, plan)) = new.max_by_key(|(_, plan)| plan.size()) else {
        return Ok(None);
    };
    if plan.size() < WORTH_SENDING_AHEAD {
        return Ok(None);
    }
    let Some(size) = plan.packed_size(&session.store)? else {
        return Ok(None);
    };
    session.expect_change();
    let ahead = session.lend_ahead();
    Ok(ahead.map(|ahead| (at, Sending::new(ahead, size))))
}

/// What is known of a layer that is not to be written.
pub type KnownOf<'a> = &'a (dyn Fn(&Plan<'_>) -> Option<Known> + Sync);

/// The layers of all plans, in their order, and the load that has begun.
pub fn write(
    session: &Session,
    plans: &[Plan<'_>],
    known: KnownOf<'_>,
    docker_types: bool,
) -> Result<(Vec<Layer>, Option<Ahead>)> {
    let (store, report) = (&session.store, &session.report);
    let whole = |plan: &Plan<'_>| match known(plan) {
        Some(known) => Ok(plan.described(&known, false, docker_types)),
        None => {
            let mut layer = plan.layer(store, docker_types, None, report)?;
            match &layer.descriptor {
                Some(blob) if session.rewrites.has(&blob.digest) => layer.built = true,
                _ if layer.built => rewrite::remember(session, plan),
                _ => {}
            }
            Ok(layer)
        }
    };
    let Some((first, sending)) = first(session, plans, known)? else {
        let layers = in_parallel(plans.len(), |at| whole(&plans[at]))?;
        return Ok((layers, session.take_ahead()));
    };
    // What is sent comes first: others are written while the daemon is slow.
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by_key(|at| *at != first);
    let layers = in_parallel(order.len(), |turn| {
        let at = order[turn];
        if at != first {
            return Ok((at, whole(&plans[at])?));
        }
        let follow = |growing| sending.follow(growing);
        let layer = plans[at].layer(store, docker_types, Some(&follow), report)?;
        rewrite::remember(session, &plans[at]);
        Ok((at, layer))
    })?;
    let layers: BTreeMap<usize, Layer> = layers.into_iter().collect();
    let layers: Vec<Layer> = layers.into_values().collect();
    let digest = layers[first].descriptor.as_ref().map(|layer| layer.digest);
    Ok((layers, digest.map(|digest| sending.took(digest))))
}
