//! Which connectors and formats SQL files name.

/// `'connector' = 'kafka'` and its like: option and value, in the order of the
/// text. Comments are left out.
pub fn named(sql: &str) -> Vec<(String, String)> {
    let literals = literals(sql);
    let mut out = Vec::new();
    for pair in literals.windows(2) {
        let [(key, _, after), (value, before, _)] = pair else {
            continue;
        };
        let between = sql.get(*after..*before).unwrap_or_default().trim();
        let is_option = matches!(
            key.as_str(),
            "connector" | "format" | "key.format" | "value.format" | "path"
        );
        if between == "=" && is_option {
            out.push((key.clone(), value.clone()));
        }
    }
    out
}

/// String literals with the places of their quotes: where they begin, and where
/// the text goes on.
fn literals(sql: &str) -> Vec<(String, usize, usize)> {
    let bytes = sql.as_bytes();
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        let rest = &sql.as_bytes()[at..];
        if rest.starts_with(b"--") {
            at += rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") {
            let end = rest.windows(2).position(|pair| pair == b"*/");
            at += end.map_or(rest.len(), |end| end + 2);
        } else if rest[0] == b'\'' {
            let length = rest[1..].iter().position(|byte| *byte == b'\'');
            let Some(length) = length else { break };
            let text = String::from_utf8_lossy(&rest[1..1 + length]).into_owned();
            out.push((text, at, at + length + 2));
            at += length + 2;
        } else {
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_outside_of_comments() {
        let sql = "CREATE TABLE t (a INT) WITH (\n 'connector' = 'kafka', -- 'connector' = 'x'\n 'format'='json', /* 'format' = 'y' */ 'topic' = 'connector', 'it' = 'é')";
        let found = named(sql);
        let pair = |key: &str, value: &str| (key.to_string(), value.to_string());
        assert_eq!(found, [pair("connector", "kafka"), pair("format", "json")]);
        assert!(named("'connector' = '").is_empty());
    }
}
