//! `flinkpack check`: finds what would break at run time.

pub mod dockerfile;
pub mod input;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::{self, Allow, Finding, Severity};
use crate::error::{Error, Exit, Result};
use crate::image::Digest;
use crate::lock::LockedCheck;
use crate::ops::Session;
use crate::ops::check::input::{Effort, Gathered, of_image as input_of_image, of_resolved};
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::inputs::{Inputs, Request};
use crate::ops::project::locked_layers::LockedLayers;
use crate::ops::project::resolved::{Resolved, resolve};
use crate::stage::EntryKind;
use crate::store::Bucket;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What was looked at: the image's name.
    pub image: String,
    /// The findings, errors first; those that are allowed say why.
    pub findings: Vec<Finding>,
    /// The record that was taken instead of looking.
    #[serde(skip)]
    pub record: Option<LockedCheck>,
}

/// Whether what `check` was given is a Dockerfile: by its name, such as `Dockerfile`,
/// `flink.Dockerfile` and `Dockerfile.prod`.
pub fn is_dockerfile(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let is_named = name.ends_with("dockerfile") || name.starts_with("dockerfile.");
    is_named && path.is_file()
}

/// Of the image that a Dockerfile would make, as far as its text and the files
/// beside it tell; `base` counts instead of its FROM.
pub fn of_dockerfile(session: &Session, path: &Path, base: Option<&str>) -> Result<Checked> {
    let input = crate::ops::check::dockerfile::input(session, path, base)?;
    Ok(Checked {
        image: path.display().to_string(),
        findings: check::run(&input),
        record: None,
    })
}

/// What is kept of a check.
#[derive(Serialize, Deserialize)]
struct Kept {
    findings: Vec<Finding>,
    /// Whether JARs were left unread.
    partial: bool,
}

/// Of the manifest's image, as `build` would make it. Where the lock file says
/// that all of it was checked, that is enough, unless `whole` asks for every
/// finding.
pub async fn of_manifest(session: &Session, request: &Request, whole: bool) -> Result<Checked> {
    let inputs = Inputs::read(request)?;
    let mut found = resolve(session, inputs, &ChangedJars::ignored()).await?;
    let checked = match (kept(session, &found, Effort::Full), record(&found)) {
        (None, Some(record)) if !whole => Checked::before(&found, record),
        _ => checked(session, &mut found, &LockedLayers::default(), Effort::Full).await?,
    };
    if !request.locked {
        remember(session, &found);
    }
    Ok(checked)
}

/// Writes what was found into a lock file that is up to date otherwise.
fn remember(session: &Session, found: &Resolved) {
    let Some(old) = &found.old_lock else { return };
    if found.checked.is_none() || !old.differences(&found.lock()).is_empty() {
        return;
    }
    let mut lock = old.clone();
    lock.check = found.checked.clone();
    match lock.write(&found.lock_path) {
        Ok(true) => session.report.note(format!(
            "wrote {}: it says that this was checked",
            found.lock_path.display()
        )),
        Ok(false) => {}
        // The answer counts, and a folder may be there to be read only.
        Err(error) => session
            .report
            .warn(format!("the check is not kept in the lock file: {error}")),
    }
}

/// Of an image, from wherever a base can come.
pub async fn of_image(session: &Session, image: &str, platform: Option<&str>) -> Result<Checked> {
    let (_, base) = session.open(image, platform).await?;
    let Gathered { input, .. } = input_of_image(session, &base).await?;
    Ok(Checked {
        image: base.reference.clone(),
        findings: check::run(&input),
        record: None,
    })
}

/// Of what a build is about to make: an error where there are errors, one line
/// where there are warnings.
pub async fn before_build(
    session: &Session,
    found: &mut Resolved,
    locked: &LockedLayers,
) -> Result<()> {
    let checked = match (kept(session, found, Effort::Cheap), record(found)) {
        (None, Some(record)) => Checked::before(found, record),
        _ => checked(session, found, locked, Effort::Cheap).await?,
    };
    if let Err(error) = checked.verdict() {
        let errors: Vec<Finding> = checked.open(Severity::Error).cloned().collect();
        let text = check::text(&errors, true);
        // The last line counts, as the message does.
        let (text, _) = text.rsplit_once("\n\n").unwrap_or((&text, ""));
        return Err(error.doing(format!(
            "checking what the image would do at run time\n{text}"
        ))
        .hint("`flinkpack check` shows everything; [check] allow in the manifest accepts a finding, `--no-check` builds without looking"));
    }
    let warnings = checked.warnings();
    if !warnings.is_empty() {
        let codes: Vec<&str> = warnings.keys().map(String::as_str).collect();
        session.report.warn(format!(
            "check: {} ({}); `flinkpack check{}` shows them",
            counted(&warnings),
            codes.join(", "),
            if checked.record.is_some() { " -v" } else { "" },
        ));
    }
    Ok(())
}

/// Takes over what is known of a whole check, for the lock file.
pub fn recall(session: &Session, found: &mut Resolved) {
    if let Some(kept) = kept(session, found, Effort::Full) {
        judged(session, found, kept);
    }
}

/// Remembered by everything that decides it, so that what did not change is not
/// looked at again.
async fn checked(
    session: &Session,
    found: &mut Resolved,
    locked: &LockedLayers,
    effort: Effort,
) -> Result<Checked> {
    let kept = match kept(session, found, effort) {
        Some(kept) => kept,
        None => {
            let Gathered { input, partial } = of_resolved(session, found, locked, effort).await?;
            let kept = Kept {
                findings: check::run(&input),
                partial,
            };
            session.store.put(Bucket::Checks, &key(found), &kept)?;
            kept
        }
    };
    Ok(judged(session, found, kept))
}

/// What this machine has of it.
fn kept(session: &Session, found: &Resolved, effort: Effort) -> Option<Kept> {
    let kept: Option<Kept> = session.store.get(Bucket::Checks, &key(found));
    kept.filter(|kept| !kept.partial || effort == Effort::Cheap)
}

/// What the lock file says of exactly this.
fn record(found: &Resolved) -> Option<LockedCheck> {
    let record = found.old_lock.as_ref()?.check.as_ref()?;
    record.is_of(&inputs(found)).then(|| record.clone())
}

/// The findings as the manifest has them; where they are whole and without error,
/// they are for the lock file too.
fn judged(session: &Session, found: &mut Resolved, kept: Kept) -> Checked {
    let mut findings = kept.findings;
    allow(session, found, &mut findings);
    let checked = Checked {
        image: name(found),
        findings,
        record: None,
    };
    if !kept.partial && checked.verdict().is_ok() {
        found.checked = Some(LockedCheck::new(&inputs(found), checked.warnings()));
    }
    checked
}

fn name(found: &Resolved) -> String {
    found.manifest.content.image.name.get_ref().clone()
}

/// Everything that decides what is found, and what is allowed of it.
fn inputs(found: &Resolved) -> String {
    format!("{}\n{}", key(found), json!(allowed(found)))
}

fn allowed(found: &Resolved) -> Vec<Allow> {
    let entries = found.manifest.content.check.allow.iter();
    entries
        .map(|entry| {
            let entry = entry.get_ref().clone();
            Allow {
                code: entry.code,
                jars: entry.jars,
                reason: entry.reason,
            }
        })
        .collect()
}

/// `1 warning`, `3 warnings`.
pub fn counted(warnings: &BTreeMap<String, u32>) -> String {
    match warnings.values().sum() {
        1u32 => "1 warning".to_string(),
        count => format!("{count} warnings"),
    }
}

fn allow(session: &Session, found: &Resolved, findings: &mut [Finding]) {
    let allowed = allowed(found);
    for unused in check::allow(&allowed, findings) {
        session.report.detail(format!(
            "[check] allow: nothing was found that {} stands for",
            allowed[unused].code
        ));
    }
}

/// Hash of everything that decides what is found.
fn key(found: &Resolved) -> String {
    let content = &found.manifest.content;
    let paths = found.stage.entries().map(|entry| {
        let what = match &entry.kind {
            EntryKind::File { sha256, .. } => sha256.to_string(),
            EntryKind::Link { target } => format!("-> {target}"),
            EntryKind::Folder => "/".to_string(),
            EntryKind::Whiteout => "gone".to_string(),
        };
        json!([entry.path, what])
    });
    let artifacts = found.artifacts.iter().map(|artifact| {
        let kind = artifact.kind.word();
        format!("{} {} {kind}", artifact.file_name, artifact.source)
    });
    let mut artifacts: Vec<String> = artifacts.collect();
    artifacts.sort();
    let job = content.job.as_ref();
    // Rows of the project's own.
    let has_rows = found.manifest.folder().join("plugins").is_dir();
    let rows = has_rows.then(|| found.catalogue().entries().collect::<Vec<_>>());
    let inputs = json!({
        "rules": check::VERSION,
        "program": env!("CARGO_PKG_VERSION"),
        "base": found.base.digest,
        "paths": paths.collect::<Vec<_>>(),
        "artifacts": artifacts,
        "job": job.map(|job| json!([job.class, job.args])),
        "env": content.image.env,
        "connectors": content.connectors.keys().collect::<Vec<_>>(),
        "catalogue": rows,
    });
    Digest::of(inputs.to_string().as_bytes()).to_string()
}

impl Checked {
    /// What was found the last time.
    fn before(found: &Resolved, record: LockedCheck) -> Checked {
        Checked {
            image: name(found),
            findings: Vec::new(),
            record: Some(record),
        }
    }

    /// How many warnings are not allowed, by code.
    fn warnings(&self) -> BTreeMap<String, u32> {
        if let Some(record) = &self.record {
            return record.warnings.clone();
        }
        let mut warnings = BTreeMap::new();
        for finding in self.open(Severity::Warning) {
            *warnings.entry(finding.code.clone()).or_default() += 1;
        }
        warnings
    }

    /// What is not allowed, of this severity.
    fn open(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |one| one.severity == severity && one.allowed.is_none())
    }

    /// An error with exit code 3 where an error was found.
    pub fn verdict(&self) -> Result<()> {
        match self.open(Severity::Error).count() {
            0 => Ok(()),
            1 => Err(Error::new("an error was found").exit_with(Exit::Found)),
            count => Err(Error::new(format!("{count} errors were found")).exit_with(Exit::Found)),
        }
    }
}

/// What a code means.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The code.
    pub code: String,
    /// What is found.
    pub about: String,
    /// What will happen at run time.
    pub happens: String,
    /// What to do.
    pub remedy: String,
}

/// Finds a code's explanation.
pub fn explain(code: &str) -> Result<Explanation> {
    let rule = crate::rules::find(code).ok_or_else(|| {
        Error::usage(format!("there is no finding with the code `{code}`"))
            .hint("`flinkpack check` prints the codes of what it finds; docs/checks.md lists all")
    })?;
    Ok(Explanation {
        code: rule.code.to_string(),
        about: rule.about.to_string(),
        happens: rule.happens.to_string(),
        remedy: rule.remedy.to_string(),
    })
}
