//! The registry client and the sinks, as a whole.

mod errors;
mod files;
mod helpers;
mod logins;
mod matrix;
mod matrix_answers;
mod matrix_elsewhere;
mod matrix_passing;
mod matrix_reading;
mod matrix_uploads;
mod mirrors;
mod pull;
mod push;
mod real;
mod real_tokens;
mod resume;
mod sessions;
mod trust;
mod uploads;

use std::time::Duration;

use flinkpack::base::Sources;
use flinkpack::error::Result;
use flinkpack::fetch::Patience;
use flinkpack::image::Reference;
use flinkpack::image::{Image, LayerKind, Origin};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;
use flinkpack::sink::registry::Repository;
use flinkpack::sink::{Delivery, Shipment, Sink, Target};
use flinkpack::store::Store;
use tempfile::TempDir;

use crate::support::images::{image, layer, noise, stored};
use crate::support::registry::FaultRegistry;

/// Options with which nothing takes long.
fn quick() -> Options {
    Options {
        patience: Patience {
            pause: Duration::from_millis(5),
            stall: Duration::from_millis(400),
            ..Patience::default()
        },
        answer: Duration::from_millis(400),
        ..Options::default()
    }
}

/// A store in a folder of its own, and registries without credentials.
struct Bench {
    store: Store,
    registries: Registries,
    folder: TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(Keychain::anonymous())
    }

    fn with(keychain: Keychain) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        Bench {
            store: Store::open(folder.path().join("cache")),
            registries: Registries::new(keychain, quick(), Report::silent()),
            folder,
        }
    }

    /// An image of stored layers of these seeds, 200 kB each.
    fn image(&self, seeds: &[u64]) -> Image {
        let layers = seeds.iter();
        let layers = layers.map(|seed| {
            stored(
                &self.store,
                &format!("layer {seed}"),
                &noise(*seed, 200_000),
            )
        });
        image(layers.collect())
    }

    /// An image on a base layer that `registry` has in the repository `base`.
    fn image_on_base(&self, registry: &FaultRegistry, seeds: &[u64]) -> Image {
        let base = noise(999, 300_000);
        registry.add_blob("base", &base);
        let origin = Origin::Registry(registry.reference("base"));
        let mut layers = vec![layer("base", LayerKind::Base, &base, origin)];
        layers.extend(self.image(seeds).layers);
        image(layers)
    }

    async fn push(
        &self,
        image: &Image,
        registry: &FaultRegistry,
        tags: &[&str],
    ) -> Result<Delivery> {
        self.push_to(image, &registry.reference("team/job"), tags)
            .await
    }

    /// Pushes to a repository, under these tags.
    async fn push_to(&self, image: &Image, target: &Reference, tags: &[&str]) -> Result<Delivery> {
        let targets = [Target {
            repository: target.clone(),
            tags: tags.iter().map(|tag| tag.to_string()).collect(),
        }];
        let mut sink = Repository::each(&targets).remove(0);
        self.deliver(&mut sink, image, &targets).await
    }

    /// Brings an image to a place.
    async fn deliver(
        &self,
        sink: &mut dyn Sink,
        image: &Image,
        targets: &[Target],
    ) -> Result<Delivery> {
        let report = Report::silent();
        let sources = Sources {
            store: &self.store,
            daemon: None,
            no_daemon: None,
            registries: &self.registries,
            report: &report,
            offline: false,
        };
        let images = image.clone().into();
        let shipment = Shipment {
            images: &images,
            targets,
            documents: &[],
        };
        sink.deliver(&shipment, &sources).await
    }
}

/// The text of the error that must have come.
fn failed<T>(outcome: Result<T>) -> String {
    match outcome {
        Ok(_) => panic!("it went well, but should not have"),
        Err(error) => error.report(),
    }
}
