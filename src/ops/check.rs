//! `flinkpack check`: finds what would break at run time.

use serde::{Deserialize, Serialize};

use super::Session;
use super::check_input::{Effort, Gathered, of_found, of_image as input_of_image};
use super::find::{Found, Inputs, find};
use super::recorded::Trusted;
use crate::check::{self, Allow, Finding, Severity};
use crate::error::{Error, Exit, Result};
use crate::image::Digest;
use crate::stage::EntryKind;
use crate::store::Bucket;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What was looked at: the image's name.
    pub image: String,
    /// The findings, errors first; those that are allowed say why.
    pub findings: Vec<Finding>,
}

/// What is kept of a check.
#[derive(Serialize, Deserialize)]
struct Kept {
    findings: Vec<Finding>,
    /// Whether JARs were left unread.
    partial: bool,
}

/// Of the manifest's image, as `build` would make it.
pub async fn of_manifest(session: &Session, inputs: &Inputs) -> Result<Checked> {
    let found = find(session, inputs).await?;
    checked(session, &found, &Trusted::None, Effort::Full).await
}

/// Of an image, from wherever a base can come.
pub async fn of_image(session: &Session, image: &str, platform: Option<&str>) -> Result<Checked> {
    let (_, base) = session.open(image, platform).await?;
    let Gathered { input, .. } = input_of_image(session, &base).await?;
    Ok(Checked {
        image: base.reference.clone(),
        findings: check::run(&input),
    })
}

/// Of what a build is about to make: an error where there are errors, one line
/// where there are warnings.
pub(super) async fn before_build(
    session: &Session,
    found: &Found,
    trusted: &Trusted,
) -> Result<()> {
    let checked = checked(session, found, trusted, Effort::Cheap).await?;
    let of = |severity: Severity| {
        let mut codes: Vec<&str> = checked
            .open(severity)
            .map(|finding| finding.code.as_str())
            .collect();
        codes.dedup();
        codes
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
    let warnings = checked.open(Severity::Warning).count();
    if warnings > 0 {
        let noun = if warnings == 1 { "warning" } else { "warnings" };
        session.report.warn(format!(
            "check: {warnings} {noun} ({}); `flinkpack check` shows them",
            of(Severity::Warning).join(", ")
        ));
    }
    Ok(())
}

/// Remembered by everything that decides it, so that what did not change is not
/// looked at again.
async fn checked(
    session: &Session,
    found: &Found,
    trusted: &Trusted,
    effort: Effort,
) -> Result<Checked> {
    let key = key(found);
    let kept: Option<Kept> = session.store.get(Bucket::Checks, &key);
    let kept = kept.filter(|kept| !kept.partial || effort == Effort::Cheap);
    let mut findings = match kept {
        Some(kept) => kept.findings,
        None => {
            let Gathered { input, partial } = of_found(session, found, trusted, effort).await?;
            let kept = Kept {
                findings: check::run(&input),
                partial,
            };
            session.store.put(Bucket::Checks, &key, &kept)?;
            kept.findings
        }
    };
    allow(session, found, &mut findings);
    Ok(Checked {
        image: found.manifest.content.image.name.get_ref().clone(),
        findings,
    })
}

fn allow(session: &Session, found: &Found, findings: &mut [Finding]) {
    let entries = &found.manifest.content.check.allow;
    let allowed: Vec<Allow> = entries
        .iter()
        .map(|entry| {
            let entry = entry.get_ref().clone();
            Allow {
                code: entry.code,
                jars: entry.jars,
                reason: entry.reason,
            }
        })
        .collect();
    for unused in check::allow(&allowed, findings) {
        session.report.detail(format!(
            "[check] allow: nothing was found that {} stands for",
            allowed[unused].code
        ));
    }
}

/// Everything that decides what is found.
fn key(found: &Found) -> String {
    let content = &found.manifest.content;
    let mut text = format!(
        "{} {} {}\n",
        check::VERSION,
        env!("CARGO_PKG_VERSION"),
        found.base.digest
    );
    for entry in found.stage.entries() {
        let what = match &entry.kind {
            EntryKind::File { sha256, .. } => sha256.to_string(),
            EntryKind::Link { target } => format!("-> {target}"),
            EntryKind::Folder => "/".to_string(),
            EntryKind::Whiteout => "gone".to_string(),
        };
        text.push_str(&format!("{} {what}\n", entry.path));
    }
    for artifact in &found.artifacts {
        text.push_str(&format!(
            "{} {} {}\n",
            artifact.file_name,
            artifact.source,
            artifact.kind.word()
        ));
    }
    if let Some(job) = &content.job {
        text.push_str(&format!("{:?} {:?}\n", job.class, job.args));
    }
    text.push_str(&format!("{:?}\n", content.image.env));
    let names: Vec<&String> = content.connectors.keys().collect();
    text.push_str(&format!("{names:?}\n"));
    if found.manifest.folder().join("plugins").is_dir() {
        let rows: Vec<_> = found.catalogue().entries().collect();
        text.push_str(&format!("{rows:?}\n"));
    }
    Digest::of(text.as_bytes()).to_string()
}

impl Checked {
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

    /// For people, at 80 columns; information in full with `all` only.
    pub fn text(&self, all: bool) -> String {
        check::text(&self.findings, all)
    }

    /// As SARIF; everything points to the manifest of this name.
    pub fn sarif(&self, manifest: &str) -> serde_json::Value {
        check::sarif(&self.findings, manifest)
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
    let rule = check::rules::find(code).ok_or_else(|| {
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

impl Explanation {
    /// For people, at 80 columns.
    pub fn text(&self) -> String {
        check::explained(&self.code, &self.about, &self.happens, &self.remedy)
    }
}
