//! The places that a build goes to.

use std::path::{Path, PathBuf};

use super::options::Options;
use crate::error::{Error, Result};
use crate::ops::Session;
use crate::sink::archive::OciArchive;
use crate::sink::daemon::{DockerDaemon, EarlyLoad};
use crate::sink::registry::Repository;
use crate::sink::{Delivery, Shipment, Sink, Target};

/// The places that an image goes to.
pub struct Sinks {
    /// The places, in the order in which it goes there.
    pub sinks: Vec<Box<dyn Sink>>,
    /// The load that may begin before the image is known.
    pub early_load: EarlyLoad,
}

impl Sinks {
    /// What was asked for; with no place asked for, the daemon, or a file where there is
    /// no daemon: one in `folder`, the manifest's. An error where a daemon is asked for and none answers.
    pub async fn of(
        session: &Session,
        options: &Options,
        folder: &Path,
        targets: &[Target],
    ) -> Result<Sinks> {
        let mut all = Sinks {
            sinks: Vec::new(),
            early_load: EarlyLoad::none(),
        };
        let is_given = options.load || options.push || !options.outputs.is_empty();
        let daemon = match (options.load, is_given) {
            // Told before the work, not after it.
            (true, _) => Some(session.need_daemon().await?),
            (false, true) => None,
            (false, false) => session.daemon().await,
        };
        if let Some(daemon) = daemon {
            let daemon = DockerDaemon::new(daemon.clone());
            all.early_load = daemon.early_load();
            all.sinks.push(Box::new(daemon));
        } else if !is_given {
            let file = default_file(folder);
            session.report.note(format!(
                "no Docker daemon answers: writing {}",
                file.display()
            ));
            all.sinks.push(Box::new(OciArchive::new(&file, None)));
        }
        all.sinks
            .extend(options.outputs.iter().map(|output| output.sink()));
        if options.push {
            all.sinks.extend(repositories(targets));
        }
        Ok(all)
    }
}

/// The repositories of these targets.
pub fn repositories(targets: &[Target]) -> impl Iterator<Item = Box<dyn Sink>> {
    let repositories = Repository::each(targets).into_iter();
    repositories.map(|repository| Box::new(repository) as Box<dyn Sink>)
}

/// Brings an image to each place.
pub async fn send(
    session: &Session,
    sinks: &mut [Box<dyn Sink>],
    shipment: &Shipment<'_>,
) -> Result<Vec<Delivery>> {
    let sources = session.sources().await;
    let mut deliveries = Vec::new();
    for sink in sinks {
        deliveries.push(sink.deliver(shipment, &sources).await?);
    }
    Ok(deliveries)
}

/// The file that stands in for the daemon where there is none.
fn default_file(folder: &Path) -> PathBuf {
    folder.join("target/flinkpack/image.oci")
}

/// Errors for what cannot be asked for together.
pub fn check(session: &Session, options: &Options) -> Result<()> {
    if options.push && session.offline {
        return Err(Error::usage(
            "--offline and --push do not go together: a registry is on the network",
        )
        .hint("build with --offline, then run `flinkpack push`"));
    }
    let mut seen = Vec::new();
    for output in &options.outputs {
        if seen.contains(&output) {
            return Err(Error::usage("--output names the same place twice"));
        }
        seen.push(output);
    }
    Ok(())
}
