//! How the artifact of a release is written: what releases and templates share.

use serde::{Deserialize, Serialize};

use super::selected::{SelectError, Selected};

/// An artifact of an entry, with place-holders for the Flink it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArtifactPattern {
    /// `group:artifact`; may contain `{scala}` or `{minor}`.
    pub maven: String,
    /// The version. Of a release it may contain `{flink}` or `{minor}`; of a template
    /// it has one `*` for the release's own part.
    pub version: String,
    /// The Scala versions it exists for; empty where Scala does not matter.
    pub scala: Vec<String>,
    /// Whether the JAR holds its dependencies.
    pub fat: bool,
    /// Coordinates that always go with it; may contain `{version}` too.
    pub with: Vec<String>,
    /// What the user must add himself, in plain words.
    pub needs: Option<String>,
    /// JDBC drivers, any of which it needs: classes with dots; `java.sql.Driver`
    /// stands for any driver.
    pub drivers: Vec<String>,
    /// The least Java version its classes need, when above 8.
    pub java: Option<u32>,
}

/// A row of an entry's file: a `[[release]]`, or a `[[template]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub flink: Option<Vec<String>>,
    pub since: Option<String>,
    pub before: Option<String>,
    maven: String,
    version: String,
    #[serde(default)]
    scala: Vec<String>,
    fat: bool,
    #[serde(default)]
    with: Vec<String>,
    needs: Option<String>,
    #[serde(default)]
    drivers: Vec<String>,
    java: Option<u32>,
}

impl Row {
    pub(super) fn artifact(self) -> ArtifactPattern {
        ArtifactPattern {
            maven: self.maven,
            version: self.version,
            scala: self.scala,
            fat: self.fat,
            with: self.with,
            needs: self.needs,
            drivers: self.drivers,
            java: self.java,
        }
    }
}

/// What place-holders stand for.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    /// Flink's full version.
    pub flink: &'a str,
    /// Its minor.
    pub minor: &'a str,
    /// The Scala version, where there is one.
    pub scala: Option<&'a str>,
}

impl ArtifactPattern {
    /// The group of its coordinates.
    pub fn group(&self) -> &str {
        self.maven.split(':').next().unwrap_or_default()
    }

    /// The artifact of its coordinates without its Scala suffix.
    pub fn plain_name(&self) -> &str {
        let name = self.maven.rsplit(':').next().unwrap_or_default();
        name.trim_end_matches("_{scala}")
    }

    /// Whether it exists for this Scala version. It does when either side does not
    /// care.
    pub fn fits_scala(&self, scala: Option<&str>) -> bool {
        match scala {
            Some(wanted) if !self.scala.is_empty() => self.scala.iter().any(|have| have == wanted),
            _ => true,
        }
    }

    /// Its version for this Flink.
    pub(super) fn version_for(&self, flink: &str, minor: &str) -> String {
        self.version
            .replace("{flink}", flink)
            .replace("{minor}", minor)
    }

    /// The Scala version that its newest build is for, where none is wanted.
    pub(super) fn scala_for<'a>(&'a self, wanted: Option<&'a str>) -> &'a str {
        let newest = || self.scala.last().map(String::as_str);
        wanted.or_else(newest).unwrap_or_default()
    }

    /// It in this version, with every place-holder filled in.
    pub(super) fn selected(
        &self,
        entry: &str,
        version: &str,
        values: Values<'_>,
        listed: bool,
    ) -> Result<Selected, SelectError> {
        let scala = self.scala_for(values.scala);
        let fill = |text: &str| {
            text.replace("{flink}", values.flink)
                .replace("{minor}", values.minor)
                .replace("{scala}", scala)
                .replace("{version}", version)
        };
        let with = self.with.iter().map(|with| fill(with).parse());
        Ok(Selected {
            name: entry.to_owned(),
            coordinates: format!("{}:{version}", fill(&self.maven)).parse()?,
            with: with.collect::<Result<_, _>>()?,
            fat: self.fat,
            needs: self.needs.clone(),
            java: self.java,
            listed,
            version: version.to_owned(),
        })
    }

    /// What is wrong with it beyond what the format itself refuses; `row` names it.
    pub(super) fn problem(&self, row: &str) -> Option<String> {
        if !is_coordinate(&self.maven, 2) {
            let maven = &self.maven;
            return Some(format!("{row}: `maven` is `{maven}`, not group:artifact"));
        }
        if !self.drivers.is_empty() && self.needs.is_none() {
            return Some(format!(
                "{row}: `drivers` without `needs`, which says it to people"
            ));
        }
        if self.maven.contains("{scala}") && self.scala.is_empty() {
            return Some(format!(
                "{row}: `maven` has {{scala}}, but `scala` lists no version"
            ));
        }
        if let Some(bad) = self.with.iter().find(|with| !is_coordinate(with, 3)) {
            return Some(format!(
                "{row}: `{bad}` in `with` is not group:artifact:version"
            ));
        }
        let texts = [&self.version, &self.maven];
        texts.into_iter().chain(&self.with).find_map(|text| {
            let name = unknown_placeholder(text)?;
            Some(format!("{row}: unknown place-holder {name} in `{text}`"))
        })
    }
}

fn is_coordinate(text: &str, parts: usize) -> bool {
    let all: Vec<&str> = text.split(':').collect();
    all.len() == parts
        && all
            .iter()
            .all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

fn unknown_placeholder(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let tail = &rest[start..];
        let end = tail.find('}').map_or(tail.len(), |end| end + 1);
        let name = &tail[..end];
        if !["{flink}", "{minor}", "{scala}", "{version}"].contains(&name) {
            return Some(name.to_owned());
        }
        rest = &tail[end..];
    }
    None
}
