//! `[config]` merged into the base's own configuration file, in the form of its
//! Flink version.

use std::collections::BTreeMap;

use super::config_value::{Value, flatten};
use super::{Content, NewFile, Stage, config_yaml, flink_conf};
use crate::base::BaseFacts;
use crate::error::{Context, Error, Result};
use crate::image::{Digest, LayerKind};

/// The file that this Flink reads. Up to 1.18 flink-conf.yaml; in 1.19 and 1.20
/// config.yaml, unless flink-conf.yaml is there; from 2.0 config.yaml.
pub fn file_name(facts: &BaseFacts) -> &'static str {
    let old = "conf/flink-conf.yaml";
    if !facts.flink.at_least(1, 19) || (facts.flink.major == 1 && facts.home_node(old).is_some()) {
        old
    } else {
        "conf/config.yaml"
    }
}

/// What a Flink with these files is configured with: dotted keys and their values
/// as texts, lists joined by `;`. What cannot be read counts as empty.
pub fn effective(facts: &BaseFacts) -> BTreeMap<String, String> {
    let name = file_name(facts);
    let path = facts.under_home(name);
    let text = facts.texts.get(&path).map_or("", String::as_str);
    if name.ends_with("config.yaml") {
        let values = config_yaml::read(text).unwrap_or_default();
        let texts = values.into_iter().map(|(key, value)| match value {
            Value::Text(text) | Value::Plain(text) => (key, text),
            Value::List(items) => (key, items.join(";")),
        });
        return texts.collect();
    }
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            let (key, value) = line.split_once(": ")?;
            Some((key.trim().to_string(), value.trim().to_string()))
        })
        .collect()
}

/// Adds the merged configuration file, where there is something to merge.
pub fn stage(stage: &mut Stage, facts: &BaseFacts, table: &toml::Table) -> Result<()> {
    let values = flatten(table)?;
    if values.is_empty() {
        return Ok(());
    }
    let name = file_name(facts);
    let path = facts.under_home(name);
    let old = facts.texts.get(&path).map_or("", String::as_str);
    if old.is_empty() && facts.home_node(name).is_some_and(|node| node.size > 0) {
        return Err(Error::new(format!(
            "the base's {name} has more than 1 MiB or is a link, and cannot be merged with [config]"
        )));
    }
    let text = if name.ends_with("config.yaml") {
        config_yaml::merge(old, &values)
            .doing(|| format!("merging [config] into the base's {name}"))?
    } else {
        flink_conf::merge(old, &values)
    };
    let bytes = text.into_bytes();
    stage.file(
        facts,
        NewFile {
            path: &path,
            sha256: Digest::of(&bytes),
            size: bytes.len() as u64,
            content: Content::Bytes(bytes),
            mode: facts.home_node(name).map_or(0o644, |node| node.mode),
            reason: "[config]".to_string(),
            layer: LayerKind::Config,
            artifact: "config",
        },
    )
}
