//! SARIF 2.1.0, for annotations in CI (OASIS, Static Analysis Results
//! Interchange Format).

use serde_json::{Value, json};

use super::finding::{Finding, Severity};
use crate::rules;

/// The findings as a SARIF log; they all point to the manifest at `manifest`.
/// What is allowed is in it as suppressed.
pub fn sarif(findings: &[Finding], manifest: &str) -> Value {
    let level = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "note",
    };
    let rules: Vec<Value> = rules::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "shortDescription": {"text": rule.about},
                "fullDescription": {"text": rule.happens},
                "help": {"text": rule.remedy},
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut result = json!({
                "ruleId": finding.code,
                "level": level(finding.severity),
                "message": {"text": format!("{}. {} {}", finding.message, finding.happens, finding.remedy)},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": manifest}}}],
                "partialFingerprints": {
                    "finding/v1": format!("{} {}", finding.code, finding.jars.join(" ")),
                },
            });
            if let Some(reason) = &finding.allowed {
                result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "flinkpack",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}
