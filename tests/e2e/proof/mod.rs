//! What `check` says of real JARs, and what Flink then does: kept as a table in
//! docs/proof.md, which `make proof` writes and every other run compares.

mod clean;
mod flink;
mod good;
mod page;
mod predicted;
mod samples;
mod wild;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use serde_json::Value;

use super::CACHE;
use crate::support::project::{Project, environment};

/// A base of the test environment.
#[derive(Clone, Copy)]
struct Base {
    flink: &'static str,
    variable: &'static str,
}

const fn base(flink: &'static str, variable: &'static str) -> Base {
    Base { flink, variable }
}

const FLINK_1_8: Base = base("1.8", "FLINKPACK_TEST_BASE_1_8");
const FLINK_1_12: Base = base("1.12", "FLINKPACK_TEST_BASE_1_12");
const FLINK_1_13: Base = base("1.13", "FLINKPACK_TEST_BASE_1_13");
const FLINK_1_20: Base = base("1.20", "FLINKPACK_TEST_BASE_1_20");
const FLINK_2: Base = base("2.3", "FLINKPACK_TEST_BASE_2");

/// A file beside the manifest.
type File<'a> = (&'a str, Vec<u8>);

/// A project of an image with this name, on this base.
fn image(name: &str, base: Base, manifest: &str, files: &[File<'_>]) -> Project {
    let mut project = Project::with_manifest(&format!(
        "[image]\nname = \"{name}\"\ntags = [\"1\"]\nbase = \"{}\"\n{manifest}\n",
        environment(base.variable)
    ));
    project.set("FLINKPACK_CACHE_DIR", CACHE.display().to_string());
    for (name, bytes) in files {
        project.write(name, bytes);
    }
    project
}

/// Warnings and errors.
struct Findings(Vec<Finding>);

struct Finding {
    code: String,
    is_error: bool,
    /// What is said of it, with the details.
    text: String,
}

impl Findings {
    fn of(project: &Project) -> Findings {
        let run = project.run(&["check", "--format", "json"]);
        assert!(matches!(run.code, 0 | 3), "{}", run.stderr);
        let found = run.json()["findings"].as_array().expect("a list").clone();
        let findings = found.iter().filter(|one| one["severity"] != "information");
        Findings(findings.map(Finding::of).collect())
    }

    /// In the image `what`, there is a finding of this code that says this.
    fn must_have(&self, what: &str, code: &str, words: &str) {
        let mut all = self.0.iter();
        let has = all.any(|one| one.code == code && one.text.contains(words));
        assert!(has, "{what}: {code} {words}:\n{}", self.shown());
    }

    fn errors(&self) -> usize {
        self.0.iter().filter(|one| one.is_error).count()
    }

    fn warnings(&self) -> usize {
        self.0.len() - self.errors()
    }

    /// `FP0203 error, FP0602 warning ×2`.
    fn listed(&self) -> String {
        let mut counts: BTreeMap<(bool, &str), usize> = BTreeMap::new();
        for one in &self.0 {
            *counts.entry((!one.is_error, &one.code)).or_default() += 1;
        }
        let texts = counts.iter().map(|((is_warning, code), count)| {
            let severity = if *is_warning { "" } else { " **error**" };
            match count {
                1 => format!("{code}{severity}"),
                _ => format!("{code}{severity} ×{count}"),
            }
        });
        match texts.collect::<Vec<_>>() {
            texts if texts.is_empty() => "none".to_string(),
            texts => texts.join(", "),
        }
    }

    fn shown(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|one| format!("{} {}", one.code, one.text));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Finding {
    fn of(found: &Value) -> Finding {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let details = found["details"].as_array().into_iter().flatten();
        let parts: Vec<String> = [&found["message"], &found["happens"]]
            .into_iter()
            .chain(details)
            .map(text)
            .collect();
        Finding {
            code: text(&found["code"]),
            is_error: found["severity"] == "error",
            text: parts.join("\n"),
        }
    }
}

/// Looks at each of these, as many at once as there are processors; all that
/// went wrong is told together.
fn each<T: Sync, R: Send>(
    all: &[T],
    name: impl Fn(&T) -> String + Sync,
    look: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (queue, done) = (Mutex::new(all.iter().enumerate()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("a queue").next();
                    let Some((at, one)) = next else { break };
                    let result = catch_unwind(AssertUnwindSafe(|| look(one)));
                    done.lock().expect("a list").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("a list");
    done.sort_by_key(|(at, _)| *at);
    let (good, bad): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, one)| one.is_ok());
    let bad: Vec<String> = bad.into_iter().map(|(at, _)| name(&all[at])).collect();
    assert!(bad.is_empty(), "see above for: {bad:#?}");
    good.into_iter().filter_map(|(_, one)| one.ok()).collect()
}
