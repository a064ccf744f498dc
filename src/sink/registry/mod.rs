//! Into a repository of a registry: what it has is not sent.

mod referrers;
mod visit;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::LocalBoxFuture;
use tokio::task::JoinHandle;

use visit::{Asked, Known, Visit};

use super::{
    Delivery, Expected, Inventory, ManifestForm, Medium, Platforms, Question, Shipment, Sink,
    Takes, Target, There,
};
use crate::attest;
use crate::base::Sources;
use crate::error::{Error, Result};
use crate::image::{AnyManifest, Digest, Layer, Origin, Reference};
use crate::registry::PLATFORMS;

/// A repository of a registry.
pub struct Repository {
    /// The repository, without tag.
    repository: Reference,
    /// Other repositories of the same registry that the same image goes to: what one
    /// has, another can mount.
    siblings: Vec<String>,
    talk: Talk,
}

/// How far the talk with the registry is.
enum Talk {
    NotBegun,
    /// What is there under the first tag?
    Asking(JoinHandle<Result<Asked>>),
    Begun(Box<Visit>),
}

impl Repository {
    /// The repositories that an image goes to.
    pub fn each(targets: &[Target]) -> Vec<Repository> {
        let repositories = targets.iter().map(|target| &target.repository);
        let sink = |repository: &Reference| Repository {
            repository: repository.clone(),
            siblings: repositories
                .clone()
                .filter(|other| other.host == repository.host && *other != repository)
                .map(|other| other.repository.clone())
                .collect(),
            talk: Talk::NotBegun,
        };
        repositories.clone().map(sink).collect()
    }

    /// The tags that the image gets here.
    fn tags<'a>(&self, targets: &'a [Target]) -> &'a [String] {
        let own = targets
            .iter()
            .find(|target| target.repository == self.repository);
        own.map(|target| target.tags.as_slice()).unwrap_or_default()
    }

    /// The visit, begun if it was not yet.
    async fn visit(
        &mut self,
        known: &Known<'_>,
        tags: &[String],
        sources: &Sources<'_>,
    ) -> Result<&mut Visit> {
        let siblings: &[String] = match known.for_question {
            true => &self.siblings,
            false => &[],
        };
        let begun = match std::mem::replace(&mut self.talk, Talk::NotBegun) {
            Talk::Begun(visit) => *visit,
            Talk::Asking(asking) => {
                let asked = asking
                    .await
                    .map_err(|_| Error::new("the question to the registry ended by a panic"))??;
                Visit::after(asked, known, siblings, sources.store).await?
            }
            Talk::NotBegun => {
                let (store, registries) = (sources.store, sources.registries);
                Visit::begin(known, &self.repository, tags, siblings, store, registries).await?
            }
        };
        self.talk = Talk::Begun(Box::new(begun));
        match &mut self.talk {
            Talk::Begun(visit) => Ok(visit),
            Talk::NotBegun | Talk::Asking(_) => Err(Error::new("internal error: no visit began")),
        }
    }

    async fn held(
        &mut self,
        question: &Question<'_>,
        sources: &Sources<'_>,
    ) -> Result<BTreeMap<Digest, Reference>> {
        let tags = self.tags(question.targets).to_vec();
        let known = Known {
            layers: question.known,
            images: question.images,
            for_question: true,
        };
        let visit = self.visit(&known, &tags, sources).await?;
        let visit = &*visit;
        let place = |digest: Digest| async move {
            let place = match visit.has(digest).await? {
                true => Some(visit.target().clone()),
                false => visit.source_with(digest).await,
            };
            Ok::<_, Error>(place.map(|place| (digest, place)))
        };
        let places = question.layers.iter().map(|digest| place(*digest));
        let places = futures_util::future::try_join_all(places).await?;
        Ok(places.into_iter().flatten().collect())
    }

    async fn push(&mut self, shipment: &Shipment<'_>, sources: &Sources<'_>) -> Result<Delivery> {
        let tags = self.tags(shipment.targets).to_vec();
        let images = shipment.images;
        let layers: Vec<Layer> = images.layers().into_iter().cloned().collect();
        let known = Known {
            layers: &layers,
            images: Some(images),
            for_question: false,
        };
        let visit = self.visit(&known, &tags, sources).await?;
        visit.meet(images).await?;
        let mut delivery = visit.push(images, sources.store, sources.report).await?;
        let referrers = attest::referrers(images, shipment.documents)?;
        if let Some(manifest) = images.manifest()
            && !referrers.is_empty()
            && visit.attach(manifest, &referrers).await? > 0
        {
            delivery.unchanged = false;
        }
        delivery.bytes = visit.traffic().sent();
        delivery.requests = visit.traffic().requests();
        Ok(delivery)
    }
}

impl Sink for Repository {
    fn takes(&self) -> Takes {
        Takes {
            name: "--push".to_string(),
            platforms: Platforms::All,
            manifest: ManifestForm::OfBase,
            documents: true,
            holds_layers: true,
        }
    }

    fn prepare(&mut self, expected: &Expected<'_>, sources: &Sources<'_>) {
        let (repository, tags) = (
            self.repository.clone(),
            self.tags(expected.targets).to_vec(),
        );
        if tags.is_empty() {
            return;
        }
        let beside = expected.bases.iter();
        let beside = beside.filter(|base| base.host == repository.host);
        let readable: BTreeSet<String> = beside.map(|base| base.repository.clone()).collect();
        let (store, registries) = (sources.store.clone(), sources.registries.clone());
        self.talk = Talk::Asking(tokio::spawn(async move {
            Asked::ask(&repository, &tags, readable, &store, &registries).await
        }));
    }

    fn held<'a>(
        &'a mut self,
        question: &'a Question<'a>,
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<Digest, Reference>>> {
        Box::pin(Repository::held(self, question, sources))
    }

    fn inventory<'a>(
        &'a self,
        targets: &'a [Target],
        base: &'a [Layer],
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Option<Inventory>>> {
        let base_is_mountable = base.iter().all(|layer| match &layer.origin {
            Origin::Registry(from) => from.host == self.repository.host,
            _ => false,
        });
        Box::pin(async move {
            let tags = self.tags(targets);
            Ok(Some(Inventory {
                medium: Medium::Registry,
                there: There::Blobs {
                    digests: self.named_layers(tags, sources).await,
                    base_is_mountable,
                },
            }))
        })
    }

    fn deliver<'a>(
        &'a mut self,
        shipment: &'a Shipment<'a>,
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Delivery>> {
        Box::pin(self.push(shipment, sources))
    }
}

impl Repository {
    /// The layers that the repository has for certain: those of the images that
    /// these tags name.
    async fn named_layers(&self, tags: &[String], sources: &Sources<'_>) -> Vec<Digest> {
        let mut there = Vec::new();
        let registries = sources.registries.direct();
        for tag in tags {
            let Ok(reference) = self.repository.with_tag(tag) else {
                continue;
            };
            let Ok(fetched) = registries.manifest(&reference).await else {
                continue;
            };
            let mut manifests = vec![fetched.parse()];
            if let Some(Ok(AnyManifest::Index(index))) = manifests.first() {
                for entry in index.manifests.clone().iter().take(PLATFORMS) {
                    let inner = reference.with_digest(entry.digest);
                    let fetched = registries.manifest(&inner).await;
                    manifests.push(fetched.and_then(|fetched| fetched.parse()));
                }
            }
            for manifest in manifests {
                if let Ok(AnyManifest::Image(manifest)) = manifest {
                    there.extend(manifest.layers.iter().map(|layer| layer.digest));
                }
            }
        }
        there
    }
}
