//! What commands print, kept in tests/golden to be read like a manual of
//! everything that goes wrong.

use std::fmt::Write;

use crate::support::project::{Project, Run};

/// Runs one after the other, with what they printed.
pub struct Transcript {
    text: String,
}

impl Transcript {
    pub fn new() -> Transcript {
        Transcript {
            text: String::new(),
        }
    }

    /// Adds a run of `project`. Each word of `varying` is written as its name.
    pub fn add(&mut self, title: &str, project: &Project, run: &Run, varying: &[(&str, &str)]) {
        let _ = writeln!(self.text, "--- {title}: exit code {}", run.code);
        let mut shown = project.masked(&format!("{}{}", run.stdout, run.stderr));
        for (word, name) in varying {
            shown = shown.replace(word, name);
        }
        let shown = in_order(&without_hashes(shown.trim_end()));
        let _ = writeln!(self.text, "{shown}\n");
        assert!(
            !shown.contains("panicked") && !shown.contains("unwrap"),
            "{title}: {shown}"
        );
    }

    /// Adds a failed run: only what it says of the failure.
    pub fn failure(&mut self, title: &str, project: &Project, run: &Run, varying: &[(&str, &str)]) {
        let start = run.stderr.find("error: ").unwrap_or(0);
        let told = Run {
            code: run.code,
            stdout: run.stdout.clone(),
            stderr: run.stderr[start..].to_string(),
        };
        self.add(title, project, &told, varying);
    }

    /// Compares all of it with the file of this name.
    pub fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../golden");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }
}

/// The text with what was done side by side in order of name.
fn in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for done in ["fetch ", "layer "] {
        let together = |a: &&str, b: &&str| a.starts_with(done) && b.starts_with(done);
        for run in lines.chunk_by_mut(together) {
            run.sort_unstable();
        }
    }
    lines.join("\n")
}

/// The text with a name in place of each hash: they differ by platform.
fn without_hashes(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let is_hash = matches!(word.len(), 12 | 64)
            && word.chars().all(|c| c.is_ascii_hexdigit())
            && word.contains(|c: char| c.is_ascii_digit());
        match is_hash {
            true => out.push_str("[hash]"),
            false => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// Runs the command with each of the manifests; all fail with this exit code.
pub fn failures(name: &str, code: i32, args: &[&str], cases: &[(&str, &str)]) {
    let mut transcript = Transcript::new();
    for (title, sections) in cases {
        let project = super::project(sections);
        let run = project.fails(code, args);
        transcript.failure(title, &project, &run, &[]);
    }
    transcript.check(name);
}
