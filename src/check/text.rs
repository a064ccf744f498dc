//! Findings for people, at 80 columns; and the page that documents every code.

use super::finding::{Finding, Severity};
use crate::rules;

const WIDTH: usize = 80;

/// `com.example.C.go(int)` from a class with slashes and a signature.
pub(super) fn member(owner: &str, signature: &str) -> String {
    let owner = owner.replace('/', ".");
    match signature.split_once('(') {
        Some(("<init>", arguments)) => format!("new {owner}({})", types(arguments)),
        Some((name, arguments)) => format!("{owner}.{name}({})", types(arguments)),
        None => {
            let name = signature.split(':').next().unwrap_or(signature);
            format!("{owner}.{name}")
        }
    }
}

/// The simple names of the arguments in the rest of a method's descriptor.
fn types(rest: &str) -> String {
    let arguments = rest.split(')').next().unwrap_or_default();
    let (mut out, mut arrays, mut chars) = (Vec::new(), 0, arguments.chars());
    while let Some(c) = chars.next() {
        let name = match c {
            '[' => {
                arrays += 1;
                continue;
            }
            'L' => {
                let name: String = chars.by_ref().take_while(|c| *c != ';').collect();
                name.rsplit(['/', '$'])
                    .next()
                    .unwrap_or_default()
                    .to_string()
            }
            'B' => "byte".to_string(),
            'C' => "char".to_string(),
            'D' => "double".to_string(),
            'F' => "float".to_string(),
            'I' => "int".to_string(),
            'J' => "long".to_string(),
            'S' => "short".to_string(),
            'Z' => "boolean".to_string(),
            other => other.to_string(),
        };
        out.push(format!("{name}{}", "[]".repeat(arrays)));
        arrays = 0;
    }
    out.join(", ")
}

/// Breaks a text at spaces; the first line begins with `first`, others with
/// `next`.
fn wrapped(out: &mut String, first: &str, next: &str, text: &str) {
    let mut line = first.to_string();
    let mut is_empty = true;
    for word in text.split(' ') {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && width > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = next.to_string();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The findings for people. Information is told in full with `all` only.
pub fn text(findings: &[Finding], all: bool) -> String {
    let mut out = String::new();
    let is_shown = |finding: &&Finding| {
        finding.allowed.is_none() && (all || finding.severity != Severity::Information)
    };
    for finding in findings.iter().filter(is_shown) {
        let head = format!("{} {}: ", finding.severity.word(), finding.code);
        wrapped(&mut out, &head, "  ", &finding.message);
        for detail in &finding.details {
            wrapped(&mut out, "  - ", "    ", detail);
        }
        wrapped(&mut out, "  at run time: ", "  ", &finding.happens);
        wrapped(&mut out, "  what to do: ", "  ", &finding.remedy);
        out.push('\n');
    }
    out.push_str(&counts(findings));
    out.push('\n');
    out
}

/// `1 error, 2 warnings, 3 informations (…)`.
pub fn counts(findings: &[Finding]) -> String {
    let count = |severity: Severity| {
        let of = |finding: &&Finding| finding.allowed.is_none() && finding.severity == severity;
        findings.iter().filter(of).count()
    };
    let many = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let allowed = findings.iter().filter(|finding| finding.allowed.is_some());
    let mut out = format!(
        "{}, {}, {} for information",
        many(count(Severity::Error), "error"),
        many(count(Severity::Warning), "warning"),
        many(count(Severity::Information), "finding"),
    );
    match allowed.count() {
        0 => {}
        count => out.push_str(&format!(", {count} allowed")),
    }
    out
}

/// What one code means, for people.
pub fn explained(code: &str, about: &str, happens: &str, remedy: &str) -> String {
    let mut out = format!("{code}: {about}\n");
    wrapped(&mut out, "  at run time: ", "  ", happens);
    wrapped(&mut out, "  what to do: ", "  ", remedy);
    out
}

/// The page that documents every code.
pub fn page() -> String {
    let mut out = String::from(
        "# What `flinkpack check` finds\n\n\
         Made from the code; a test fails where it is stale. `flinkpack check --explain CODE`\n\
         prints one of these.\n",
    );
    for rule in rules::ALL {
        out.push_str(&format!("\n## {} {}\n\n", rule.code, rule.about));
        wrapped(&mut out, "", "", rule.happens);
        out.push('\n');
        wrapped(&mut out, "What to do: ", "", rule.remedy);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_as_in_java() {
        assert_eq!(
            member("a/B", "go(I[Ljava/lang/String;Z)V"),
            "a.B.go(int, String[], boolean)"
        );
        assert_eq!(member("a/B", "<init>()V"), "new a.B()");
        assert_eq!(member("a/B", "count:I"), "a.B.count");
    }
}
