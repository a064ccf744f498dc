//! The graph of everything that is declared, before versions are mediated.
//!
//! As Maven's collector with Maven's own settings: below the root's own
//! dependencies, those of scope `test` and `provided`, optional ones and
//! excluded ones are left out; then the root's management rewrites version,
//! scope and exclusions (which does not leave a dependency out any more). A
//! range gives one node a version in it. A relocated artifact is taken under its
//! new name, and managed anew. An artifact that is above itself ends there.
//!
//! The same artifact in the same context has the same children: the list is made
//! once and shared, which keeps graphs of some hundred thousand paths small, and
//! which mediation depends on.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::dependency::{Dependency, Expected};
use super::model::{Model, Models, Stop};
use super::range::VersionConstraint;
use super::request::Request;
use super::version::Version;
use super::warning::Warning;
use super::{Error, Exclusion, Gav, Key};

/// Nodes that a graph may have. Spark's has some thousands.
const MAX_NODES: usize = 300_000;

/// Dependencies above each other.
const MAX_DEPTH: usize = 400;

/// Relocations after each other.
const MAX_RELOCATIONS: usize = 50;

/// Index of a node.
pub(super) type NodeId = usize;

/// Index of a list of children.
pub(super) type ListId = usize;

/// One declared dependency, in one context.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub key: Arc<Key>,
    pub version: Version,
    pub scope: Arc<str>,
    pub optional: bool,
    /// Its children.
    pub list: ListId,
    /// What its declaration asks for.
    pub wanted: VersionConstraint,
    /// The version text as it was declared, before anything changed it.
    pub declared: Arc<str>,
    pub is_version_managed: bool,
    pub is_scope_managed: bool,
    pub is_optional_managed: bool,
    /// Where it was before it moved.
    pub moved_from: Vec<Arc<Key>>,
    /// Of one of the root's own, and of those right below: what its POM expects
    /// to be there.
    pub expects: Vec<Expected>,
}

/// What was collected.
pub(super) struct Collected {
    pub nodes: Vec<Node>,
    /// Lists of children; the first is the root's.
    pub lists: Vec<Vec<NodeId>>,
    /// For each of the root's own dependencies its part of the first list: of a
    /// range there is a node for each version.
    pub direct: Vec<Range<usize>>,
    pub warnings: Vec<Warning>,
}

/// What the root manages.
#[derive(Default)]
struct Management {
    version: HashMap<Arc<Key>, Arc<str>>,
    scope: HashMap<Arc<Key>, Arc<str>>,
    optional: HashMap<Arc<Key>, bool>,
    exclusions: HashMap<Arc<Key>, Vec<Exclusion>>,
}

impl Management {
    /// Of several declarations the first counts; their exclusions add up.
    fn of(managed: &[Dependency]) -> Management {
        let mut all = Management::default();
        for one in managed {
            let key = || one.key.clone();
            if !one.version.is_empty() {
                all.version.entry(key()).or_insert(one.version.clone());
            }
            if !one.scope.is_empty() {
                all.scope.entry(key()).or_insert(one.scope.clone());
            }
            if let Some(optional) = one.optional {
                all.optional.entry(key()).or_insert(optional);
            }
            if !one.exclusions.is_empty() {
                let known = all.exclusions.entry(key()).or_default();
                known.extend(one.exclusions.iter().cloned());
            }
        }
        all
    }
}

/// What a version text asks for, and the versions that suit.
type Candidates = (VersionConstraint, Vec<Arc<str>>);

/// What decides what is below a dependency: the exclusions on the way to it.
type Excluded = Arc<BTreeSet<Exclusion>>;

struct Collector<'a> {
    models: &'a mut Models,
    management: Management,
    out: Collected,
    known: HashMap<(Arc<Key>, Arc<str>, Excluded), ListId>,
    above: Vec<(Arc<Key>, NodeId)>,
    needs: Vec<Request>,
}

/// Where a dependency is met.
#[derive(Clone)]
struct Declarer {
    list: ListId,
    /// Whether it is one of the root's own.
    is_direct: bool,
    excluded: Excluded,
}

/// How a dependency came to its name.
#[derive(Default)]
struct Moves {
    /// Its names before the last move.
    from: Vec<Arc<Key>>,
    /// Whether only its version changed, which management then leaves alone.
    keeps_version: bool,
    times: usize,
}

/// The dependency after relocations, and what its POM says.
struct Described {
    key: Arc<Key>,
    version: Arc<str>,
    moved_from: Vec<Arc<Key>>,
    model: Option<Arc<Model>>,
}

/// The declarations that were collected, or the requests that must be answered first.
pub(super) enum Collection {
    /// Everything.
    Whole(Collected),
    /// These must be known first.
    Lacks(Vec<Request>),
}

/// Collects what the root needs.
pub(super) fn collect(models: &mut Models, root: &Model) -> Result<Collection, Error> {
    let mut collector = Collector {
        models,
        management: Management::of(&root.managed()),
        out: Collected {
            nodes: Vec::new(),
            lists: vec![Vec::new()],
            direct: Vec::new(),
            warnings: Vec::new(),
        },
        known: HashMap::new(),
        above: Vec::new(),
        needs: Vec::new(),
    };
    let place = Declarer {
        list: 0,
        is_direct: true,
        excluded: Excluded::default(),
    };
    for dependency in &root.dependencies {
        let first = collector.out.lists[0].len();
        if let Err(error) = collector.take(dependency, &place, Moves::default()) {
            // With more known, the way there may be another.
            match collector.needs.is_empty() {
                true => return Err(error),
                false => break,
            }
        }
        let end = collector.out.lists[0].len();
        collector.out.direct.push(first..end);
    }
    Ok(match collector.needs.is_empty() {
        true => Collection::Whole(collector.out),
        false => Collection::Lacks(collector.needs),
    })
}

impl Collector<'_> {
    fn take(
        &mut self,
        dependency: &Dependency,
        place: &Declarer,
        moves: Moves,
    ) -> Result<(), Error> {
        if !place.is_direct && self.is_left_out(dependency, place) {
            return Ok(());
        }
        let declared = dependency.version.clone();
        let (dependency, managed) = self.managed(dependency, place, moves.keeps_version);
        let Some((wanted, versions)) = self.versions(&dependency)? else {
            return Ok(());
        };
        for version in versions {
            let described = match self.describe(&dependency, &version)? {
                Some(described) => described,
                None => continue,
            };
            if !described.moved_from.is_empty() && self.cycle(&described.key).is_none() {
                let moved = Dependency {
                    key: described.key.clone(),
                    version: described.version,
                    ..dependency.clone()
                };
                let same = moved.key.group == dependency.key.group
                    && moved.key.artifact == dependency.key.artifact;
                // What manages the new name may lead back to the old one.
                if moves.times >= MAX_RELOCATIONS {
                    return Err(Error::RelocationCycle {
                        from: dependency.key.gav(&version),
                        path: self.path(),
                    });
                }
                let moves = Moves {
                    from: described.moved_from,
                    keeps_version: same,
                    times: moves.times + 1,
                };
                return self.take(&moved, place, moves);
            }
            let node = Node {
                key: described.key.clone(),
                version: Version::new(&described.version),
                scope: dependency.scope.clone(),
                optional: dependency.optional.unwrap_or(false),
                list: 0,
                wanted: wanted.clone(),
                declared: declared.clone(),
                is_version_managed: managed.version,
                is_scope_managed: managed.scope,
                is_optional_managed: managed.optional,
                moved_from: moves.from.clone(),
                expects: match &described.model {
                    Some(model) if self.above.len() <= 1 => expected(model),
                    _ => Vec::new(),
                },
            };
            self.add(node, &dependency, described.model, place)?;
        }
        Ok(())
    }

    fn is_left_out(&self, dependency: &Dependency, place: &Declarer) -> bool {
        matches!(&*dependency.scope, "test" | "provided")
            || dependency.optional == Some(true)
            || place
                .excluded
                .iter()
                .any(|exclusion| exclusion.matches(&dependency.key))
    }

    /// What the root's management makes of a dependency. It rewrites none of
    /// the root's own, but adds its exclusions to those too.
    fn managed(
        &self,
        dependency: &Dependency,
        place: &Declarer,
        keeps_version: bool,
    ) -> (Dependency, Managed) {
        let mut out = dependency.clone();
        let mut bits = Managed::default();
        let key = &dependency.key;
        if !place.is_direct {
            if let Some(version) = self.management.version.get(key)
                && !keeps_version
            {
                out.version = version.clone();
                bits.version = true;
            }
            if let Some(scope) = self.management.scope.get(key) {
                out.scope = scope.clone();
                bits.scope = true;
            }
            if let Some(optional) = self.management.optional.get(key) {
                out.optional = Some(*optional);
                bits.optional = true;
            }
        }
        if let Some(exclusions) = self.management.exclusions.get(key) {
            out.exclusions.extend(exclusions.iter().cloned());
        }
        (out, bits)
    }

    /// The versions that a dependency's text stands for.
    fn versions(&mut self, dependency: &Dependency) -> Result<Option<Candidates>, Error> {
        let Key {
            group, artifact, ..
        } = &*dependency.key;
        let wanted =
            VersionConstraint::parse(&dependency.version).map_err(|why| Error::BadRange {
                group: group.to_string(),
                artifact: artifact.to_string(),
                range: dependency.version.to_string(),
                why,
                path: self.path(),
            })?;
        if wanted == VersionConstraint::Soft {
            return Ok(Some((wanted, vec![dependency.version.clone()])));
        }
        match self.models.versions(group, artifact, &wanted) {
            Err(Stop::Needs(needs)) => {
                self.needs.extend(needs);
                Ok(None)
            }
            Ok(found) if !found.is_empty() => Ok(Some(match wanted {
                // The newest was looked up; from here on it is a version as any.
                VersionConstraint::Newest { .. } => (VersionConstraint::Soft, found),
                wanted => (wanted, found),
            })),
            _ => Err(Error::NoVersion {
                group: group.to_string(),
                artifact: artifact.to_string(),
                range: dependency.version.to_string(),
                path: self.path(),
            }),
        }
    }

    /// The POM of a version, and where its relocations lead. `None` where it
    /// is not known yet.
    fn describe(
        &mut self,
        dependency: &Dependency,
        version: &Arc<str>,
    ) -> Result<Option<Described>, Error> {
        let mut described = Described {
            key: dependency.key.clone(),
            version: version.clone(),
            moved_from: Vec::new(),
            model: None,
        };
        if dependency.is_system {
            return Ok(Some(described));
        }
        let mut seen: Vec<Gav> = Vec::new();
        loop {
            let gav = described.key.gav(&described.version);
            if seen.contains(&gav) || seen.len() > MAX_RELOCATIONS {
                return Err(Error::RelocationCycle {
                    from: dependency.key.gav(version),
                    path: self.path(),
                });
            }
            seen.push(gav.clone());
            match self.models.has_pom(&gav) {
                None => {
                    self.needs.push(Request::Pom(gav));
                    return Ok(None);
                }
                Some(false) => {
                    self.warn(Warning::MissingPom {
                        gav,
                        is_direct: self.above.is_empty(),
                    });
                    return Ok(Some(described));
                }
                Some(true) => {}
            }
            let model = match self.models.model(&gav) {
                Ok(model) => model,
                Err(Stop::Needs(needs)) => {
                    self.needs.extend(needs);
                    return Ok(None);
                }
                Err(Stop::Invalid(why)) => {
                    self.warn(Warning::InvalidPom { gav, why });
                    return Ok(Some(described));
                }
                Err(Stop::Missing {
                    missing,
                    relation,
                    of,
                }) => {
                    let mut path = self.path();
                    path.push(gav.to_string());
                    return Err(Error::MissingModel {
                        missing: missing.to_string(),
                        relation,
                        of: of.to_string(),
                        path,
                    });
                }
            };
            let Some(to) = &model.relocation else {
                described.model = Some(model);
                return Ok(Some(described));
            };
            described.moved_from.push(described.key.clone());
            let part = |new: &Option<String>, old: &Arc<str>| match new {
                Some(new) => new.as_str().into(),
                None => old.clone(),
            };
            described.key = Arc::new(Key {
                group: part(&to.group, &described.key.group),
                artifact: part(&to.artifact, &described.key.artifact),
                ..(*described.key).clone()
            });
            described.version = part(&to.version, &described.version);
        }
    }

    /// The node above, which has the same key, if there is one.
    fn cycle(&self, key: &Arc<Key>) -> Option<NodeId> {
        let above = self.above.iter().rev();
        above
            .clone()
            .find(|(one, _)| one == key)
            .map(|(_, node)| *node)
    }

    fn add(
        &mut self,
        mut node: Node,
        dependency: &Dependency,
        model: Option<Arc<Model>>,
        place: &Declarer,
    ) -> Result<(), Error> {
        if self.out.nodes.len() >= MAX_NODES {
            return Err(Error::TooLarge {
                what: "nodes",
                limit: MAX_NODES,
                path: self.path(),
            });
        }
        let id = self.out.nodes.len();
        self.out.lists[place.list].push(id);
        if let Some(circle) = self.cycle(&node.key) {
            node.list = self.out.nodes[circle].list;
            self.out.nodes.push(node);
            return Ok(());
        }
        let children = model.filter(|model| !dependency.is_whole && !model.dependencies.is_empty());
        let Some(model) = children else {
            node.list = self.new_list();
            self.out.nodes.push(node);
            return Ok(());
        };
        let excluded = match dependency.exclusions.is_empty() {
            true => place.excluded.clone(),
            false => {
                let mut all = (*place.excluded).clone();
                all.extend(dependency.exclusions.iter().cloned());
                Arc::new(all)
            }
        };
        let version: Arc<str> = node.version.as_str().into();
        let context = (node.key.clone(), version, excluded.clone());
        if let Some(list) = self.known.get(&context) {
            node.list = *list;
            self.out.nodes.push(node);
            return Ok(());
        }
        if self.above.len() >= MAX_DEPTH {
            return Err(Error::TooLarge {
                what: "levels",
                limit: MAX_DEPTH,
                path: self.path(),
            });
        }
        let list = self.new_list();
        node.list = list;
        self.known.insert(context, list);
        self.above.push((node.key.clone(), id));
        self.out.nodes.push(node);
        let place = Declarer {
            list,
            is_direct: false,
            excluded,
        };
        for dependency in &model.dependencies {
            self.take(dependency, &place, Moves::default())?;
        }
        self.above.pop();
        Ok(())
    }

    fn new_list(&mut self) -> ListId {
        self.out.lists.push(Vec::new());
        self.out.lists.len() - 1
    }

    fn path(&self) -> Vec<String> {
        let node = |(key, id): &(Arc<Key>, NodeId)| {
            format!("{key}:{}", self.out.nodes[*id].version.as_str())
        };
        self.above.iter().map(node).collect()
    }

    fn warn(&mut self, warning: Warning) {
        if !self.out.warnings.contains(&warning) {
            self.out.warnings.push(warning);
        }
    }
}

/// The dependencies of scope `provided`.
fn expected(model: &Model) -> Vec<Expected> {
    let provided = |one: &&Dependency| &*one.scope == "provided";
    let dependencies = model.dependencies.iter().filter(provided);
    dependencies
        .filter_map(|one| {
            Some(Expected {
                // What no repository can have, nobody can add.
                coordinates: one.key.coordinate(&one.version).parse().ok()?,
                optional: one.optional == Some(true),
            })
        })
        .collect()
}

/// What management changed.
#[derive(Default)]
struct Managed {
    version: bool,
    scope: bool,
    optional: bool,
}
