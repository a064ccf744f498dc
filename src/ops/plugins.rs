//! `flinkpack plugins`: the catalogue, for a Flink version.

use std::path::Path;

use serde::Serialize;

use crate::catalogue::{Catalogue, Kind};
use crate::error::{Error, Result};

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name in the manifest.
    pub name: String,
    /// `connector` or `filesystem`.
    pub kind: &'static str,
    /// What `auto` takes, newest last where no Flink was named; empty where the
    /// repository must be asked.
    pub versions: Vec<String>,
    /// The Flink minors that it has releases for.
    pub flink: Vec<String>,
    /// What it is.
    pub about: String,
}

/// The rows for a Flink minor (`1.20`), or all.
pub fn run(folder: &Path, flink: Option<&str>) -> Result<Vec<Row>> {
    let minor = match flink {
        Some(text) => Some(
            text.parse::<crate::base::FlinkVersion>()
                .map_err(|error| error.exit_with(crate::error::Exit::Usage))?
                .minor_line(),
        ),
        None => None,
    };
    let catalogue = Catalogue::embedded()
        .with_folder(&folder.join("plugins"))
        .map_err(|error| Error::usage(error.to_string()).hint(error.hint()))?;
    let mut rows = Vec::new();
    for entry in catalogue.entries() {
        let mut versions: Vec<String> = Vec::new();
        let mut minors: Vec<String> = Vec::new();
        for release in &entry.releases {
            let fits = minor
                .as_ref()
                .is_none_or(|minor| release.flink.contains(minor));
            if fits && !versions.contains(&release.artifact.version) {
                versions.push(release.artifact.version.clone());
            }
            for minor in &release.flink {
                if !minors.contains(minor) {
                    minors.push(minor.clone());
                }
            }
        }
        let asked_for = match &minor {
            Some(minor) => {
                let flink = format!("{minor}.0");
                let candidates = entry.candidates(&flink, None);
                entry.exists(&flink).is_ok() && candidates.is_ok_and(|found| !found.is_empty())
            }
            None => !entry.templates.is_empty() || entry.kind == Kind::Filesystem,
        };
        let usable = !versions.is_empty() || asked_for;
        if usable {
            rows.push(Row {
                name: entry.name.clone(),
                kind: match entry.kind {
                    Kind::Connector => "connector",
                    Kind::Filesystem => "filesystem",
                },
                versions,
                flink: minors,
                about: entry.about.clone(),
            });
        }
    }
    rows.sort_by(|a, b| (b.kind, &a.name).cmp(&(a.kind, &b.name)));
    Ok(rows)
}
