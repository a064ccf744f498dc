//! The catalogue.

use crate::ops::plugins::Row;

/// For people, at 80 columns.
pub fn text(rows: &[Row], flink: Option<&str>) -> String {
    let mut out = match flink {
        Some(flink) => format!("for Flink {flink}\n"),
        None => String::new(),
    };
    let mut kind = "";
    for row in rows {
        if row.kind != kind {
            kind = row.kind;
            out.push_str(&format!("{kind}s\n"));
        }
        let what = match flink {
            Some(_) => row
                .versions
                .last()
                .map_or("(repository)", String::as_str)
                .to_owned(),
            None => span(&row.flink),
        };
        let line = format!("  {:<23} {what:<13} {}", row.name, row.about);
        out.push_str(cut(&line, 80).trim_end());
        out.push('\n');
    }
    out
}

/// At most so many characters; what is cut off shows.
fn cut(line: &str, most: usize) -> String {
    if line.chars().count() <= most {
        return line.to_string();
    }
    let mut short: String = line.chars().take(most - 1).collect();
    short.push('…');
    short
}

fn span(minors: &[String]) -> String {
    match (minors.first(), minors.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} - {last}"),
        (Some(only), _) => only.clone(),
        _ => String::new(),
    }
}
