//! What is told of a build before its work begins.

use crate::ops::Session;
use crate::ops::project::resolved::Resolved;
use crate::report::bytes;

/// What was found: told where the lock file does not say it already.
pub fn found(session: &Session, resolved: &Resolved) {
    let facts = &resolved.base.facts;
    let java = facts
        .java
        .map(|java| format!(", Java {java}"))
        .unwrap_or_default();
    let lock = resolved.lock();
    let mut lines = vec![
        format!("base {}", lock.base.references()),
        format!("  Flink {}, Scala {}{java}", facts.flink, facts.scala),
    ];
    for artifact in &resolved.artifacts {
        session
            .report
            .detail(format!("  {}: {}", artifact.name, artifact.source));
        if artifact.needed_by.is_some() {
            continue;
        }
        let path = crate::stage::jars::path_of(facts, artifact);
        let how = match artifact.place {
            Some(crate::manifest::Placement::Link) => "linked".to_string(),
            Some(crate::manifest::Placement::Move) => "moved".to_string(),
            _ => bytes(artifact.size),
        };
        lines.push(format!(
            "  {:<10} {:<48} {how:>9}",
            artifact.kind.word(),
            shortened(&path, 54),
        ));
    }
    lines.extend(dependencies(resolved));
    let is_new = resolved
        .old_lock
        .as_ref()
        .is_none_or(|old| !old.differences(&lock).is_empty());
    for line in lines {
        if is_new {
            session.report.note(line);
        } else {
            session.report.detail(line);
        }
    }
}

/// What the coordinates brought: there may be hundreds, so only what they come to.
fn dependencies(resolved: &Resolved) -> Vec<String> {
    let mut lines = Vec::new();
    let needed = resolved
        .artifacts
        .iter()
        .filter(|artifact| artifact.needed_by.is_some());
    let sizes: Vec<u64> = needed.map(|artifact| artifact.size).collect();
    if !sizes.is_empty() {
        let jars = if sizes.len() == 1 { "JAR" } else { "JARs" };
        let told = format!("{} {jars} that these need", sizes.len());
        let sum = bytes(sizes.iter().sum());
        lines.push(format!("  {:<10} {told:<48} {sum:>9}", "dependency"));
    }
    let provided = resolved
        .dependencies
        .iter()
        .map(|maven| maven.provided.len());
    let provided: usize = provided.sum();
    if provided > 0 {
        let are = if provided == 1 { "is" } else { "are" };
        lines.push(format!(
            "  {:<10} {provided} more {are} in the base already; `flinkpack tree` shows all",
            ""
        ));
    }
    lines
}

/// The text with its middle left out, where it has more than `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_string();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(count - (most - most / 2 - 1)).collect();
    format!("{head}…{tail}")
}
