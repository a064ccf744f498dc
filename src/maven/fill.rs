//! An assembled POM with its expressions filled in.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::Exclusion;
use super::assemble::{Assembled, Declarations, Declared};
use super::interpolate::{MAX_WORK, Values};
use super::pom::{RawDependency, Relocation};
use super::profile::Context;

/// An assembled POM without expressions.
pub(super) struct Filled {
    /// Group, artifact, version.
    pub names: [String; 3],
    pub dependencies: Vec<RawDependency>,
    pub managed: Arc<Declarations>,
    pub relocation: Option<Relocation>,
    pub problem: Option<String>,
}

impl Filled {
    pub fn of(pom: &Assembled, context: &Context) -> Filled {
        let values = Values {
            group: &pom.group,
            artifact: &pom.artifact,
            version: &pom.version,
            packaging: &pom.packaging,
            parent: pom.parent.as_ref(),
            properties: &pom.properties,
            context,
            problem: RefCell::default(),
            work_left: Cell::new(MAX_WORK),
        };
        // Maven fills in all of a POM: a property that leads to itself spoils it,
        // whether or not it is used.
        // In the order of their names, so that a POM has the same problem each time.
        let mut properties: Vec<(&String, &String)> = pom.properties.iter().collect();
        properties.retain(|(_, value)| value.contains("${"));
        properties.sort_unstable();
        for (_, value) in properties {
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
