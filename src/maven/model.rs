//! From POMs to effective models.
//!
//! As Maven's model builder: of each POM in the chain of parents duplicate
//! declarations are merged (the last wins) and the profiles that count are
//! mixed in (they win); then each inherits from its parent (the child wins);
//! the result's expressions are filled in; BOMs are imported (own management
//! wins, then the first BOM); management fills what dependencies leave out; and
//! what is left must make sense, or the POM counts as one without dependencies.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Gav;
use super::assemble::{
    Assembled, Declarations, Declared, first_of_each, inherit, merge, with_profiles,
};
use super::dependency::{Dependency, dependency};
use super::fill::Filled;
use super::manage::{check, inject};
use super::pom::{RawPom, Relocation};
use super::profile::Context;
use super::range::VersionConstraint;
use super::request::{Request, unique};
use super::version::{self, Version};

/// Parents above each other: real projects have about six.
const MAX_PARENTS: usize = 100;

/// Imports inside each other: real projects have about three.
const MAX_IMPORTS: usize = 100;

/// An effective model.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub dependencies: Vec<Dependency>,
    pub relocation: Option<Relocation>,
    managed: Arc<Declarations>,
}

impl Model {
    /// What it manages; needed of the root alone.
    pub fn managed(&self) -> Vec<Dependency> {
        let managed = self.managed.iter();
        managed.map(|declared| dependency(&declared.raw)).collect()
    }
}

/// Why there is no model.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// These must be known first.
    Needs(Vec<Request>),
    /// The POM makes no sense: it counts as one without dependencies.
    Invalid(String),
    /// A parent or BOM is nowhere.
    Missing {
        missing: Gav,
        relation: &'static str,
        of: Gav,
    },
}

/// What is known of a POM.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Pom(Arc<RawPom>),
    Malformed(String),
    Missing,
}

/// Models on their way, one importing the next.
#[derive(Default)]
struct Importing {
    path: Vec<Gav>,
    /// BOMs that have no model yet, or none that is kept. BOMs that import each
    /// other several times would else be met without bound. In a circle it
    /// depends on the way there why a BOM has none, but not whether.
    met: HashMap<Gav, Result<Arc<Model>, Stop>>,
}

/// All models that were built, and what they were built from.
#[derive(Default)]
pub(super) struct Models {
    context: Context,
    poms: HashMap<Gav, Known>,
    versions: HashMap<(Arc<str>, Arc<str>), Vec<String>>,
    assembled: HashMap<Gav, Arc<Assembled>>,
    models: HashMap<Gav, Result<Arc<Model>, Stop>>,
}

impl Models {
    pub fn new(context: Context) -> Models {
        Models {
            context,
            ..Models::default()
        }
    }

    pub fn learn_pom(&mut self, gav: Gav, known: Known) {
        self.poms.insert(gav, known);
    }

    pub fn learn_versions(&mut self, group: Arc<str>, artifact: Arc<str>, versions: Vec<String>) {
        self.versions.insert((group, artifact), versions);
    }

    /// Whether a repository has its POM; `None` where that is not known.
    pub fn has_pom(&self, gav: &Gav) -> Option<bool> {
        self.poms
            .get(gav)
            .map(|known| !matches!(known, Known::Missing))
    }

    /// The versions that suit, ascending; empty where none does.
    pub fn versions(
        &self,
        group: &Arc<str>,
        artifact: &Arc<str>,
        wanted: &VersionConstraint,
    ) -> Result<Vec<Arc<str>>, Stop> {
        if let Some(single) = wanted.single() {
            return Ok(vec![single.into()]);
        }
        let key = (group.clone(), artifact.clone());
        let Some(all) = self.versions.get(&key) else {
            let (group, artifact) = key;
            return Err(Stop::Needs(vec![Request::Versions { group, artifact }]));
        };
        let suits = |text: &&String| match wanted {
            VersionConstraint::Newest { snapshots } => *snapshots || !text.ends_with("-SNAPSHOT"),
            wanted => !wanted.excludes(&Version::new(text)),
        };
        let found = all.iter().filter(suits).map(String::as_str);
        let mut found: Vec<Arc<str>> = version::sorted(found)
            .iter()
            .map(|version| version.as_str().into())
            .collect();
        if matches!(wanted, VersionConstraint::Newest { .. }) {
            found = found.pop().into_iter().collect();
        }
        Ok(found)
    }

    /// The model of a POM that a repository has.
    pub fn model(&mut self, gav: &Gav) -> Result<Arc<Model>, Stop> {
        self.model_in(gav, &mut Importing::default())
    }

    /// The model of a POM that no repository has.
    pub fn model_of(&mut self, gav: &Gav, pom: &Arc<RawPom>) -> Result<Arc<Model>, Stop> {
        self.build(gav, pom, &mut Importing::default())
    }

    fn model_in(&mut self, gav: &Gav, importing: &mut Importing) -> Result<Arc<Model>, Stop> {
        if let Some(model) = self.models.get(gav).or_else(|| importing.met.get(gav)) {
            return model.clone();
        }
        let pom = self.pom(gav)?;
        let model = match pom {
            Known::Pom(pom) => self.build(gav, &pom, importing),
            Known::Malformed(why) => Err(Stop::Invalid(format!("{gav}: {why}"))),
            Known::Missing => Err(Stop::Invalid(format!("{gav} has no POM"))),
        };
        // What is wrong inside a circle of imports depends on where it was entered.
        let keep = match &model {
            Err(Stop::Needs(_)) => false,
            Err(_) => importing.path.is_empty(),
            Ok(_) => true,
        };
        if keep {
            self.models.insert(gav.clone(), model.clone());
        } else {
            importing.met.insert(gav.clone(), model.clone());
        }
        model
    }

    fn pom(&self, gav: &Gav) -> Result<Known, Stop> {
        match self.poms.get(gav) {
            Some(known) => Ok(known.clone()),
            None => Err(Stop::Needs(vec![Request::Pom(gav.clone())])),
        }
    }

    /// A parent or BOM, which must be there.
    fn needed(&self, gav: &Gav, relation: &'static str, of: &Gav) -> Result<Arc<RawPom>, Stop> {
        match self.pom(gav)? {
            Known::Pom(pom) => Ok(pom),
            Known::Malformed(why) => Err(Stop::Invalid(format!("{gav}: {why}"))),
            Known::Missing => Err(Stop::Missing {
                missing: gav.clone(),
                relation,
                of: of.clone(),
            }),
        }
    }

    fn assemble(
        &mut self,
        gav: &Gav,
        pom: &Arc<RawPom>,
        below: &mut Vec<Gav>,
    ) -> Result<Arc<Assembled>, Stop> {
        if let Some(assembled) = self.assembled.get(gav) {
            return Ok(assembled.clone());
        }
        if below.contains(gav) {
            return Err(Stop::Invalid(format!("the parents of {gav} form a circle")));
        }
        if below.len() >= MAX_PARENTS {
            return Err(Stop::Invalid(format!(
                "{} has more than {MAX_PARENTS} parents",
                below[0]
            )));
        }
        let mut own = with_profiles(pom, &self.context);
        if let Some((group, artifact, version)) = &pom.parent {
            if group.is_empty() || artifact.is_empty() || version.is_empty() {
                return Err(Stop::Invalid(format!(
                    "the parent of {gav} is not named whole"
                )));
            }
            if pom.group.as_deref() == Some(group) && pom.artifact.as_deref() == Some(artifact) {
                return Err(Stop::Invalid(format!("{gav} is its own parent")));
            }
            let parent = self.parent(group, artifact, version, gav)?;
            let parent_pom = self.needed(&parent, "parent", gav)?;
            below.push(gav.clone());
            let above = self.assemble(&parent, &parent_pom, below)?;
            below.pop();
            if above.packaging != "pom" {
                return Err(Stop::Invalid(format!(
                    "the parent {parent} has the packaging {}",
                    above.packaging
                )));
            }
            inherit(&mut own, &above);
        }
        if own.inherited.is_empty() && !own.managed.is_empty() {
            own.inherited = first_of_each(&own.managed);
        }
        let own = Arc::new(own);
        self.assembled.insert(gav.clone(), own.clone());
        Ok(own)
    }

    fn parent(&self, group: &str, artifact: &str, version: &str, of: &Gav) -> Result<Gav, Stop> {
        let exact = Gav::new(group, artifact, version);
        let wanted = VersionConstraint::parse(version)
            .map_err(|why| Stop::Invalid(format!("the parent's version {version}: {why}")))?;
        if wanted == VersionConstraint::Soft {
            return Ok(exact);
        }
        let found = self.versions(&exact.group, &exact.artifact, &wanted)?;
        match found.last() {
            Some(version) => Ok(Gav {
                version: version.clone(),
                ..exact
            }),
            None => Err(Stop::Missing {
                missing: exact,
                relation: "parent",
                of: of.clone(),
            }),
        }
    }

    fn build(
        &mut self,
        gav: &Gav,
        pom: &Arc<RawPom>,
        importing: &mut Importing,
    ) -> Result<Arc<Model>, Stop> {
        let assembled = self.assemble(gav, pom, &mut Vec::new())?;
        let invalid = |why: String| Stop::Invalid(format!("{gav}: {why}"));
        let filled = Filled::of(&assembled, &self.context);
        let managed = self.import(gav, filled.managed, importing)?;
        if let Some(problem) = filled.problem {
            return Err(invalid(problem));
        }
        let mut dependencies = filled.dependencies;
        inject(&mut dependencies, &managed);
        check(&assembled, &filled.names, &dependencies, &managed).map_err(invalid)?;
        Ok(Arc::new(Model {
            dependencies: dependencies
                .iter()
                .map(|raw| {
                    let mut known = dependency(raw);
                    if known.scope.is_empty() {
                        known.scope = "compile".into();
                    }
                    known
                })
                .collect(),
            relocation: filled.relocation,
            managed,
        }))
    }

    /// Own management, then that of each imported BOM; the first wins.
    fn import(
        &mut self,
        gav: &Gav,
        managed: Arc<Declarations>,
        importing: &mut Importing,
    ) -> Result<Arc<Declarations>, Stop> {
        let is_import = |declared: &&Arc<Declared>| {
            declared.raw.kind() == "pom" && declared.raw.scope.as_deref() == Some("import")
        };
        if !managed.iter().any(|declared| is_import(&declared)) {
            return Ok(managed);
        }
        if importing.path.len() >= MAX_IMPORTS {
            return Err(Stop::Invalid(format!(
                "{gav} is more than {MAX_IMPORTS} imports deep"
            )));
        }
        importing.path.push(gav.clone());
        let mut needs = Vec::new();
        let mut boms = Vec::new();
        let mut broken: Option<Stop> = None;
        for declared in managed.iter().filter(is_import) {
            let raw = &declared.raw;
            let version = raw.version.as_deref().unwrap_or_default();
            let bom = Gav::new(&raw.group, &raw.artifact, version);
            let imported = if raw.group.is_empty() || raw.artifact.is_empty() || version.is_empty()
            {
                let key = &declared.key;
                Err(Stop::Invalid(format!(
                    "{gav}: the import {key} is not named whole"
                )))
            } else if importing.path.contains(&bom) {
                Err(Stop::Invalid(format!(
                    "{gav}: the import of {bom} leads back"
                )))
            } else {
                self.needed(&bom, "imported BOM", gav)
                    .and_then(|_| self.model_in(&bom, importing))
            };
            match imported {
                Ok(model) => boms.push(model.managed.clone()),
                Err(Stop::Needs(more)) => needs.extend(more),
                // What is missing weighs more than what makes no sense.
                Err(Stop::Invalid(why)) => broken = broken.or(Some(Stop::Invalid(why))),
                Err(missing) => broken = Some(missing),
            }
        }
        importing.path.pop();
        if !needs.is_empty() {
            return Err(Stop::Needs(unique(needs)));
        }
        if let Some(broken) = broken {
            return Err(broken);
        }
        // Of duplicates in the POM itself the last counts once there is an import.
        let own: Declarations = managed
            .iter()
            .filter(|declared| !is_import(declared))
            .cloned()
            .collect();
        let mut merged = merge(&[], &own, true);
        let mut seen: HashSet<&str> = HashSet::new();
        let all: Vec<Arc<Declared>> = merged
            .drain(..)
            .chain(boms.iter().flat_map(|bom| bom.iter().cloned()))
            .collect();
        let mut out = Vec::new();
        for declared in &all {
            if seen.insert(&declared.key) {
                out.push(declared.clone());
            }
        }
        Ok(Arc::new(out))
    }
}
