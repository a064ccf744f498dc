//! `flinkpack push`: what was built last, to its registry.

use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Reason, Result};
use crate::image::Digest;
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::ops::build::last_build::LastBuild;
use crate::ops::build::outcome::Outcome;
use crate::ops::build::sinks::repositories;
use crate::ops::build::sinks::send;
use crate::ops::build::targets::targets;
use crate::ops::project::inputs::lock_path;
use crate::sink::{Shipment, Sink};

/// Pushes what was built last from this manifest; `tags` take the place of
/// those it was built with.
pub async fn run(session: &Session, manifest: &Path, tags: &[String]) -> Result<Outcome> {
    let begun = Instant::now();
    let nothing = || {
        Error::new(format!(
            "nothing was built from {} yet, or the cache was pruned since",
            manifest.display()
        ))
        .hint("`flinkpack build --push` builds and pushes")
    };
    let last = LastBuild::find(&session.store, manifest)?.ok_or_else(nothing)?;
    let images = last.images(session).await?.ok_or_else(nothing)?;
    let targets = if tags.is_empty() {
        last.targets()
    } else {
        let lock = std::fs::read(lock_path(manifest)).unwrap_or_default();
        targets(&Manifest::read(manifest)?, tags, &Digest::of(&lock))?
    };
    let shipment = Shipment {
        images: &images,
        targets: &targets,
        documents: &last.attached,
    };
    let mut sinks: Vec<Box<dyn Sink>> = repositories(&targets).collect();
    let sent = send(session, &mut sinks, &shipment).await;
    let deliveries = sent.map_err(|error| {
        if error.is(Reason::CorruptBlob) {
            error.hint("`flinkpack build --push` makes it anew")
        } else {
            error
        }
    })?;
    Ok(Outcome::of(&images, &targets, last.base, deliveries, begun))
}
