//! The values of `[config]`, with dotted keys.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// A configuration value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number, as it is written, or a truth value.
    Plain(String),
    /// A list.
    List(Vec<String>),
}

/// `[config]` with dotted keys: tables are flattened.
pub fn flatten(table: &toml::Table) -> Result<BTreeMap<String, Value>> {
    let mut out = BTreeMap::new();
    flatten_into("", table, &mut out)?;
    Ok(out)
}

fn flatten_into(
    prefix: &str,
    table: &toml::Table,
    out: &mut BTreeMap<String, Value>,
) -> Result<()> {
    for (key, value) in table {
        let key = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        if key.is_empty()
            || key.starts_with('.')
            || key.ends_with('.')
            || key.contains("..")
            || key
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == '#')
        {
            return Err(Error::usage(format!(
                "[config]: `{key}` cannot be a key of Flink's"
            )));
        }
        let scalar = |value: &toml::Value| -> Result<String> {
            Ok(match value {
                toml::Value::String(text) => {
                    if text.chars().any(|c| c.is_control() && c != '\t') {
                        return Err(Error::usage(format!(
                            "[config]: the value of `{key}` has a line break or another control character"
                        )));
                    }
                    text.clone()
                }
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                _ => {
                    return Err(Error::usage(format!(
                        "[config]: `{key}` holds a {}, which Flink's configuration cannot hold",
                        value.type_str()
                    )));
                }
            })
        };
        let value = match value {
            toml::Value::Table(table) => {
                flatten_into(&key, table, out)?;
                continue;
            }
            toml::Value::Array(values) => {
                Value::List(values.iter().map(scalar).collect::<Result<_>>()?)
            }
            toml::Value::String(_) => Value::Text(scalar(value)?),
            other => Value::Plain(scalar(other)?),
        };
        if out.insert(key.clone(), value).is_some() {
            return Err(Error::usage(format!("[config]: `{key}` is set twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_flatten_and_what_flink_has_not_is_refused() {
        let table: toml::Table =
            toml::from_str("\"a.b\" = 1\n[a]\nc = [\"x\", \"y\"]\nd.e = true").unwrap();
        let flat = flatten(&table).unwrap();
        assert_eq!(flat["a.b"], Value::Plain("1".into()));
        assert_eq!(flat["a.c"], Value::List(vec!["x".into(), "y".into()]));
        assert_eq!(flat["a.d.e"], Value::Plain("true".into()));
        for bad in [
            "\"a b\" = 1",
            "a = \"x\\ny\"",
            "\"a.b\" = 1\n[a]\nb = 2",
            "a = 1979-05-27",
        ] {
            let table: toml::Table = toml::from_str(bad).unwrap();
            assert!(flatten(&table).is_err(), "{bad}");
        }
    }
}
