//! The repositories that an image goes to: they are asked what they have while it
//! is made.

use std::collections::BTreeSet;

use tokio::task::JoinHandle;

use crate::base::BaseSpec;
use crate::error::{Error, Result};
use crate::image::{Images, Reference};
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::ops::build::bases;
use crate::ops::build::resolved::Inputs;
use crate::ops::build::targets::Target;
use crate::sink::registry::{Asked, Visit};

/// A target, and how far the talk with its registry is.
struct Stop {
    target: Target,
    state: State,
}

enum State {
    Asking(JoinHandle<Result<Asked>>),
    Begun(Box<Visit>),
}

/// Targets that were asked already.
#[derive(Default)]
pub struct Visits(Vec<Stop>);

impl Visits {
    /// Asks each target what it has under its first tag. What comes of it, also
    /// an error, is told when the image goes there.
    pub fn ask(
        session: &Session,
        inputs: &Inputs,
        manifest: &Manifest,
        targets: &[Target],
    ) -> Visits {
        let bases = named_bases(inputs, manifest);
        let stops = targets.iter().map(|target| {
            let (repository, tags) = (target.repository.clone(), target.tags.clone());
            let beside = bases.iter().filter(|base| base.host == repository.host);
            let sources: BTreeSet<String> = beside.map(|base| base.repository.clone()).collect();
            let (store, registries) = (session.store.clone(), session.registries.clone());
            let asking = tokio::spawn(async move {
                Asked::ask(&repository, &tags, sources, &store, &registries).await
            });
            Stop {
                target: target.clone(),
                state: State::Asking(asking),
            }
        });
        Visits(stops.collect())
    }

    /// The visit to this target.
    pub async fn take(
        &mut self,
        session: &Session,
        images: &Images,
        target: &Target,
    ) -> Result<Visit> {
        self.begin(session, images, target, &[]).await
    }

    async fn begin(
        &mut self,
        session: &Session,
        images: &Images,
        target: &Target,
        others: &[&str],
    ) -> Result<Visit> {
        let (store, registries) = (&session.store, &session.registries);
        let at = self.0.iter().position(|stop| stop.target == *target);
        match at.map(|at| self.0.remove(at).state) {
            Some(State::Begun(visit)) => Ok(*visit),
            Some(State::Asking(asking)) => {
                let asked = asking
                    .await
                    .map_err(|_| Error::new("the question to the registry ended by a panic"))??;
                Visit::after(asked, images, others, store).await
            }
            None => {
                let (repository, tags) = (&target.repository, &target.tags);
                Visit::begin(images, repository, tags, others, store, registries).await
            }
        }
    }

    /// Begins the visits to all targets.
    pub async fn begin_all(
        &mut self,
        session: &Session,
        images: &Images,
        targets: &[Target],
    ) -> Result<Vec<&Visit>> {
        for target in targets {
            // What one of them has, another can mount.
            let others = targets
                .iter()
                .map(|other| &other.repository)
                .filter(|other| other.host == target.repository.host);
            let others: Vec<&str> = others.map(|other| other.repository.as_str()).collect();
            let visit = self.begin(session, images, target, &others).await?;
            self.0.push(Stop {
                target: target.clone(),
                state: State::Begun(Box::new(visit)),
            });
        }
        let begun = self.0.iter().filter_map(|stop| match &stop.state {
            State::Begun(visit) => Some(visit.as_ref()),
            State::Asking(_) => None,
        });
        Ok(begun.collect())
    }
}

/// The bases that a registry may have: layers are mounted from there.
fn named_bases(inputs: &Inputs, manifest: &Manifest) -> Vec<Reference> {
    // Whatever is wrong with them is told where they are looked for.
    let texts = bases::named(inputs, manifest).unwrap_or_default();
    let specs = texts.iter().filter_map(|(_, text)| text.parse().ok());
    let references = specs.filter_map(|spec| match spec {
        BaseSpec::Anywhere(reference) | BaseSpec::Registry(reference) => Some(reference),
        BaseSpec::Daemon(_) | BaseSpec::Layout { .. } => None,
    });
    references.collect()
}
