//! What management fills in, and what must be there at the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::assemble::{Assembled, Declared};
use super::pom::RawDependency;

/// Management fills what a dependency leaves out: version, scope, and
/// exclusions where it has none.
pub(super) fn inject(dependencies: &mut [RawDependency], managed: &[Arc<Declared>]) {
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
pub(super) fn check(
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
            return Err(format!("its {what} `{text}` is not a name"));
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
                "its dependency `{}:{}` is not a name{}",
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
