//! What the Maven coordinates of a manifest come to: as the lock file has it,
//! while nothing changed that decides it, else resolved together, as one project's
//! dependencies in the manifest's order.

use std::collections::HashSet;

use serde_json::json;

use super::asked::{Asked, Reach};
use super::dependencies::{Chosen, Dependency, Rules, choose};
use super::platform::Platform;
use super::{Folder, Resolver, closure};
use crate::base;
use crate::error::Result;
use crate::image::Digest;
use crate::lock::{LockedMaven, LockedProvided, Source};
use crate::maven::Coordinates;
use crate::maven::{Exclusion, Gav, Graph, Root};

/// What coordinates come to.
pub(super) struct Needs {
    /// For each of them the one to take; `None` where another one takes its place.
    pub roots: Vec<Option<Coordinates>>,
    /// What comes with them.
    pub dependencies: Vec<Dependency>,
    /// What the lock file keeps of it.
    pub locked: Option<LockedMaven>,
}

impl Resolver<'_> {
    /// What these come to; they are in the manifest's order.
    pub(super) async fn needs(&self, asked: &[Asked]) -> Result<Needs> {
        if !asked
            .iter()
            .any(|one| one.reach == Reach::Transitive || one.coordinate.is_open())
        {
            return Ok(Needs {
                roots: asked
                    .iter()
                    .map(|one| Some(one.coordinate.clone()))
                    .collect(),
                dependencies: Vec::new(),
                locked: None,
            });
        }
        let inputs = self.inputs(asked);
        if let Some(locked) = self.locked(asked, inputs) {
            return Ok(locked);
        }
        let (graph, chosen) = self.resolved(asked).await?;
        for warning in &chosen.warnings {
            self.report.warn(warning);
        }
        for at in &chosen.dropped {
            let coordinate = graph.nodes[*at].coordinate();
            self.report.detail(format!("dropped {coordinate}"));
        }
        let mut provided: Vec<LockedProvided> = chosen
            .provided
            .into_iter()
            .map(|one| LockedProvided {
                maven: one.coordinates,
                by: one.by,
            })
            .collect();
        // As the file's text is sorted.
        provided.sort_by_cached_key(|one| (one.maven.to_string(), one.by.clone()));
        Ok(Needs {
            roots: chosen.roots,
            dependencies: chosen.dependencies,
            locked: Some(LockedMaven { inputs, provided }),
        })
    }

    /// The graph of these, and what becomes of it on this base.
    pub(super) async fn resolved(&self, asked: &[Asked]) -> Result<(Graph, Chosen)> {
        let section = &self.manifest.content.maven;
        let mut root = Root::default();
        let mut alone = HashSet::new();
        for one in asked {
            let coordinate = self.settled(one);
            let everything = ["*:*".to_string()];
            let exclude = match one.reach {
                Reach::Transitive => &one.exclude[..],
                Reach::Fat | Reach::Alone => {
                    alone.insert(Gav::new(
                        coordinate.group(),
                        coordinate.artifact(),
                        coordinate.version(),
                    ));
                    &everything
                }
            };
            let dependency = closure::dependency(&coordinate, exclude);
            root.dependencies
                .push(self.manifest.locate(one.span.clone(), dependency)?);
        }
        root.managed = closure::managed(&section.managed)?;
        let context = closure::context(self.base.facts.java, &self.base.platform);
        let maven = self.maven.get()?;
        let graph = closure::closure(maven, root, context, &alone).await;
        let graph = graph.or_else(|error| {
            // Most errors name the coordinate that led there.
            let report = error.report();
            let named = asked
                .iter()
                .find(|one| report.contains(&one.coordinate.to_string()));
            match named {
                Some(one) => self.manifest.locate(one.span.clone(), Err(error)),
                None => Err(error),
            }
        })?;
        let is_filtered = asked
            .iter()
            .any(|one| one.platform && one.reach == Reach::Transitive);
        let platform = match is_filtered {
            true => Some(Platform::of(
                base::lib_classes(self.sources, self.base).await?,
            )),
            false => None,
        };
        let pin = |coordinate: &Coordinates| {
            let source = Source::Maven(coordinate.clone());
            let pin = self.lock?.pin(coordinate.artifact(), &source)?;
            Some(pin.sha256)
        };
        let patterns = |list: &[toml::Spanned<String>]| -> Vec<Exclusion> {
            let pattern = |one: &toml::Spanned<String>| {
                let (group, artifact) = one.get_ref().split_once(':')?;
                Some(Exclusion {
                    group: group.into(),
                    artifact: artifact.into(),
                })
            };
            list.iter().filter_map(pattern).collect()
        };
        let rules = Rules {
            keep: patterns(&section.keep),
            drop: patterns(&section.drop),
        };
        let chosen = choose(maven, asked, &graph, platform.as_ref(), &rules, &pin).await?;
        Ok((graph, chosen))
    }

    /// What is resolved: where the repositories decide, what they decided when the
    /// lock file was written, so that another line of the manifest moves nothing.
    fn settled(&self, one: &Asked) -> Coordinates {
        let locked = || {
            let mut jars = self.lock?.jars.iter();
            let jar = jars.find(|jar| jar.asked.as_ref() == Some(&one.coordinate))?;
            jar.source.coordinates().cloned()
        };
        let locked = one.coordinate.is_open().then(locked).flatten();
        locked.unwrap_or_else(|| one.coordinate.clone())
    }

    /// Hash of everything that decides what these come to, but for what the
    /// repositories hold.
    fn inputs(&self, asked: &[Asked]) -> Digest {
        let section = &self.manifest.content.maven;
        let roots: Vec<_> = asked
            .iter()
            .map(|one| {
                let in_lib = one.folder == Folder::Lib;
                let coordinate = one.coordinate.to_string();
                json!([coordinate, one.reach, one.exclude, one.platform, in_lib])
            })
            .collect();
        let lib: Vec<_> = match asked.iter().any(|one| one.platform) {
            true => base::lib_jars(&self.base.facts)
                .into_iter()
                .map(|(path, _, sha256)| json!([path, sha256]))
                .collect(),
            false => Vec::new(),
        };
        let texts = |list: &[toml::Spanned<String>]| -> Vec<String> {
            list.iter().map(|one| one.get_ref().clone()).collect()
        };
        let inputs = json!({
            "semantics": "maven-3",
            "roots": roots,
            "managed": &section.managed[..],
            "keep": texts(&section.keep),
            "drop": texts(&section.drop),
            "java": self.base.facts.java,
            "platform": self.base.platform.to_string(),
            "lib": lib,
        });
        Digest::of(inputs.to_string().as_bytes())
    }

    fn locked(&self, asked: &[Asked], inputs: Digest) -> Option<Needs> {
        let lock = self.lock?;
        let maven = lock.maven.as_ref().filter(|maven| maven.inputs == inputs)?;
        let roots = asked.iter().map(|one| {
            let jar = lock.jars.iter().find(|jar| match &jar.asked {
                Some(asked) => *asked == one.coordinate,
                None => jar.source.coordinates() == Some(&one.coordinate),
            });
            jar.and_then(|jar| jar.source.coordinates().cloned())
        });
        let needed = lock.jars.iter().filter_map(|jar| {
            Some(Dependency {
                needed_by: jar.needed_by.clone()?,
                coordinate: jar.source.coordinates()?.clone(),
                folder: match jar.path.starts_with("usrlib/") {
                    true => Folder::Usrlib,
                    false => Folder::Lib,
                },
            })
        });
        Some(Needs {
            roots: roots.collect(),
            dependencies: needed.collect(),
            locked: Some(maven.clone()),
        })
    }
}
