//! config.yaml: strict YAML 1.2, nested keys (Flink 1.19 and later).
//!
//! The base's file is read, merged and written anew, with nested keys, in a
//! small fixed subset of YAML: maps, lists of scalars, scalars. Its leading
//! comment (the licence) stays. Where a key has a value of its own and others
//! below it (`env.java.opts` and `env.java.opts.all`), the tree cannot hold
//! both, so the longer one is written with dots; Flink flattens both forms.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::config_value::Value;
use crate::error::{Context, Error, Result};

/// What the file says, with dotted keys.
pub fn read(old: &str) -> Result<BTreeMap<String, Value>> {
    let mut flat = BTreeMap::new();
    if old.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && line != "---"
    }) {
        let tree: Json = serde_saphyr::from_str(old).doing(|| "reading YAML")?;
        match tree {
            Json::Null => {}
            Json::Object(map) => flatten("", map, &mut flat)?,
            _ => return Err(Error::new("the file is not a map of keys to values")),
        }
    }
    Ok(flat)
}

/// The file with `values` in it.
pub fn merge(old: &str, values: &BTreeMap<String, Value>) -> Result<String> {
    let mut flat = read(old)?;
    for (key, value) in values {
        flat.insert(key.clone(), value.clone());
    }
    let mut out: String = old
        .lines()
        .take_while(|line| line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    if !out.is_empty() {
        out.push('\n');
    }
    emit(&tree(&flat), 0, &mut out);
    Ok(out)
}

fn flatten(
    prefix: &str,
    map: serde_json::Map<String, Json>,
    out: &mut BTreeMap<String, Value>,
) -> Result<()> {
    for (key, value) in map {
        let key = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}.{key}")
        };
        let value = match value {
            Json::Object(map) => {
                flatten(&key, map, out)?;
                continue;
            }
            Json::Array(items) => Value::List(items.iter().map(plain).collect()),
            Json::String(text) => Value::Text(text),
            Json::Null => continue,
            other => Value::Plain(plain(&other)),
        };
        out.insert(key, value);
    }
    Ok(())
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

enum YamlNode<'a> {
    Leaf(&'a Value),
    Map(BTreeMap<String, YamlNode<'a>>),
}

fn tree(flat: &BTreeMap<String, Value>) -> BTreeMap<String, YamlNode<'_>> {
    let mut root = BTreeMap::new();
    // Sorted order brings `a.b` before `a.b.c`, so the shorter key gets the tree.
    for (key, value) in flat {
        let parts: Vec<&str> = key.split('.').collect();
        insert(&mut root, &parts, value);
    }
    root
}

fn insert<'a>(map: &mut BTreeMap<String, YamlNode<'a>>, parts: &[&str], value: &'a Value) {
    let Some((first, rest)) = parts.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.insert(first.to_string(), YamlNode::Leaf(value));
        return;
    }
    let child = map
        .entry(first.to_string())
        .or_insert_with(|| YamlNode::Map(BTreeMap::new()));
    match child {
        YamlNode::Map(child) => insert(child, rest, value),
        YamlNode::Leaf(_) => {
            map.insert(parts.join("."), YamlNode::Leaf(value));
        }
    }
}

fn emit(map: &BTreeMap<String, YamlNode<'_>>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for (key, child) in map {
        let key = scalar(key);
        match child {
            YamlNode::Leaf(Value::List(items)) if items.is_empty() => {
                out.push_str(&format!("{indent}{key}: []\n"));
            }
            YamlNode::Leaf(Value::List(items)) => {
                out.push_str(&format!("{indent}{key}:\n"));
                for item in items {
                    out.push_str(&format!("{indent}- {}\n", scalar(item)));
                }
            }
            YamlNode::Leaf(Value::Plain(text)) => out.push_str(&format!("{indent}{key}: {text}\n")),
            YamlNode::Leaf(Value::Text(text)) => {
                out.push_str(&format!("{indent}{key}: {}\n", scalar(text)));
            }
            YamlNode::Map(child) => {
                out.push_str(&format!("{indent}{key}:\n"));
                emit(child, depth + 1, out);
            }
        }
    }
}

/// A scalar, in double quotes wherever YAML 1.1 or 1.2 might read it as
/// something else than this text.
fn scalar(text: &str) -> String {
    if is_safe(text) {
        return text.to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_safe(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_-./$+=@()%;^".contains(c);
    if !text.chars().all(inside) {
        return false;
    }
    match text.chars().next() {
        Some(c) if c.is_ascii_digit() => {
            // Sizes and times such as `1600m`; `1e3`, `0x1` and `010` are numbers
            // that readers write differently.
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = &text[digits.len()..];
            digits.len() <= 15
                && digits.chars().all(|c| c.is_ascii_digit())
                && (digits.len() == 1 || !digits.starts_with('0'))
                && (unit.is_empty() || (digits != "0" && !unit.starts_with(['e', 'E'])))
        }
        Some(c) if c.is_ascii_alphabetic() => !matches!(
            text.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        ),
        Some(c) => c == '/',
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Value> {
        pairs
            .iter()
            .map(|(key, value)| (key.to_string(), Value::Text(value.to_string())))
            .collect()
    }

    #[test]
    fn nested_and_dotted_keys_become_one_tree() {
        let old = "# licence\n# text\njobmanager:\n  rpc:\n    port: 6123\n  bind-host: localhost\nparallelism.default: 1\n";
        let new = merge(
            old,
            &values(&[
                ("jobmanager.rpc.port", "7000"),
                ("state.backend.type", "rocksdb"),
            ]),
        )
        .unwrap();
        assert_eq!(
            new,
            "# licence\n# text\n\njobmanager:\n  bind-host: localhost\n  rpc:\n    port: 7000\nparallelism:\n  default: 1\nstate:\n  backend:\n    type: rocksdb\n"
        );
    }

    #[test]
    fn a_key_with_a_value_and_children_stays_readable() {
        let new = merge(
            "",
            &values(&[("env.java.opts", "-Da=b"), ("env.java.opts.all", "-Dc=d")]),
        )
        .unwrap();
        assert_eq!(
            new,
            "env:\n  java:\n    opts: \"-Da=b\"\n    opts.all: \"-Dc=d\"\n"
        );
    }

    #[test]
    fn what_yaml_would_read_otherwise_is_quoted() {
        for text in [
            "a: b",
            "# x",
            "*",
            "&a",
            "",
            " a",
            "[x]",
            "say \"hi\" \\",
            "- a",
            "!t",
            "a\tb",
        ] {
            let merged = merge("", &values(&[("key", text)])).unwrap();
            let back: Json = serde_saphyr::from_str(&merged).unwrap();
            assert_eq!(back["key"], Json::String(text.into()), "{merged}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "[^\\p{C}]{0,40}|[0-9a-zA-Z._+-]{0,6}|y|n|NO|True|null") {
            let merged = merge("", &values(&[("a.b", &text)])).unwrap();
            let back: Json = serde_saphyr::from_str(&merged).unwrap();
            proptest::prop_assert_eq!(plain(&back["a"]["b"]), text);
        }
    }
}
