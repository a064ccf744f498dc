//! Which entries share a layer: a layer a JAR, small ones together, within the
//! budget that overlay file systems set.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::image::LayerKind;
use crate::stage::{Entry, Stage};

/// Layers an image may have, the base's included. Docker's overlay2 stops at
/// 125 (moby, `layer_store.go`); some runtimes stop a little earlier.
pub const MAX_LAYERS: usize = 120;

/// Below this many bytes an artifact shares a layer with others of its kind: a
/// layer costs a request each way, which takes longer than so few bytes.
const SMALL: u64 = 1 << 20;

/// The entries of one layer, sorted by path.
#[derive(Debug)]
pub struct Group<'a> {
    /// The kind of all of them.
    pub kind: LayerKind,
    /// The artifact's name, or the kind's where several share the layer.
    pub name: String,
    /// The entries.
    pub entries: Vec<&'a Entry>,
}

impl Group<'_> {
    fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size()).sum()
    }
}

/// The layers, lowest first: what changes seldom lies below.
pub fn group<'a>(stage: &'a Stage, base_layers: usize) -> Result<Vec<Group<'a>>> {
    let mut artifacts: BTreeMap<(LayerKind, &str), Vec<&Entry>> = BTreeMap::new();
    for entry in stage.entries() {
        artifacts
            .entry((entry.layer, &entry.artifact))
            .or_default()
            .push(entry);
    }
    let mut groups: Vec<Group<'a>> = Vec::new();
    for ((kind, name), entries) in artifacts {
        groups.push(Group {
            kind,
            name: name.to_string(),
            entries,
        });
    }
    let mut merged: Vec<Group<'a>> = Vec::new();
    let mut small: BTreeMap<LayerKind, Vec<Group<'a>>> = BTreeMap::new();
    for group in groups {
        if group.size() < SMALL {
            small.entry(group.kind).or_default().push(group);
        } else {
            merged.push(group);
        }
    }
    merged.extend(small.into_values().filter_map(merge));
    let budget = MAX_LAYERS.saturating_sub(base_layers);
    if budget == 0 && !merged.is_empty() {
        return Err(Error::new(format!(
            "the base has {base_layers} layers, and an image must not have more than {MAX_LAYERS}"
        ))
        .hint("build the base anew with fewer steps, or export and import it as one layer"));
    }
    // Over budget the two smallest of one kind join, and any two at last.
    while merged.len() > budget {
        merged.sort_by_key(|group| (group.size(), group.name.clone()));
        let kinds: Vec<LayerKind> = merged.iter().map(|group| group.kind).collect();
        let pair = (0..merged.len())
            .find_map(|first| {
                (first + 1..merged.len())
                    .find(|second| kinds[*second] == kinds[first])
                    .map(|second| (first, second))
            })
            .unwrap_or((0, 1));
        let second = merged.remove(pair.1);
        let first = merged.remove(pair.0);
        merged.extend(merge(vec![first, second]));
    }
    merged.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(merged)
}

fn merge<'a>(groups: Vec<Group<'a>>) -> Option<Group<'a>> {
    let single = groups.len() == 1;
    let mut groups = groups.into_iter();
    let mut first = groups.next()?;
    for group in groups {
        // The later kind changes more often, so it decides.
        first.kind = first.kind.max(group.kind);
        first.entries.extend(group.entries);
    }
    if !single {
        first.name = plural(first.kind).to_string();
    }
    first.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Some(first)
}

fn plural(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Base => "base",
        LayerKind::Dependency => "dependencies",
        LayerKind::Filesystem => "filesystems",
        LayerKind::Connector => "connectors",
        LayerKind::Udf => "udfs",
        LayerKind::Job => "job",
        LayerKind::Config => "config",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::BaseFacts;
    use crate::image::Digest;
    use crate::stage::{Content, NewFile};

    fn facts() -> BaseFacts {
        BaseFacts {
            home: "opt/flink".into(),
            flink: "1.20.5".parse().unwrap(),
            scala: "2.12".into(),
            java: None,
            nodes: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }

    fn stage(files: &[(&str, u64, LayerKind)]) -> Stage {
        let mut stage = Stage::default();
        for (name, size, kind) in files {
            let file = NewFile {
                path: &format!("opt/flink/lib/{name}.jar"),
                sha256: Digest::of(name.as_bytes()),
                size: *size,
                content: Content::Absent,
                mode: 0o644,
                reason: name.to_string(),
                layer: *kind,
                artifact: name,
            };
            stage.file(&facts(), file).unwrap();
        }
        stage
    }

    #[test]
    fn big_ones_stand_alone_small_ones_together_in_order_of_change() {
        let stage = stage(&[
            ("udf", 100, LayerKind::Udf),
            ("kafka", 5 << 20, LayerKind::Connector),
            ("driver", 1000, LayerKind::Connector),
            ("jdbc", 1000, LayerKind::Connector),
        ]);
        let groups = group(&stage, 5).unwrap();
        let names: Vec<(&str, usize)> = groups
            .iter()
            .map(|group| (group.name.as_str(), group.entries.len()))
            .collect();
        assert_eq!(names, [("connectors", 2), ("kafka", 1), ("udf", 1)]);
    }

    #[test]
    fn the_budget_holds() {
        let files: Vec<(String, u64, LayerKind)> = (0..150)
            .map(|i| (format!("jar{i:03}"), (2 << 20) + i, LayerKind::Connector))
            .collect();
        let files: Vec<(&str, u64, LayerKind)> = files
            .iter()
            .map(|(name, size, kind)| (name.as_str(), *size, *kind))
            .collect();
        let stage = stage(&files);
        let groups = group(&stage, 20).unwrap();
        assert_eq!(groups.len(), 100);
        assert_eq!(
            groups
                .iter()
                .map(|group| group.entries.len())
                .sum::<usize>(),
            150
        );
        assert!(group(&stage, 120).is_err());
    }
}
