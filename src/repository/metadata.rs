//! `maven-metadata.xml`: which versions there are, and which file a snapshot is now.

use serde::{Deserialize, Serialize};

use super::client::Maven;
use super::hosts::Failed;
use super::paths::metadata_path;
use super::{web, xml};
use crate::error::{Context, Result};
use crate::maven::Coordinates;
use crate::maven::version;
use crate::store::Bucket;

/// The largest metadata file that is read, in bytes.
const MAX_METADATA: u64 = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Versions(Vec<String>);

impl Maven {
    /// The versions of an artifact over all repositories, oldest first, each
    /// once; empty where no repository knows it. The answer is kept for the
    /// process, and in the store for work offline.
    ///
    /// A repository that cannot answer is a warning, as long as another one
    /// knows the artifact.
    pub async fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>> {
        let cell = self.versions_cell(group, artifact);
        let versions = cell
            .get_or_try_init(|| self.ask_versions(group, artifact))
            .await?;
        Ok(versions.clone())
    }

    async fn ask_versions(&self, group: &str, artifact: &str) -> Result<Vec<String>> {
        // The coordinate's rules keep the names from leaving their folder.
        Coordinates::jar(group, artifact, "0")?;
        let key = format!("versions {group}:{artifact}\nof {}", self.set());
        if self.offline()
            && let Some(Versions(known)) = self.store().get(Bucket::Maven, &key)
        {
            return Ok(known);
        }
        let path = metadata_path(group, artifact);
        let mut found: Vec<String> = Vec::new();
        let mut failed: Vec<Failed> = Vec::new();
        for repository in self.repositories() {
            let answer = match web::small(self, repository, &path, MAX_METADATA).await {
                Ok(None) => continue,
                Ok(Some(bytes)) => {
                    let shown = format!("{path} of {}", repository.shown());
                    text(&bytes, &shown).and_then(|text| versions_in(text, &shown))
                }
                Err(error) => Err(error),
            };
            match answer {
                Ok(versions) => found.extend(versions),
                Err(error) => failed.push(Failed::new(repository, error)),
            }
        }
        if found.is_empty()
            && let Some(failed) = failed.pop()
        {
            return Err(failed
                .error
                .doing(format!("asking for the versions of {group}:{artifact}")));
        }
        let instead = format!("the versions of {group}:{artifact} are those of the others");
        self.passed_over(failed, &instead);
        found.sort();
        found.dedup();
        let found = version::sorted(found.iter().map(String::as_str));
        let found: Vec<String> = found
            .iter()
            .map(|version| version.as_str().to_string())
            .collect();
        if !self.offline() {
            self.store()
                .put(Bucket::Maven, &key, &Versions(found.clone()))?;
        }
        Ok(found)
    }

    /// The dated version that a snapshot is now, in each repository that has
    /// it: the repository's index, the version, and when it came.
    pub(super) async fn snapshot(
        &self,
        coordinate: &Coordinates,
    ) -> Result<Option<(usize, Snapshot)>> {
        let path = coordinate.beside("maven-metadata.xml");
        let mut newest: Option<(usize, Snapshot)> = None;
        let mut failed: Vec<Failed> = Vec::new();
        for (index, repository) in self.repositories().iter().enumerate() {
            if !repository.snapshots {
                continue;
            }
            let bytes = match web::small(self, repository, &path, MAX_METADATA).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    failed.push(Failed::new(repository, error));
                    continue;
                }
            };
            let shown = format!("{path} of {}", repository.shown());
            let found = snapshot_in(text(&bytes, &shown)?, coordinate, &shown)?;
            if let Some(found) = found
                && newest
                    .as_ref()
                    .is_none_or(|(_, known)| known.updated < found.updated)
            {
                newest = Some((index, found));
            }
        }
        if newest.is_none()
            && let Some(failed) = failed.pop()
        {
            let doing = format!("asking for the newest {coordinate}");
            return Err(failed.error.doing(doing));
        }
        self.passed_over(failed, &format!("{coordinate} is the newest of the others"));
        Ok(newest)
    }
}

/// What a snapshot is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The dated version.
    pub version: String,
    /// When it came: digits that sort, `YYYYMMDDHHMMSS`.
    pub updated: String,
}

fn text<'b>(bytes: &'b [u8], shown: &str) -> Result<&'b str> {
    std::str::from_utf8(bytes).doing(|| format!("reading {shown}"))
}

/// The versions that it lists, in its order. `shown` names the file in errors.
pub fn versions_in(content: &str, shown: &str) -> Result<Vec<String>> {
    let document = xml::parse(content, shown)?;
    let Some(versioning) = xml::child(document.root_element(), "versioning") else {
        return Ok(Vec::new());
    };
    Ok(xml::list(versioning, "versions", "version")
        .filter_map(|version| version.text())
        .map(|version| version.trim().to_owned())
        .filter(|version| !version.is_empty())
        .collect())
}

/// What the coordinate's snapshot is now: by classifier and extension; older
/// metadata has one date for all files.
pub fn snapshot_in(
    content: &str,
    coordinate: &Coordinates,
    shown: &str,
) -> Result<Option<Snapshot>> {
    let document = xml::parse(content, shown)?;
    let Some(versioning) = xml::child(document.root_element(), "versioning") else {
        return Ok(None);
    };
    let of_file = xml::list(versioning, "snapshotVersions", "snapshotVersion").find(|entry| {
        xml::text(*entry, "classifier") == coordinate.classifier()
            && xml::text(*entry, "extension") == Some(coordinate.extension())
    });
    if let Some(entry) = of_file {
        return Ok(xml::text(entry, "value").map(|version| Snapshot {
            version: version.to_owned(),
            updated: xml::text(entry, "updated").unwrap_or_default().to_owned(),
        }));
    }
    if xml::child(versioning, "snapshotVersions").is_some() {
        return Ok(None);
    }
    let dated = xml::child(versioning, "snapshot").and_then(|snapshot| {
        Some((
            xml::text(snapshot, "timestamp")?,
            xml::text(snapshot, "buildNumber")?,
        ))
    });
    let Some((stamp, build)) = dated else {
        return Ok(None);
    };
    let base = coordinate.version().trim_end_matches("-SNAPSHOT");
    Ok(Some(Snapshot {
        version: format!("{base}-{stamp}-{build}"),
        updated: xml::text(versioning, "lastUpdated")
            .map_or_else(|| stamp.replace('.', ""), str::to_owned),
    }))
}

/// When the local repository's own copy of a snapshot was installed.
pub(super) fn installed(content: &str) -> Option<String> {
    let document = xml::parse(content, "maven-metadata-local.xml").ok()?;
    let versioning = xml::child(document.root_element(), "versioning")?;
    xml::text(versioning, "lastUpdated").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOTS: &str = "<metadata><versioning><lastUpdated>20260105000000</lastUpdated>
        <snapshot><timestamp>20260104.030405</timestamp><buildNumber>9</buildNumber></snapshot>SNAPSHOTS</versioning></metadata>";

    fn find(text: &str, content: &str) -> Option<String> {
        let coordinate = text.parse().unwrap();
        snapshot_in(content, &coordinate, "x")
            .unwrap()
            .map(|found| found.version)
    }

    #[test]
    fn a_snapshot_is_found_by_classifier_and_extension() {
        let content = SNAPSHOTS.replace("SNAPSHOTS", "<snapshotVersions>
            <snapshotVersion><extension>jar</extension><value>1-20260102.030405-6</value><updated>1</updated></snapshotVersion>
            <snapshotVersion><classifier>tests</classifier><extension>jar</extension><value>1-20260102.030405-5</value></snapshotVersion>
            </snapshotVersions>");
        assert_eq!(
            find("g:a:1-SNAPSHOT", &content).as_deref(),
            Some("1-20260102.030405-6")
        );
        assert_eq!(
            find("g:a:1-SNAPSHOT:tests", &content).as_deref(),
            Some("1-20260102.030405-5")
        );
        assert_eq!(find("g:a:1-SNAPSHOT@pom", &content), None);
    }

    #[test]
    fn old_metadata_has_one_date_for_all() {
        let content = SNAPSHOTS.replace("SNAPSHOTS", "");
        assert_eq!(
            find("g:a:1-SNAPSHOT:x", &content).as_deref(),
            Some("1-20260104.030405-9")
        );
        assert_eq!(find("g:a:1-SNAPSHOT", "<metadata/>"), None);
    }

    #[test]
    fn versions_are_listed() {
        let content = "<metadata><versioning><versions><version> 1 </version><version/><version>2</version></versions></versioning></metadata>";
        assert_eq!(versions_in(content, "x").unwrap(), ["1", "2"]);
        assert!(versions_in("<metadata/>", "x").unwrap().is_empty());
        assert!(versions_in("<html><br></html>", "x").is_err());
    }
}
