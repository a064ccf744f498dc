//! How releases that are not listed are written.

use serde::{Deserialize, Serialize};

use super::artifact_pattern::{ArtifactPattern, Row};
use super::minor::Minor;

/// How an entry's releases are written, for Flink minors that no row lists. The
/// version or `maven` of the artifact has `{minor}`; a template without it needs
/// `since` and `before`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Row")]
pub struct Template {
    /// The first Flink minor that it holds for.
    pub since: Option<String>,
    /// The first Flink minor that it no longer holds for.
    pub before: Option<String>,
    /// The artifact.
    pub artifact: ArtifactPattern,
}

impl TryFrom<Row> for Template {
    type Error = &'static str;

    fn try_from(mut row: Row) -> Result<Template, &'static str> {
        if row.flink.is_some() {
            return Err("`flink` is for a [[release]]: a [[template]] has `since` and `before`");
        }
        Ok(Template {
            since: row.since.take(),
            before: row.before.take(),
            artifact: row.artifact(),
        })
    }
}

impl Template {
    /// Whether it says how a release for this Flink minor and Scala is written.
    pub(super) fn holds_for(&self, minor: Minor, scala: Option<&str>) -> bool {
        let bound = |text: &Option<String>| text.as_deref().and_then(Minor::parse);
        bound(&self.since).is_none_or(|since| since <= minor)
            && bound(&self.before).is_none_or(|before| minor < before)
            && self.artifact.fits_scala(scala)
    }

    /// What is wrong with it beyond what the format itself refuses.
    pub(super) fn problem(&self) -> Option<String> {
        let ArtifactPattern { maven, version, .. } = &self.artifact;
        let row = format!("template {maven}");
        if version.matches('*').count() != 1 {
            return Some(format!("{row}: `version` needs one `*`"));
        }
        let tells = version.contains("{minor}") || maven.contains("{minor}");
        if !tells && (self.since.is_none() || self.before.is_none()) {
            return Some(format!(
                "{row}: neither `version` nor `maven` has {{minor}}, so `since` and `before` are needed"
            ));
        }
        let minors = [&self.since, &self.before].into_iter().flatten();
        for minor in minors {
            if Minor::parse(minor).is_none() {
                return Some(format!(
                    "{row}: `{minor}` is not a Flink minor such as 1.20"
                ));
            }
        }
        self.artifact.problem(&row)
    }
}
