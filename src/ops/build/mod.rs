//! `flinkpack build`: inputs are resolved, planned, made and delivered, in this order.

mod announce;
mod documents;
pub mod forecast;
pub mod images;
pub mod last_build;
mod layers;
pub mod made;
pub mod options;
pub mod outcome;
pub mod planned;
pub mod portable;
pub mod sinks;
pub mod targets;
mod trusted;

use std::time::Instant;

use last_build::LastBuild;
use made::Made;
use options::Options;
use outcome::{BaseOutcome, Outcome};
use planned::Planned;
use portable::{check_platforms, portable};
use sinks::{Sinks, send};
use targets::{expected_targets, targets};

use crate::error::{Reason, Result};
use crate::image::Digest;
use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::ops::project::bases;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::inputs::Inputs;
use crate::ops::project::locked_layers::LockedLayers;
use crate::ops::project::resolved::resolve;
use crate::sink::{Expected, Shipment, Sink, Target};

/// Builds, and sends the image where it was asked to go; with no place asked
/// for, into the daemon, or into a file where there is no daemon.
pub async fn run(session: &Session, options: &Options) -> Result<Outcome> {
    sinks::check(session, options)?;
    match attempt(session, options, true).await {
        // A corrupted blob was deleted when it was found: now it is made anew.
        Err(error) if error.is(Reason::CorruptBlob) => {
            session
                .report
                .warn(format!("{}; starting again", error.message()));
            attempt(session, options, true).await
        }
        // The registry had lost what it said that it had.
        Err(error) if error.is(Reason::BlobUnknown) && options.push => {
            session
                .report
                .warn(format!("{}; making every layer anew", error.message()));
            attempt(session, options, false).await
        }
        other => other,
    }
}

/// Builds once. Layers of the lock file that a place has are made all the same where
/// `trust` is false.
async fn attempt(session: &Session, options: &Options, trust: bool) -> Result<Outcome> {
    let begun = Instant::now();
    let inputs = Inputs::read(&options.request)?;
    let expected = expected_targets(&inputs.manifest, &options.tags)?;
    let Sinks {
        mut sinks,
        early_load,
    } = Sinks::of(session, options, inputs.manifest.folder(), &expected).await?;
    prepare(session, &mut sinks, &inputs, &expected).await;
    let changed = ChangedJars::of(&options.request.manifest, early_load);
    let mut resolved = resolve(session, inputs, &changed).await?;
    announce::found(session, &resolved);
    let locked = match trust && sinks.iter().any(|sink| sink.takes().holds_layers) {
        true => resolved.locked_layers(session)?,
        false => LockedLayers::default(),
    };
    if options.check {
        crate::ops::check::before_build(session, &mut resolved, &locked).await?;
    }
    check_platforms(&resolved, &sinks)?;
    let targets = |manifest: &Manifest, lock: &Lock| {
        let digest = Digest::of(lock.text()?.as_bytes());
        targets(manifest, &options.tags, &digest)
    };
    let planned = match locked.is_empty() {
        true => Planned::to_make_all(resolved),
        false => Planned::of(session, resolved, locked, &changed, &mut sinks, targets).await?,
    };
    let made = planned.make(session, &changed).await?;
    let targets = targets(&made.resolved.manifest, &made.lock)?;
    deliver(session, options, made, &targets, sinks, begun).await
}

/// Brings what was made to its places, and keeps it for `push`.
async fn deliver(
    session: &Session,
    options: &Options,
    made: Made,
    targets: &[Target],
    mut sinks: Vec<Box<dyn Sink>>,
    begun: Instant,
) -> Result<Outcome> {
    let Made {
        resolved,
        each,
        lock,
    } = made;
    let images = portable(session, each, resolved.base.docker_types, &sinks).await?;
    if !options.request.locked && lock.write(&resolved.lock_path)? {
        session
            .report
            .note(format!("wrote {}", resolved.lock_path.display()));
    }
    let documents = documents::of(&resolved, options, &images, &lock)?;
    let are_taken = sinks.iter().any(|sink| sink.takes().documents);
    if documents::are_asked_for(&resolved, options) && !are_taken {
        session.report.warn(
            "the image goes only where no documents can be attached to it: --push and --output oci:DIR take them",
        );
    }
    let base = BaseOutcome::of(&resolved.base);
    let manifest = &options.request.manifest;
    LastBuild::keep(session, manifest, &images, targets, &base, &documents)?;
    let shipment = Shipment {
        images: &images,
        targets,
        documents: &documents,
    };
    let deliveries = send(session, &mut sinks, &shipment).await?;
    Ok(Outcome::of(&images, targets, base, deliveries, begun))
}

/// Has the places begin what needs no image yet.
async fn prepare(
    session: &Session,
    sinks: &mut [Box<dyn Sink>],
    inputs: &Inputs,
    targets: &[Target],
) {
    let expected = Expected {
        targets,
        bases: &bases::repositories(&inputs.request, &inputs.manifest),
    };
    let sources = session.sources().await;
    for sink in sinks {
        sink.prepare(&expected, &sources);
    }
}
