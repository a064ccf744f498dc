//! flink-conf.yaml: one `key: value` a line, everything after `: ` is the value.
//!
//! Source: `GlobalConfiguration.loadYAMLResource` up to Flink 1.18: a `#` begins
//! a comment wherever it stands, the first `: ` divides.

use std::collections::BTreeMap;

use super::config_value::Value;

/// The file with `values` in it: keys that are there get their new value where
/// they stand (a second occurrence goes), the others follow at the end.
pub fn merge(old: &str, values: &BTreeMap<String, Value>) -> String {
    let mut rest: BTreeMap<&str, &Value> = values
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut out = String::new();
    for line in old.lines() {
        let content = line.split('#').next().unwrap_or_default();
        let key = content.split_once(": ").map(|(key, _)| key.trim());
        match key {
            Some(key) if values.contains_key(key) => {
                if let Some(value) = rest.remove(key) {
                    out.push_str(&format!("{key}: {}\n", text(value)));
                }
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    if !rest.is_empty() && !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
    for (key, value) in rest {
        out.push_str(&format!("{key}: {}\n", text(value)));
    }
    out
}

/// Lists are joined by `;`, as Flink's options of list type read them.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Plain(text) => text.clone(),
        Value::List(items) => items.join(";"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced_where_they_stand() {
        let old = "# Flink\njobmanager.rpc.port: 6123\n#state.backend: x\na: 1\na: 2\n";
        let values = BTreeMap::from([
            ("a".to_string(), Value::Plain("3".into())),
            ("state.backend".to_string(), Value::Text("rocksdb".into())),
            ("l".to_string(), Value::List(vec!["x".into(), "y".into()])),
        ]);
        assert_eq!(
            merge(old, &values),
            "# Flink\njobmanager.rpc.port: 6123\n#state.backend: x\na: 3\n\nl: x;y\nstate.backend: rocksdb\n"
        );
    }
}
