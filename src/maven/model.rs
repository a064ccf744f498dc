//! From POMs to effective models.
//!
//! As Maven's model builder: of each POM in the chain of parents duplicate
//! declarations are merged (the last wins) and the profiles that count are
//! mixed in (they win); then each inherits from its parent (the child wins);
//! the result's expressions are filled in; BOMs are imported (own management
//! wins, then the first BOM); management fills what dependencies leave out; and
//! what is left must make sense, or the POM counts as one without dependencies.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::interpolate::Values;
use super::pom::{RawDependency, RawPom, Relocation};
use super::profile::{self, Context};
use super::range::Wanted;
use super::version::{self, Version};
use super::{Exclusion, Gav, Key, Request};

/// Parents above each other: real projects have about six.
const MAX_PARENTS: usize = 100;

/// A declaration, and the key that it is merged by.
#[derive(Debug)]
pub(super) struct Declared {
    raw: RawDependency,
    key: String,
}

impl Declared {
    fn new(raw: RawDependency) -> Arc<Declared> {
        let key = raw.management_key();
        Arc::new(Declared { raw, key })
    }
}

type Declarations = Vec<Arc<Declared>>;

/// A POM with what its parents give it.
struct Assembled {
    group: String,
    artifact: String,
    version: String,
    packaging: String,
    parent: Option<(String, String, String)>,
    properties: HashMap<String, String>,
    dependencies: Declarations,
    managed: Arc<Declarations>,
    /// What of it children inherit: of duplicates the first.
    inherited: Arc<Declarations>,
    relocation: Option<Relocation>,
    has_modules: bool,
}

/// A dependency that is fully known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub key: Arc<Key>,
    /// Empty where management says nothing of it.
    pub version: Arc<str>,
    /// Empty where management says nothing of it.
    pub scope: Arc<str>,
    pub optional: Option<bool>,
    pub exclusions: Vec<Exclusion>,
    /// Whether it holds its own dependencies, as a war does.
    pub is_whole: bool,
    /// Whether it is a file of the machine, which has no POM.
    pub is_system: bool,
}

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
        wanted: &Wanted,
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
            Wanted::Newest { snapshots } => *snapshots || !text.ends_with("-SNAPSHOT"),
            wanted => !wanted.excludes(&Version::new(text)),
        };
        let found = all.iter().filter(suits).map(String::as_str);
        let mut found: Vec<Arc<str>> = version::sorted(found)
            .iter()
            .map(|version| version.as_str().into())
            .collect();
        if matches!(wanted, Wanted::Newest { .. }) {
            found = found.pop().into_iter().collect();
        }
        Ok(found)
    }

    /// The model of a POM that a repository has.
    pub fn model(&mut self, gav: &Gav) -> Result<Arc<Model>, Stop> {
        self.model_in(gav, &mut Vec::new())
    }

    /// The model of a POM that no repository has.
    pub fn model_of(&mut self, gav: &Gav, pom: &Arc<RawPom>) -> Result<Arc<Model>, Stop> {
        self.build(gav, pom, &mut Vec::new())
    }

    fn model_in(&mut self, gav: &Gav, importing: &mut Vec<Gav>) -> Result<Arc<Model>, Stop> {
        if let Some(model) = self.models.get(gav) {
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
            Err(_) => importing.is_empty(),
            Ok(_) => true,
        };
        if keep {
            self.models.insert(gav.clone(), model.clone());
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
        let wanted = Wanted::parse(version)
            .map_err(|why| Stop::Invalid(format!("the parent's version {version}: {why}")))?;
        if wanted == Wanted::Soft {
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
        importing: &mut Vec<Gav>,
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
        importing: &mut Vec<Gav>,
    ) -> Result<Arc<Declarations>, Stop> {
        let is_import = |declared: &&Arc<Declared>| {
            declared.raw.kind() == "pom" && declared.raw.scope.as_deref() == Some("import")
        };
        if !managed.iter().any(|declared| is_import(&declared)) {
            return Ok(managed);
        }
        importing.push(gav.clone());
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
            } else if importing.contains(&bom) {
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
        importing.pop();
        if !needs.is_empty() {
            return Err(Stop::Needs(needs));
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

/// The POM itself, with the profiles that count.
fn with_profiles(pom: &RawPom, context: &Context) -> Assembled {
    let declared = |list: &[RawDependency]| -> Declarations {
        list.iter().cloned().map(Declared::new).collect()
    };
    let (group, _, version) = pom.parent.clone().unwrap_or_default();
    let mut own = Assembled {
        group: pom.group.clone().unwrap_or(group),
        artifact: pom.artifact.clone().unwrap_or_default(),
        version: pom.version.clone().unwrap_or(version),
        packaging: pom.packaging.clone().unwrap_or_else(|| "jar".to_string()),
        parent: pom.parent.clone(),
        properties: pom.properties.iter().cloned().collect(),
        dependencies: merge(&[], &declared(&pom.dependencies), true),
        managed: Arc::new(declared(&pom.managed)),
        inherited: Arc::default(),
        relocation: pom.relocation.clone(),
        has_modules: pom.has_modules,
    };
    for profile in profile::active(pom, context) {
        own.properties.extend(profile.properties.iter().cloned());
        let more = declared(&profile.dependencies);
        own.dependencies = merge(&own.dependencies, &more, true);
        let more = declared(&profile.managed);
        if !more.is_empty() {
            own.managed = Arc::new(merge(&own.managed, &more, true));
        }
    }
    own
}

/// What the POM leaves out comes from its parent.
fn inherit(own: &mut Assembled, parent: &Assembled) {
    // A parent's own version may be an expression; the child names it as it is.
    for (name, value) in &parent.properties {
        if !own.properties.contains_key(name) {
            own.properties.insert(name.clone(), value.clone());
        }
    }
    own.dependencies = merge(&own.dependencies, &parent.dependencies, false);
    own.managed = match (own.managed.is_empty(), parent.managed.is_empty()) {
        (true, _) => {
            own.inherited = parent.inherited.clone();
            parent.inherited.clone()
        }
        (false, true) => own.managed.clone(),
        (false, false) => Arc::new(merge(&own.managed, &parent.managed, false)),
    };
}

/// The list itself, where it has no duplicates.
fn first_of_each(list: &Arc<Declarations>) -> Arc<Declarations> {
    let keys: HashSet<&str> = list.iter().map(|declared| declared.key.as_str()).collect();
    match keys.len() == list.len() {
        true => list.clone(),
        false => Arc::new(merge(&[], list, false)),
    }
}

/// One declaration a key, each where its key came first; which of two counts is
/// `last_wins`. With nothing to add, the list stays as it is, duplicates and all.
fn merge(first: &[Arc<Declared>], second: &[Arc<Declared>], last_wins: bool) -> Declarations {
    if second.is_empty() {
        return first.to_vec();
    }
    let mut at: HashMap<&str, usize> = HashMap::with_capacity(first.len() + second.len());
    let mut out: Declarations = Vec::with_capacity(first.len() + second.len());
    let all = first
        .iter()
        .map(|declared| (declared, true))
        .chain(second.iter().map(|declared| (declared, last_wins)));
    for (declared, wins) in all {
        match at.get(declared.key.as_str()) {
            Some(known) if wins => out[*known] = declared.clone(),
            Some(_) => {}
            None => {
                at.insert(&declared.key, out.len());
                out.push(declared.clone());
            }
        }
    }
    out
}

/// An assembled POM without expressions.
struct Filled {
    /// Group, artifact, version.
    names: [String; 3],
    dependencies: Vec<RawDependency>,
    managed: Arc<Declarations>,
    relocation: Option<Relocation>,
    problem: Option<String>,
}

impl Filled {
    fn of(pom: &Assembled, context: &Context) -> Filled {
        let values = Values {
            group: &pom.group,
            artifact: &pom.artifact,
            version: &pom.version,
            packaging: &pom.packaging,
            parent: pom.parent.as_ref(),
            properties: &pom.properties,
            context,
            problem: RefCell::default(),
        };
        // Maven fills in all of a POM: a property that leads to itself spoils it,
        // whether or not it is used.
        for value in pom.properties.values().filter(|value| value.contains("${")) {
            values.fill(value);
        }
        let managed = match pom.managed.iter().any(|one| has_expression(&one.raw)) {
            false => pom.managed.clone(),
            true => Arc::new(
                pom.managed
                    .iter()
                    .map(|declared| match has_expression(&declared.raw) {
                        true => Declared::new(filled(&declared.raw, &values)),
                        false => declared.clone(),
                    })
                    .collect(),
            ),
        };
        let dependencies = pom.dependencies.iter();
        Filled {
            names: [&pom.group, &pom.artifact, &pom.version].map(|text| values.fill(text)),
            dependencies: dependencies
                .map(|declared| filled(&declared.raw, &values))
                .collect(),
            managed,
            relocation: pom.relocation.as_ref().map(|to| Relocation {
                group: fill_some(&to.group, &values),
                artifact: fill_some(&to.artifact, &values),
                version: fill_some(&to.version, &values),
                message: to.message.clone(),
            }),
            problem: values.problem.take(),
        }
    }
}

fn has_expression(raw: &RawDependency) -> bool {
    let some = [
        &raw.version,
        &raw.kind,
        &raw.classifier,
        &raw.scope,
        &raw.optional,
        &raw.system_path,
    ];
    let has = |text: &str| text.contains("${");
    has(&raw.group)
        || has(&raw.artifact)
        || some.iter().any(|text| text.as_deref().is_some_and(has))
        || raw
            .exclusions
            .iter()
            .any(|exclusion| has(&exclusion.group) || has(&exclusion.artifact))
}

fn fill_some(text: &Option<String>, values: &Values<'_>) -> Option<String> {
    text.as_deref().map(|text| values.fill(text))
}

fn filled(raw: &RawDependency, values: &Values<'_>) -> RawDependency {
    if !has_expression(raw) {
        return raw.clone();
    }
    let exclusions = raw.exclusions.iter();
    RawDependency {
        group: values.fill(&raw.group),
        artifact: values.fill(&raw.artifact),
        version: fill_some(&raw.version, values),
        kind: fill_some(&raw.kind, values),
        classifier: fill_some(&raw.classifier, values),
        scope: fill_some(&raw.scope, values),
        optional: fill_some(&raw.optional, values),
        system_path: fill_some(&raw.system_path, values),
        exclusions: exclusions
            .map(|exclusion| Exclusion {
                group: values.fill(&exclusion.group).into(),
                artifact: values.fill(&exclusion.artifact).into(),
            })
            .collect(),
    }
}

/// Management fills what a dependency leaves out: version, scope, and
/// exclusions where it has none.
fn inject(dependencies: &mut [RawDependency], managed: &[Arc<Declared>]) {
    let names: HashSet<String> = dependencies
        .iter()
        .map(|dependency| dependency.artifact.clone())
        .collect();
    let mut at: HashMap<String, usize> = HashMap::new();
    for (index, dependency) in dependencies.iter().enumerate() {
        at.insert(dependency.management_key(), index);
    }
    for declared in managed {
        let raw = &declared.raw;
        if !names.contains(&raw.artifact) {
            continue;
        }
        let Some(index) = at.get(&declared.key) else {
            continue;
        };
        let target = &mut dependencies[*index];
        let fill = |target: &mut Option<String>, source: &Option<String>| {
            if target.is_none() {
                target.clone_from(source);
            }
        };
        fill(&mut target.version, &raw.version);
        fill(&mut target.scope, &raw.scope);
        fill(&mut target.system_path, &raw.system_path);
        if target.exclusions.is_empty() {
            target.exclusions.clone_from(&raw.exclusions);
        }
    }
}

/// What Maven's own validation calls an error even of other people's POMs.
fn check(
    pom: &Assembled,
    [group, artifact, version]: &[String; 3],
    dependencies: &[RawDependency],
    managed: &[Arc<Declared>],
) -> Result<(), String> {
    let is_id = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !text.is_empty() && text.chars().all(allowed)
    };
    for (what, text) in [("group", group), ("artifact", artifact)] {
        if !is_id(text) {
            return Err(format!("its {what} `{text}` is no name"));
        }
    }
    if version.is_empty() {
        return Err("it has no version".to_string());
    }
    if pom.has_modules && pom.packaging != "pom" {
        return Err(format!(
            "it has modules and the packaging {}",
            pom.packaging
        ));
    }
    for (raw, is_managed) in dependencies
        .iter()
        .map(|raw| (raw, false))
        .chain(managed.iter().map(|declared| (&declared.raw, true)))
    {
        if !is_id(&raw.group) || !is_id(&raw.artifact) {
            return Err(format!(
                "its dependency `{}:{}` is no name{}",
                raw.group,
                raw.artifact,
                undefined(raw)
            ));
        }
        if !is_managed && raw.version.is_none() {
            return Err(format!(
                "its dependency {} has no version",
                raw.management_key()
            ));
        }
        let is_system = raw.scope.as_deref() == Some("system");
        let absolute = |path: &String| path.starts_with('/');
        match &raw.system_path {
            None if is_system => return Err(format!("{}: no systemPath", raw.management_key())),
            Some(path) if is_system && !absolute(path) => {
                return Err(format!(
                    "{}: its systemPath is relative",
                    raw.management_key()
                ));
            }
            Some(_) if !is_system => {
                return Err(format!(
                    "{}: a systemPath without scope system",
                    raw.management_key()
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn undefined(raw: &RawDependency) -> &'static str {
    match raw.group.contains("${") || raw.artifact.contains("${") {
        true => ": nothing defines the expression",
        false => "",
    }
}

/// Extension and classifier of a type, and whether it holds its dependencies.
/// The OSGi plugin's `bundle` is a JAR, as its handler says where it is used.
fn of_kind(kind: &str) -> (&str, &str, bool) {
    match kind {
        "jar" | "maven-plugin" | "ejb" | "bundle" => ("jar", "", false),
        "ejb-client" => ("jar", "client", false),
        "test-jar" => ("jar", "tests", false),
        "javadoc" => ("jar", "javadoc", false),
        "java-source" => ("jar", "sources", false),
        "war" | "ear" | "rar" | "par" => (kind, "", true),
        other => (other, "", false),
    }
}

fn dependency(raw: &RawDependency) -> Dependency {
    let (extension, classifier, is_whole) = of_kind(raw.kind());
    Dependency {
        key: Arc::new(Key {
            group: raw.group.as_str().into(),
            artifact: raw.artifact.as_str().into(),
            classifier: raw.classifier.as_deref().unwrap_or(classifier).into(),
            extension: extension.into(),
        }),
        version: raw.version.as_deref().unwrap_or_default().into(),
        scope: raw.scope.as_deref().unwrap_or_default().into(),
        optional: raw
            .optional
            .as_deref()
            .map(|text| text.eq_ignore_ascii_case("true")),
        exclusions: raw.exclusions.clone(),
        is_whole,
        is_system: raw.system_path.is_some(),
    }
}
