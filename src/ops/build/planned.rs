//! Which layers have to be made, decided before any is.
//!
//! The lock file says what layers came to whose JARs are not at hand. A registry that
//! has such a layer needs neither the JARs nor the bytes: so the places that the image
//! goes to are asked, and what none of them has is made.

use std::collections::BTreeMap;

use super::images;
use super::layers::Writer;
use super::trusted::{Trusted, TrustedLayers};
use crate::error::Result;
use crate::image::{Digest, Images, Layer};
use crate::layer::Plan;
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::locked_layers::LockedLayers;
use crate::ops::project::resolved::Resolved;
use crate::sink::{ManifestForm, Question, Sink, Target};

/// What was found, and which of its layers are not made.
pub struct Planned {
    pub(super) resolved: Resolved,
    pub(super) trusted: TrustedLayers,
    /// Layers that were written to know what the image comes to, by what stands for
    /// their inputs.
    pub(super) written: BTreeMap<String, Layer>,
}

impl Planned {
    /// Every layer is made.
    pub fn to_make_all(resolved: Resolved) -> Planned {
        Planned {
            resolved,
            trusted: TrustedLayers::default(),
            written: BTreeMap::new(),
        }
    }

    /// For a new lock file: what the old one says of a layer still holds while its inputs do.
    pub fn as_locked(resolved: Resolved, locked: LockedLayers) -> Planned {
        let trusted = locked.0.into_iter().map(|(inputs, known)| {
            let place = None;
            (inputs, Trusted { known, place })
        });
        Planned {
            trusted: TrustedLayers(trusted.collect()),
            ..Planned::to_make_all(resolved)
        }
    }

    /// Writes the layers that the lock file does not tell of, and asks the places which of
    /// the `locked` layers they have. `targets` gives the image's names from the new lock.
    pub async fn of(
        session: &Session,
        mut resolved: Resolved,
        locked: LockedLayers,
        changed: &ChangedJars,
        sinks: &mut [Box<dyn Sink>],
        targets: impl Fn(&Manifest, &Lock) -> Result<Vec<Target>>,
    ) -> Result<Planned> {
        resolved
            .fetch_absent(session, |plan| locked.has(plan))
            .await?;
        let plans = resolved.plans()?;
        let written = written(session, &resolved, &plans, &locked, changed)?;
        let own = plans.iter().map(|plan| match locked.0.get(plan.inputs()) {
            Some(known) => Some(plan.described(known, false, resolved.base.docker_types)),
            None => written.get(plan.inputs()).cloned(),
        });
        let own: Vec<Layer> = own.flatten().collect();
        let lock = images::locked(&resolved, &plans, &own);
        drop(plans);
        let image = predicted(&resolved, &own, &lock, sinks)?;
        let targets = targets(&resolved.manifest, &lock)?;
        let base = resolved.bases().flat_map(|base| &base.layers).cloned();
        let known: Vec<Layer> = base.chain(own).collect();
        let layers: Vec<Digest> = locked.0.values().map(|known| known.digest).collect();
        let question = Question {
            layers: &layers,
            known: &known,
            images: image.as_ref(),
            targets: &targets,
        };
        let sources = session.sources().await;
        let mut held = BTreeMap::new();
        for sink in sinks {
            for (digest, place) in sink.held(&question, &sources).await? {
                held.entry(digest).or_insert(place);
            }
        }
        let trusted = locked.0.into_iter().filter_map(|(inputs, known)| {
            let place = Some(held.get(&known.digest)?.clone());
            Some((inputs, Trusted { known, place }))
        });
        Ok(Planned {
            trusted: TrustedLayers(trusted.collect()),
            written,
            resolved,
        })
    }
}

/// Writes the layers that are not `locked`; answers them by what stands for their inputs.
fn written(
    session: &Session,
    resolved: &Resolved,
    plans: &[Plan<'_>],
    locked: &LockedLayers,
    changed: &ChangedJars,
) -> Result<BTreeMap<String, Layer>> {
    let to_write = plans.iter().filter(|plan| !locked.has(plan));
    let to_write: Vec<&Plan<'_>> = to_write.collect();
    let writer = Writer {
        session,
        trusted: &TrustedLayers::default(),
        written: &BTreeMap::new(),
        changed,
        docker_types: resolved.base.docker_types,
    };
    let layers = writer.write(&to_write)?;
    let inputs = to_write.iter().map(|plan| plan.inputs().to_string());
    Ok(inputs.zip(layers).collect())
}

/// The image that these layers come to; `None` where only the daemon knows its base, so
/// that it has no manifest yet.
fn predicted(
    resolved: &Resolved,
    own: &[Layer],
    lock: &Lock,
    sinks: &[Box<dyn Sink>],
) -> Result<Option<Images>> {
    let mut each = images::assembled(resolved, own, lock)?;
    if each.iter().any(|image| image.manifest.is_none()) {
        return Ok(None);
    }
    if sinks
        .iter()
        .any(|sink| sink.takes().manifest == ManifestForm::Oci)
    {
        for image in &mut each {
            crate::image::assemble::in_oci_types(image)?;
        }
    }
    Images::new(each).map(Some)
}
