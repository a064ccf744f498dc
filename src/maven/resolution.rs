//! A resolution as a machine that says what it must know, and never fetches.

use std::sync::Arc;

use super::collect::{Collection, collect};
use super::graph::Graph;
use super::mediate::mediate;
use super::model::{Known, Models, Stop};
use super::pom::{RawDependency, RawPom};
use super::profile::Context;
use super::request::{Answer, Request, unique};
use super::{Error, Gav};

/// Rounds of questions: each goes one level deeper, of dependencies, parents or
/// BOMs.
const MAX_ROUNDS: usize = 1000;

/// What is resolved: a project of its own, with these dependencies in order.
#[derive(Clone, Debug, Default)]
pub struct Root {
    /// Its dependencies.
    pub dependencies: Vec<RawDependency>,
    /// What it manages; a BOM has the type `pom` and the scope `import`.
    pub managed: Vec<RawDependency>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// These must be known; all may be asked for at once.
    Needs(Vec<Request>),
    /// The answer.
    Done(Box<Graph>),
}

/// A resolution on its way.
pub struct Resolution {
    root: Arc<RawPom>,
    models: Models,
    rounds: usize,
}

impl Resolution {
    /// Begins one.
    pub fn new(root: Root, context: Context) -> Resolution {
        let pom = RawPom {
            group: Some("flinkpack".to_string()),
            artifact: Some("project".to_string()),
            version: Some("0".to_string()),
            packaging: Some("pom".to_string()),
            dependencies: root.dependencies,
            managed: root.managed,
            ..RawPom::default()
        };
        Resolution::of_pom(Arc::new(pom), context)
    }

    /// Begins one of a project that has a POM: it must name its group, artifact
    /// and version.
    pub fn of_pom(root: Arc<RawPom>, context: Context) -> Resolution {
        Resolution {
            root,
            models: Models::new(context),
            rounds: 0,
        }
    }

    /// Goes on as far as what is known allows.
    pub fn advance(&mut self) -> Result<Next, Error> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Err(Error::TooLarge {
                what: "levels of POMs",
                limit: MAX_ROUNDS,
                path: Vec::new(),
            });
        }
        let name = |part: &Option<String>| part.clone().unwrap_or_default();
        let gav = Gav::new(
            &name(&self.root.group),
            &name(&self.root.artifact),
            &name(&self.root.version),
        );
        let root = match self.models.model_of(&gav, &self.root) {
            Ok(root) => root,
            Err(Stop::Needs(needs)) => return Ok(Next::Needs(unique(needs))),
            Err(Stop::Missing {
                missing,
                relation,
                of,
            }) => {
                return Err(Error::MissingModel {
                    missing: missing.to_string(),
                    relation,
                    of: of.to_string(),
                    path: Vec::new(),
                });
            }
            Err(Stop::Invalid(why)) => return Err(Error::Root { why }),
        };
        let mut collected = match collect(&mut self.models, &root)? {
            Collection::Whole(collected) => collected,
            Collection::Lacks(needs) => return Ok(Next::Needs(unique(needs))),
        };
        let warnings = std::mem::take(&mut collected.warnings);
        let mediated = mediate(collected)?;
        Ok(Next::Done(Box::new(Graph::of(&mediated, warnings))))
    }

    /// Takes an answer.
    pub fn answer(&mut self, request: Request, answer: Answer) {
        match (request, answer) {
            (Request::Pom(gav), Answer::Pom(pom)) => self.models.learn_pom(gav, Known::Pom(pom)),
            (Request::Pom(gav), Answer::Malformed(why)) => {
                self.models.learn_pom(gav, Known::Malformed(why));
            }
            (Request::Pom(gav), _) => self.models.learn_pom(gav, Known::Missing),
            (Request::Versions { group, artifact }, Answer::Versions(versions)) => {
                self.models.learn_versions(group, artifact, versions);
            }
            (Request::Versions { group, artifact }, _) => {
                self.models.learn_versions(group, artifact, Vec::new());
            }
        }
    }
}
