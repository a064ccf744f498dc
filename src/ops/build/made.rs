//! Layers and images. Moves nothing anywhere but into the store.

use super::images::{assembled, locked};
use super::layers::Writer;
use super::planned::Planned;
use crate::error::Result;
use crate::image::Image;
use crate::layer::Plan;
use crate::lock::Lock;
use crate::ops::Session;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::resolved::Resolved;

/// The image for each platform, and the lock that made them.
pub struct Made {
    /// What they were made of.
    pub resolved: Resolved,
    /// The images, in the order of the bases.
    pub each: Vec<Image>,
    /// The new lock.
    pub lock: Lock,
}

impl Planned {
    /// Writes the layers that are neither cached nor trusted, and assembles the image.
    pub async fn make(self, session: &Session, changed: &ChangedJars) -> Result<Made> {
        let Planned {
            mut resolved,
            trusted,
            written,
        } = self;
        let is_made =
            |plan: &Plan<'_>| written.contains_key(plan.inputs()) || trusted.get(plan).is_some();
        resolved.fetch_absent(session, is_made).await?;
        let plans = resolved.plans()?;
        let writer = Writer {
            session,
            trusted: &trusted,
            written: &written,
            changed,
            docker_types: resolved.base.docker_types,
        };
        let own = writer.write(&plans.iter().collect::<Vec<_>>())?;
        let lock = locked(&resolved, &plans, &own);
        let each = assembled(&resolved, &own, &lock)?;
        drop(plans);
        Ok(Made {
            resolved,
            each,
            lock,
        })
    }
}
