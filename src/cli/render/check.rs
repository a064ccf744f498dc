//! What a check found.

use crate::check;
use crate::ops::check::{Checked, Explanation, counted};

/// For people, at 80 columns; information in full with `all` only.
pub fn findings(checked: &Checked, all: bool) -> String {
    let Some(record) = &checked.record else {
        return check::text(&checked.findings, all);
    };
    let mut text = String::new();
    for (code, count) in &record.warnings {
        let about = crate::rules::find(code).map_or("", |rule| rule.about);
        let times = if *count == 1 { "time" } else { "times" };
        text.push_str(&format!("warning {code}, {count} {times}: {about}\n"));
    }
    text.push_str(&format!(
        "0 errors, {} when this was checked, as the lock file says;\n`flinkpack check -v` looks again\n",
        counted(&record.warnings)
    ));
    text
}

/// As SARIF; everything points to the manifest of this name.
pub fn sarif(checked: &Checked, manifest: &str) -> serde_json::Value {
    check::sarif(&checked.findings, manifest)
}

/// What a code means, for people, at 80 columns.
pub fn explanation(rule: &Explanation) -> String {
    check::explained(&rule.code, &rule.about, &rule.happens, &rule.remedy)
}
