//! One release of an entry.

use serde::{Deserialize, Serialize};

use super::artifact_pattern::{ArtifactPattern, Row};
use super::minor::Minor;

/// One release of an entry, for the Flink minors that it lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Row")]
pub struct Release {
    /// The Flink minors it is made for.
    pub flink: Vec<String>,
    /// Its artifact.
    pub artifact: ArtifactPattern,
}

impl TryFrom<Row> for Release {
    type Error = &'static str;

    fn try_from(mut row: Row) -> Result<Release, &'static str> {
        if row.since.is_some() || row.before.is_some() {
            return Err("`since` and `before` are for a [[template]]: a [[release]] has `flink`");
        }
        Ok(Release {
            flink: row.flink.take().ok_or("missing field `flink`")?,
            artifact: row.artifact(),
        })
    }
}

impl Release {
    /// Whether the release is made for this Flink minor.
    pub fn fits(&self, minor: &str) -> bool {
        self.flink.iter().any(|listed| listed == minor)
    }

    /// What is wrong with it beyond what the format itself refuses.
    pub(super) fn problem(&self) -> Option<String> {
        let row = format!("release {}", self.artifact.version);
        if self.flink.is_empty() {
            return Some(format!("{row}: `flink` is empty"));
        }
        for minor in &self.flink {
            if Minor::parse(minor).is_none_or(|parsed| &parsed.to_string() != minor) {
                return Some(format!(
                    "{row}: `{minor}` in `flink` is not a Flink minor such as 1.20"
                ));
            }
        }
        if self.artifact.version.trim().is_empty() {
            return Some("a release has an empty `version`".to_owned());
        }
        self.artifact.problem(&row)
    }
}
