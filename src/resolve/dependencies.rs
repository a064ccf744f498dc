//! Which artifacts of a graph go into the image: those that the manifest asks
//! for, and of what they need all that the base does not provide.
//!
//! What the base provides is treated as Maven treats scope `provided`: it is left
//! out, and so is what is reached only through it, while its versions still take
//! part in the mediation. What the base provides is measured ([`Platform`]);
//! another version of a JAR that the base has under the artifact's name counts too,
//! and so does all of [`logging`].

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt};

use super::Folder;
use super::asked::{Asked, Reach};
use super::logging;
use super::platform::{Overlap, Platform};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::jar;
use crate::maven::Coordinates;
use crate::maven::{Exclusion, Graph, Node, is_jar_of};
use crate::repository::Maven;

/// JARs that are fetched at once.
const PARALLEL: usize = 8;

/// What decides, beside the graph.
pub struct Rules {
    /// Patterns of what is taken although the base has it.
    pub keep: Vec<Exclusion>,
    /// Patterns of what is left out although the base lacks it.
    pub drop: Vec<Exclusion>,
}

/// A dependency that goes into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its coordinate.
    pub coordinate: Coordinates,
    /// The coordinates of what needs it.
    pub needed_by: Coordinates,
    /// Where it goes: to what needs it.
    pub folder: Folder,
}

/// A dependency that the base has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provided {
    /// Its node.
    pub node: usize,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// The JAR of the base that has most of it, as a path under FLINK_HOME.
    pub by: String,
}

/// What became of a graph.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// For each asked coordinate the one to take: it may have moved, or stood for
    /// the newest version. `None` where another one took its place.
    pub roots: Vec<Option<Coordinates>>,
    /// What comes with them, in Maven's order.
    pub dependencies: Vec<Dependency>,
    /// What the base has.
    pub provided: Vec<Provided>,
    /// Nodes that the manifest drops.
    pub dropped: Vec<usize>,
    /// Nodes that go into the image.
    pub taken: HashSet<usize>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Chooses. Without a platform nothing counts as provided. JARs whose classes
/// must be known are fetched; `pin` says what their content must be.
pub async fn choose(
    maven: &Maven,
    asked: &[Asked],
    graph: &Graph,
    platform: Option<&Platform>,
    rules: &Rules,
    pin: &(dyn Fn(&Coordinates) -> Option<Digest> + Sync),
) -> Result<Chosen> {
    let mut choice = Choice {
        maven,
        graph,
        platform,
        rules,
        pin,
        chosen: Chosen::default(),
    };
    choice.roots(asked)?;
    choice.follow(asked).await?;
    choice.gather(asked)?;
    choice.expected(asked).await?;
    choice.unused_patterns();
    Ok(choice.chosen)
}

struct Choice<'a> {
    maven: &'a Maven,
    graph: &'a Graph,
    platform: Option<&'a Platform>,
    rules: &'a Rules,
    pin: &'a (dyn Fn(&Coordinates) -> Option<Digest> + Sync),
    chosen: Chosen,
}

impl Choice<'_> {
    fn node(&self, at: usize) -> &Node {
        &self.graph.nodes[at]
    }

    fn roots(&mut self, asked: &[Asked]) -> Result<()> {
        for (one, root) in asked.iter().zip(&self.graph.direct) {
            let node = &self.graph.nodes[*root];
            if node.selected {
                self.chosen.taken.insert(*root);
                self.chosen.roots.push(Some(node.coordinates()?));
                continue;
            }
            let winner = &self.graph.nodes[node.winner];
            if winner.version != node.version {
                self.chosen.warnings.push(format!(
                    "{}: {} is left out: {}",
                    one.name,
                    node.coordinate(),
                    node.reason
                ));
            }
            self.chosen.roots.push(None);
        }
        Ok(())
    }

    /// Finds what is needed: first below what has the filter off, then level by
    /// level below the rest, so that nothing is fetched which only something
    /// provided needs.
    async fn follow(&mut self, asked: &[Asked]) -> Result<()> {
        let of = |filtered: bool| -> Vec<usize> {
            let roots = asked.iter().zip(&self.graph.direct);
            roots
                .filter(|(one, _)| one.platform != filtered)
                .map(|(_, root)| self.node(*root).winner)
                .collect()
        };
        let (free, mut level) = (of(true), of(false));
        let mut work = free;
        while let Some(at) = work.pop() {
            for next in self.below(at) {
                if self.chosen.taken.insert(next) {
                    work.push(next);
                }
            }
        }
        let mut seen: HashSet<usize> = level.iter().copied().collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for at in std::mem::take(&mut level) {
                for below in self.below(at) {
                    if seen.insert(below) {
                        next.push(below);
                    }
                }
            }
            let this = &*self;
            let overlaps: Vec<(usize, Overlap)> = futures_util::stream::iter(next)
                .map(|at| async move { Ok::<_, Error>((at, this.overlap(at).await?)) })
                .buffered(PARALLEL)
                .try_collect()
                .await?;
            for (at, overlap) in overlaps {
                let coordinate = self.node(at).coordinate();
                match overlap {
                    Overlap::Provided { by } if !self.chosen.taken.contains(&at) => {
                        self.chosen.provided.push(Provided {
                            node: at,
                            coordinates: self.node(at).coordinates()?,
                            by,
                        });
                        continue;
                    }
                    Overlap::Partial {
                        by,
                        count,
                        of,
                        example,
                    } => self.chosen.warnings.push(format!(
                        "{coordinate}: {by} of the base has {count} of its {of} classes too, such as {example}: either copy may be loaded; `keep` or `drop` in [maven] says that this is known"
                    )),
                    _ => {}
                }
                self.chosen.taken.insert(at);
                level.push(at);
            }
        }
        Ok(())
    }

    /// What a node needs to run, without what the manifest drops.
    fn below(&mut self, at: usize) -> Vec<usize> {
        let mut out = Vec::new();
        for child in &self.graph.nodes[at].children {
            let winner = self.graph.nodes[*child].winner;
            let node = &self.graph.nodes[winner];
            if self.graph.roots.contains(&winner) || !matches!(&*node.scope, "compile" | "runtime")
            {
                continue;
            }
            if matches(&self.rules.drop, node) {
                if !self.chosen.dropped.contains(&winner) {
                    self.chosen.dropped.push(winner);
                }
                continue;
            }
            out.push(winner);
        }
        out
    }

    async fn overlap(&self, at: usize) -> Result<Overlap> {
        let node = self.node(at);
        let Some(platform) = self.platform else {
            return Ok(Overlap::None);
        };
        if node.extension != "jar" || matches(&self.rules.keep, node) {
            return Ok(Overlap::None);
        }
        let coordinate = node.coordinates()?;
        let overlap = platform.overlap(&self.classes(&coordinate).await?);
        let api = platform.jar_with(logging::API);
        let api = api.filter(|_| logging::is_part(&node.group, &node.artifact));
        Ok(match (overlap, api) {
            (Overlap::None, Some(api)) => Overlap::Provided {
                by: api.to_string(),
            },
            (Overlap::Partial { by, .. }, Some(_)) => Overlap::Provided { by },
            // Another version of the base's own JAR: two of them would only be in
            // each other's way.
            (Overlap::Partial { by, count, of, .. }, None)
                if count * 2 >= of && is_jar_of(file_name(&by), &node.artifact) =>
            {
                Overlap::Provided { by }
            }
            (other, _) => other,
        })
    }

    async fn classes(&self, coordinate: &Coordinates) -> Result<Vec<String>> {
        let file = self
            .maven
            .jar(coordinate, (self.pin)(coordinate))
            .await
            .doing(|| format!("looking whether the base has {coordinate}"))?;
        let store = self.maven.store();
        let path = store.blob_path(&file.sha256);
        jar::classes(store, &path, &file.sha256, &coordinate.to_string())
    }

    /// Lists what was taken, each where the one that needs it can load it:
    /// classes in usrlib/ see those in lib/, and not the other way round.
    fn gather(&mut self, asked: &[Asked]) -> Result<()> {
        let roots = asked.iter().zip(&self.graph.direct);
        let mut lib: HashSet<usize> = HashSet::new();
        let mut work: Vec<usize> = roots
            .filter(|(one, _)| one.folder == Folder::Lib)
            .map(|(_, root)| self.node(*root).winner)
            .collect();
        while let Some(at) = work.pop() {
            if lib.insert(at) {
                let children = self.graph.nodes[at].children.iter();
                let winners = children.map(|child| self.graph.nodes[*child].winner);
                work.extend(winners.filter(|at| self.chosen.taken.contains(at)));
            }
        }
        for at in self.graph.selected() {
            if !self.chosen.taken.contains(&at) || self.graph.roots.contains(&at) {
                continue;
            }
            let node = self.node(at);
            match node.extension.as_str() {
                "jar" => {}
                // A POM is a list of dependencies, which were followed.
                "pom" => continue,
                other => {
                    let coordinate = node.coordinate();
                    self.chosen.warnings.push(format!(
                        "{coordinate} is left out: a file `.{other}` is nothing that Java loads"
                    ));
                    continue;
                }
            }
            let path = self.graph.path(at);
            // What nothing is above is a root, and was left out before.
            let Some(above) = path.len().checked_sub(2) else {
                continue;
            };
            let dependency = Dependency {
                coordinate: node.coordinates()?,
                needed_by: self.node(path[above]).coordinates()?,
                folder: match lib.contains(&at) {
                    true => Folder::Lib,
                    false => Folder::Usrlib,
                },
            };
            self.chosen.dependencies.push(dependency);
        }
        Ok(())
    }

    /// What the asked artifacts, and the modules of the same project that they
    /// bring, expect to be there, and is not: a dependency of scope `provided`
    /// comes with nothing.
    async fn expected(&mut self, asked: &[Asked]) -> Result<()> {
        let Some(platform) = self.platform else {
            return Ok(());
        };
        let name = |node: &Node| (node.group.clone(), node.artifact.clone());
        let here: HashSet<(String, String)> = self
            .chosen
            .taken
            .iter()
            .map(|at| name(self.node(*at)))
            .collect();
        let mut warnings = Vec::new();
        for (one, root) in asked.iter().zip(&self.graph.direct) {
            let node = self.node(*root);
            if one.reach != Reach::Transitive || !node.selected || !one.platform {
                continue;
            }
            let modules = node.children.iter().map(|child| self.node(*child));
            let modules = modules.filter(|module| {
                module.selected && (&module.group, &module.version) == (&node.group, &node.version)
            });
            let expects = std::iter::once(node)
                .chain(modules)
                .flat_map(|node| &node.expects);
            let (mut lacking, mut choices) = (Vec::new(), Vec::new());
            let mut has_choice = false;
            let mut seen = HashSet::new();
            for expected in expects {
                let coordinate = &expected.coordinates;
                let group = coordinate.group().to_string();
                let name = (group, coordinate.artifact().to_string());
                if !seen.insert(name.clone()) || is_dropped(&self.rules.drop, coordinate) {
                    continue;
                }
                if here.contains(&name) {
                    has_choice |= expected.optional;
                    continue;
                }
                // What is for some users only is not worth its download, unless it
                // is a part of the same project.
                let is_own = name.0 == node.group;
                if expected.optional && !is_own {
                    choices.push(name.1);
                } else if self.lacks(platform, coordinate, one).await && !expected.optional {
                    lacking.push(coordinate.to_string());
                }
            }
            if !lacking.is_empty() {
                warnings.push(format!(
                    "{}: {} expects {} to be there, which the base's lib/ lacks: name what the job uses in `with`, and what it does not in `drop` of [maven]",
                    one.name,
                    node.coordinate(),
                    listed(&lacking)
                ));
            }
            if !choices.is_empty() && !has_choice {
                self.maven.report().note(format!(
                    "{} works with {}, of which none is asked for: if the job needs one, name it in `with`",
                    one.name,
                    listed(&choices)
                ));
            }
        }
        self.chosen.warnings.extend(warnings);
        Ok(())
    }

    async fn lacks(&self, platform: &Platform, coordinate: &Coordinates, one: &Asked) -> bool {
        match self.classes(coordinate).await {
            Ok(classes) if classes.is_empty() => false,
            Ok(classes) => !matches!(platform.overlap(&classes), Overlap::Provided { .. }),
            Err(error) => {
                self.maven.report().detail(format!(
                    "{}: whether the base has {coordinate} is not known: {error}",
                    one.name
                ));
                false
            }
        }
    }

    /// A pattern that fits nothing is likely misspelt.
    fn unused_patterns(&mut self) {
        for (key, patterns) in [("keep", &self.rules.keep), ("drop", &self.rules.drop)] {
            for pattern in patterns {
                let fits = |node: &Node| matches(std::slice::from_ref(pattern), node);
                let mut expected = self.graph.nodes.iter().flat_map(|node| &node.expects);
                let is_expected =
                    expected.any(|one| is_dropped(std::slice::from_ref(pattern), &one.coordinates));
                if !self.graph.nodes.iter().any(fits) && !is_expected {
                    self.chosen.warnings.push(format!(
                        "`{}:{}` in `{key}` of [maven] fits nothing that is needed",
                        pattern.group, pattern.artifact
                    ));
                }
            }
        }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn matches(patterns: &[Exclusion], node: &Node) -> bool {
    patterns
        .iter()
        .any(|pattern| pattern.fits(&node.group, &node.artifact))
}

fn is_dropped(patterns: &[Exclusion], coordinate: &Coordinates) -> bool {
    patterns
        .iter()
        .any(|pattern| pattern.fits(coordinate.group(), coordinate.artifact()))
}

/// `a, b and c`.
fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
