//! A POM with its profiles, and with what its parents give it: nothing is
//! filled in yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::pom::{RawDependency, RawPom, Relocation};
use super::profile::{self, Context};

/// A declaration, and the key that it is merged by.
#[derive(Debug)]
pub(super) struct Declared {
    pub raw: RawDependency,
    pub key: String,
}

impl Declared {
    pub fn new(raw: RawDependency) -> Arc<Declared> {
        let key = raw.management_key();
        Arc::new(Declared { raw, key })
    }
}

pub(super) type Declarations = Vec<Arc<Declared>>;

/// A POM with what its parents give it.
pub(super) struct Assembled {
    pub group: String,
    pub artifact: String,
    pub version: String,
    pub packaging: String,
    pub parent: Option<(String, String, String)>,
    pub properties: HashMap<String, String>,
    pub dependencies: Declarations,
    pub managed: Arc<Declarations>,
    /// What of it children inherit: of duplicates the first.
    pub inherited: Arc<Declarations>,
    pub relocation: Option<Relocation>,
    pub has_modules: bool,
}

/// The POM itself, with the profiles that count.
pub(super) fn with_profiles(pom: &RawPom, context: &Context) -> Assembled {
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
pub(super) fn inherit(own: &mut Assembled, parent: &Assembled) {
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
pub(super) fn first_of_each(list: &Arc<Declarations>) -> Arc<Declarations> {
    let keys: HashSet<&str> = list.iter().map(|declared| declared.key.as_str()).collect();
    match keys.len() == list.len() {
        true => list.clone(),
        false => Arc::new(merge(&[], list, false)),
    }
}

/// One declaration a key, each where its key came first; which of two counts is
/// `last_wins`. With nothing to add, the list stays as it is, duplicates and all.
pub(super) fn merge(
    first: &[Arc<Declared>],
    second: &[Arc<Declared>],
    last_wins: bool,
) -> Declarations {
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
