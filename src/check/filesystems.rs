//! File systems: that what the configuration names is there, once, and where
//! Flink looks for it.

use std::collections::BTreeMap;

use super::finding::{Finding, Severity};
use super::identifiers;
use super::input::{Input, Loader, PlacedJar};
use crate::catalogue::Kind;
use crate::maven::is_jar_of;

/// Options that hold a directory which Flink itself writes to or reads from.
const DIRECTORIES: &[&str] = &[
    "state.checkpoints.dir",
    "state.savepoints.dir",
    "execution.checkpointing.dir",
    "execution.checkpointing.savepoint-dir",
    "high-availability.storageDir",
    "fs.default-scheme",
    "jobmanager.archive.fs.dir",
    "historyserver.archive.fs.dir",
    "state.changelog.dstl.dfs.base-path",
];

/// Looks at schemes, plugins' folders, and JARs that are in the wrong one.
pub fn check(input: &Input, found: &mut Vec<Finding>) {
    let filesystems: Vec<_> = input
        .catalogue
        .entries()
        .filter(|entry| entry.kind == Kind::Filesystem)
        .filter_map(|entry| Some((entry, entry.artifact.as_deref()?)))
        .collect();
    // Scheme → the JARs that serve it.
    let mut served: BTreeMap<&str, Vec<&PlacedJar>> = BTreeMap::new();
    for jar in &input.jars {
        let mut of_jar = filesystems.iter();
        let Some((entry, artifact)) =
            of_jar.find(|(_, artifact)| is_jar_of(jar.file_name(), artifact))
        else {
            continue;
        };
        let in_plugin = matches!(jar.loader, Loader::Plugin(_));
        for scheme in &entry.schemes {
            served.entry(scheme).or_default().push(jar);
        }
        if !in_plugin && input.flink.at_least(1, 10) && artifact.contains("-s3-") {
            let message = format!("{} is not in a plugin's folder", jar.path);
            found.push(Finding::new("FP0403", Severity::Warning, message).jar(jar));
        }
    }
    for (scheme, place) in schemes(input) {
        let known = filesystems
            .iter()
            .find(|(entry, _)| entry.schemes.contains(&scheme));
        if served.contains_key(scheme.as_str()) {
            continue;
        }
        if let Some((entry, _)) = known {
            let message = format!("{place} is on {scheme}://, and no plugin serves that");
            found.push(
                Finding::new("FP0401", Severity::Warning, message)
                    .remedy(format!("write `{} = {{}}` under [filesystems]", entry.name)),
            );
        }
    }
    // One finding for two plugins, whatever many schemes both serve.
    let mut rivals: Vec<([&PlacedJar; 2], Vec<String>)> = Vec::new();
    for (scheme, jars) in &served {
        if let [first, second, ..] = jars[..] {
            let mut known = rivals.iter_mut();
            let known = known.find(|([a, b], _)| a.path == first.path && b.path == second.path);
            let scheme = format!("{scheme}://");
            match known {
                Some((_, schemes)) => schemes.push(scheme),
                None => rivals.push(([first, second], vec![scheme])),
            }
        }
    }
    for ([first, second], schemes) in rivals {
        let have = if schemes.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{} {have} two plugins: {} and {}",
            schemes.join(", "),
            first.path,
            second.path
        );
        found.push(
            Finding::new("FP0402", Severity::Warning, message)
                .jar(first)
                .jar(second),
        );
    }
    for folder in &input.empty_plugins {
        let message = format!("plugins/{folder} has no JAR");
        found.push(
            Finding::new("FP0404", Severity::Error, message).path(format!("plugins/{folder}")),
        );
    }
}

/// Schemes with the place that names them, each once.
fn schemes(input: &Input) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut add = |value: &str, place: String| {
        if let Some((scheme, _)) = value.split_once("://") {
            let is_scheme = scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
            if is_scheme {
                out.entry(scheme.to_ascii_lowercase()).or_insert(place);
            }
        }
    };
    for key in DIRECTORIES {
        if let Some(value) = input.config.get(*key) {
            add(value.trim_matches(['"', '\'']), key.to_string());
        }
    }
    for (path, text) in &input.sql {
        for (key, value) in identifiers::named(text) {
            if key == "path" {
                add(&value, format!("a table in {path}"));
            }
        }
    }
    out
}
