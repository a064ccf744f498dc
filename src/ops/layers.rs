//! Writing the layers that are not cached; the largest of them goes into the
//! daemon at the same time, where there will be a load.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Session;
use crate::error::Result;
use crate::image::Layer;
use crate::layer::{Known, Plan};
use crate::parallel::in_parallel;
use crate::sink::daemon::{Ahead, LayerSink};

/// A smaller layer is sent in no time when all are written.
const WORTH_SENDING_AHEAD: u64 = 1 << 20;

/// A layer that is sent while it is written.
struct Sending {
    ahead: Ahead,
    at: usize,
    sink: LayerSink,
}

impl Sending {
    /// A layer that is not in the cache was not built before, so that the
    /// daemon has it not either.
    fn begin(session: &Session, plans: &[Plan<'_>], known: KnownOf<'_>) -> Result<Option<Sending>> {
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
        let Some(ahead) = session.take_ahead() else {
            return Ok(None);
        };
        let sink = ahead.layer(size)?;
        Ok(Some(Sending { ahead, at, sink }))
    }
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
        None => plan.layer(store, docker_types, None, report),
    };
    let Some(Sending {
        mut ahead,
        at: first,
        sink,
    }) = Sending::begin(session, plans, known)?
    else {
        let layers = in_parallel(plans.len(), |at| whole(&plans[at]))?;
        return Ok((layers, session.take_ahead()));
    };
    // What is sent comes first: others are written while the daemon is slow.
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by_key(|at| *at != first);
    let (sink, arrived) = (Mutex::new(Some(sink)), AtomicBool::new(false));
    let layers = in_parallel(order.len(), |turn| {
        let at = order[turn];
        let taken = match at == first {
            true => sink.lock().ok().and_then(|mut sink| sink.take()),
            false => None,
        };
        let Some(mut sink) = taken else {
            return Ok((at, whole(&plans[at])?));
        };
        let layer = plans[at].layer(store, docker_types, Some(&mut sink), report)?;
        arrived.store(sink.finish(), Ordering::Relaxed);
        Ok((at, layer))
    })?;
    let layers: BTreeMap<usize, Layer> = layers.into_iter().collect();
    let layers: Vec<Layer> = layers.into_values().collect();
    let digest = layers[first].descriptor.as_ref().map(|layer| layer.digest);
    let ahead = digest.filter(|_| arrived.into_inner()).map(|digest| {
        ahead.took(digest);
        ahead
    });
    Ok((layers, ahead))
}
