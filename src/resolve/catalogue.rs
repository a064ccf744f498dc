//! A catalogue name to a coordinate: the listed releases first, then what the
//! repositories have, since the catalogue ages and repositories differ.
//!
//! An artifact's versions are asked for once in a process
//! ([`Maven::versions`](crate::repository::Maven::versions)).

use super::Repositories;
use crate::base::BaseFacts;
use crate::catalogue::{Candidate, Entry, SelectError, Selected, VersionRequest};
use crate::error::{Error, Result};
use crate::maven::{Version, is_stable};
use crate::report::Report;

/// Versions that an error lists.
const SHOWN: usize = 8;

/// Picks the release of an entry for a base; `wanted` is `auto` or a version.
///
/// For `auto`, a listed release that fits is taken as it is, but where its
/// version is Flink's own, the base's patch (or the newest one that the
/// repositories have) comes before the listed patch. Where nothing is listed,
/// the newest stable version that is made for the base's Flink minor is taken.
pub async fn select(
    entry: &Entry,
    wanted: &str,
    facts: &BaseFacts,
    maven: &Repositories,
    report: &Report,
) -> Result<Selected> {
    let scala = Some(facts.scala.as_str()).filter(|scala| !scala.is_empty());
    let picker = Picker {
        entry,
        flink: facts.flink.as_str(),
        scala,
        maven,
        report,
    };
    match wanted {
        "auto" => picker.auto().await,
        version => picker.version(version).await,
    }
}

/// Fails where the base's Flink does not have the entry at all.
pub fn exists(entry: &Entry, facts: &BaseFacts) -> Result<()> {
    entry.exists(facts.flink.as_str()).map_err(told)
}

fn told(error: SelectError) -> Error {
    let told = Error::usage(error.to_string());
    match error.hint() {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

struct Picker<'a> {
    entry: &'a Entry,
    flink: &'a str,
    scala: Option<&'a str>,
    maven: &'a Repositories,
    report: &'a Report,
}

impl Picker<'_> {
    async fn auto(&self) -> Result<Selected> {
        match self
            .entry
            .select(VersionRequest::Auto, self.flink, self.scala)
        {
            Ok(listed) => Ok(self.patched(listed).await),
            Err(error @ SelectError::NoRelease(_)) => self.search(told(error)).await,
            Err(error) => Err(told(error)),
        }
    }

    /// A release with Flink's own version, in the base's patch where there is one.
    async fn patched(&self, listed: Selected) -> Selected {
        if listed.version == self.flink {
            return listed;
        }
        let candidates = self.candidates();
        let Some(candidate) = candidates.iter().find(|candidate| {
            candidate.is_in_tree()
                && candidate.own(&listed.version).is_some()
                && candidate
                    .selected(&listed.version)
                    .is_ok_and(|own| own.coordinates == listed.coordinates)
        }) else {
            return listed;
        };
        let versions = match self.versions(candidate).await {
            Ok(versions) => versions,
            Err(error) => {
                self.report.detail(format!(
                    "{} stays at the listed {}: {error}",
                    self.entry.name, listed.version
                ));
                return listed;
            }
        };
        match self.best(candidate, &versions) {
            Some(version) if version != listed.version => match candidate.selected(version) {
                Ok(own) => Selected {
                    version: own.version,
                    coordinates: own.coordinates,
                    listed: false,
                    ..listed
                },
                Err(_) => listed,
            },
            _ => listed,
        }
    }

    /// What the repositories have beyond the listed releases; `error` where
    /// that is nothing.
    async fn search(&self, mut error: Error) -> Result<Selected> {
        let mut there = Vec::new();
        for candidate in &self.candidates() {
            match self.versions(candidate).await {
                Ok(versions) => {
                    if let Some(version) = self.best(candidate, &versions) {
                        return candidate.selected(version).map_err(told);
                    }
                    let name = format!("{}:{}", candidate.group(), candidate.artifact());
                    if !versions.is_empty() && !there.iter().any(|(known, _)| *known == name) {
                        there.push((name, versions));
                    }
                }
                Err(failed) => {
                    return Err(failed.doing(format!(
                        "{}, and the repositories could not be asked for one",
                        error.message()
                    )));
                }
            }
        }
        for (name, versions) in there {
            let from = versions.len().saturating_sub(SHOWN);
            error = error.hint(format!(
                "the repositories have {name} in {}{}",
                if from > 0 { "…, " } else { "" },
                versions[from..].join(", ")
            ));
        }
        Err(error)
    }

    async fn version(&self, wanted: &str) -> Result<Selected> {
        let error = match self
            .entry
            .select(VersionRequest::Exact(wanted), self.flink, self.scala)
        {
            Ok(selected) => return Ok(selected),
            Err(error @ (SelectError::NoRelease(_) | SelectError::UnknownVersion(_))) => {
                told(error)
            }
            Err(error) => return Err(told(error)),
        };
        let candidates = self.candidates();
        // In full: whether it exists is seen when it is fetched.
        if let Some(candidate) = candidates.iter().find(|one| one.own(wanted).is_some()) {
            return candidate.selected(wanted).map_err(told);
        }
        // Without the suffix: only the repositories know.
        for candidate in candidates.iter().filter(|one| !one.is_in_tree()) {
            let Ok(versions) = self.versions(candidate).await else {
                break;
            };
            if let Some(version) = versions
                .iter()
                .find(|have| candidate.own(have) == Some(wanted))
            {
                return candidate.selected(version).map_err(told);
            }
        }
        Err(error)
    }

    fn candidates(&self) -> Vec<Candidate> {
        self.entry
            .candidates(self.flink, self.scala)
            .unwrap_or_default()
    }

    async fn versions(&self, candidate: &Candidate) -> Result<Vec<String>> {
        self.maven
            .get()?
            .versions(candidate.group(), candidate.artifact())
            .await
    }

    /// The base's own version, else the newest stable one that fits.
    fn best<'v>(&self, candidate: &Candidate, versions: &'v [String]) -> Option<&'v str> {
        let fitting = || {
            versions
                .iter()
                .filter_map(|version| Some((candidate.own(version)?, version.as_str())))
        };
        if candidate.is_in_tree()
            && let Some((_, exact)) = fitting().find(|(_, version)| *version == self.flink)
        {
            return Some(exact);
        }
        let newest = fitting()
            .filter(|(_, version)| is_stable(version))
            .max_by_key(|(own, _)| Version::new(own))
            .map(|(_, version)| version);
        if candidate.is_in_tree()
            && let Some(version) = newest
        {
            self.report.note(format!(
                "{}: the repositories do not have {}:{}; {version} is the newest of its line there",
                self.entry.name,
                candidate.artifact(),
                self.flink
            ));
        }
        newest
    }
}
