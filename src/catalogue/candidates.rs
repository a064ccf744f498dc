//! Releases that are not listed: how they are written, so that a repository
//! can be asked for them.

use super::artifact_pattern::{ArtifactPattern, Values};
use super::entry::Entry;
use super::minor::Minor;
use super::release::Release;
use super::select::Style;
use super::selected::{SelectError, Selected};
use super::template::Template;

/// The template that a release is an example of, if its version or its
/// artifact tells the Flink minor.
fn template_of(release: &Release) -> Option<Template> {
    let version = if release.artifact.maven.contains("{minor}") {
        "*"
    } else if release.has_style(Style::Suffix) {
        "*-{minor}"
    } else if release.has_style(Style::InTree) {
        "{minor}.*"
    } else {
        return None;
    };
    Some(Template {
        since: None,
        before: None,
        artifact: ArtifactPattern {
            version: version.to_owned(),
            ..release.artifact.clone()
        },
    })
}

/// A template for one Flink and Scala: an artifact, and which of its versions fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    name: String,
    flink: String,
    minor: String,
    scala: String,
    group: String,
    artifact: String,
    before: String,
    after: String,
    template: Template,
}

impl Candidate {
    /// The group of its artifact.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Its artifact.
    pub fn artifact(&self) -> &str {
        &self.artifact
    }

    /// The release's own part of a version (`3.3.0` of `3.3.0-1.20`), if the
    /// version fits.
    pub fn own<'v>(&self, version: &'v str) -> Option<&'v str> {
        let own = version
            .strip_prefix(self.before.as_str())?
            .strip_suffix(self.after.as_str())?;
        let number = own.starts_with(|c: char| c.is_ascii_digit());
        let fits: fn(u8) -> bool = if self.is_in_tree() {
            // A patch of Flink itself is a number and nothing else.
            |byte| byte.is_ascii_digit()
        } else if self.before.is_empty() {
            |byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte)
        } else {
            // The rest of a line of releases: not what another suffix ends.
            |byte| byte.is_ascii_digit() || byte == b'.'
        };
        (number && own.bytes().all(fits)).then_some(own)
    }

    /// Whether its versions are Flink's own.
    pub fn is_in_tree(&self) -> bool {
        self.template.artifact.version == "{minor}.*"
    }

    /// The release of this version.
    pub fn selected(&self, version: &str) -> Result<Selected, SelectError> {
        let values = Values {
            flink: &self.flink,
            minor: &self.minor,
            scala: Some(&self.scala),
        };
        let artifact = &self.template.artifact;
        artifact.selected(&self.name, version, values, false)
    }
}

impl Entry {
    /// Where releases for this Flink and Scala may be, beyond the listed ones:
    /// by the entry's own templates, then as its releases for the nearest
    /// Flink are written.
    pub fn candidates(
        &self,
        flink: &str,
        scala: Option<&str>,
    ) -> Result<Vec<Candidate>, SelectError> {
        let minor = self.minor_of(flink)?;
        let mut templates: Vec<Template> = self
            .templates
            .iter()
            .filter(|template| template.holds_for(minor, scala))
            .cloned()
            .collect();
        let mut near: Vec<(bool, i64, &Release)> = self
            .releases
            .iter()
            .filter(|release| release.artifact.fits_scala(scala))
            .filter_map(|release| {
                let nearest = release
                    .minors()
                    .min_by_key(|other| (*other > minor, other.distance(minor)))?;
                Some((nearest > minor, nearest.distance(minor), release))
            })
            .collect();
        // Older ones come first, the nearest of them at the front; of one
        // minor the last row is the newest.
        near.reverse();
        near.sort_by_key(|(newer, distance, _)| (*newer, *distance));
        for (_, _, release) in near {
            if let Some(template) = template_of(release)
                && !templates.iter().any(|known| {
                    let (known, new) = (&known.artifact, &template.artifact);
                    (&known.version, &known.maven) == (&new.version, &new.maven)
                })
            {
                templates.push(template);
            }
        }
        let minor = minor.to_string();
        Ok(templates
            .into_iter()
            .filter_map(|template| self.candidate(template, flink, &minor, scala))
            .collect())
    }

    fn candidate(
        &self,
        template: Template,
        flink: &str,
        minor: &str,
        scala: Option<&str>,
    ) -> Option<Candidate> {
        let scala = template.artifact.scala_for(scala).to_owned();
        let fill = |text: &str| text.replace("{minor}", minor).replace("{scala}", &scala);
        let maven = fill(&template.artifact.maven);
        let version = fill(&template.artifact.version);
        let (group, artifact) = maven.split_once(':')?;
        let (before, after) = version.split_once('*')?;
        Some(Candidate {
            name: self.name.clone(),
            flink: flink.to_owned(),
            minor: minor.to_owned(),
            scala,
            group: group.to_owned(),
            artifact: artifact.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
            template,
        })
    }

    /// Whether one of its releases or templates has this `group:artifact`.
    pub fn has_artifact(&self, artifact: &str, scala: &str) -> bool {
        let releases = self.releases.iter().map(|release| &release.artifact.maven);
        let templates = self
            .templates
            .iter()
            .map(|template| &template.artifact.maven);
        releases.chain(templates).any(|maven| {
            let maven = maven.replace("{scala}", scala);
            match maven.split_once("{minor}") {
                None => maven == artifact,
                Some((before, after)) => artifact
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(after))
                    .is_some_and(|minor| Minor::parse(minor).is_some()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        let entry: Entry = toml::from_str(&format!(
            "name = \"x\"\nkind = \"connector\"\nabout = \"x\"\n{text}"
        ))
        .unwrap();
        assert_eq!(entry.problem(), None);
        entry
    }

    fn artifacts(entry: &Entry, flink: &str, scala: &str) -> Vec<String> {
        let found = entry.candidates(flink, Some(scala)).unwrap();
        found
            .iter()
            .map(|one| format!("{} {}", one.artifact(), one.template.artifact.version))
            .collect()
    }

    const KAFKA: &str = r#"
        [[release]]
        flink = ["1.14"]
        version = "1.14.5"
        maven = "g:kafka_{scala}"
        scala = ["2.11", "2.12"]
        fat = true
        [[release]]
        flink = ["1.17"]
        version = "1.17.1"
        maven = "g:kafka"
        fat = true
        [[release]]
        flink = ["1.19"]
        version = "3.2.0-1.19"
        maven = "g:kafka"
        fat = true
        [[release]]
        flink = ["2.0"]
        version = "4.0.0-2.0"
        maven = "g:kafka-core"
        fat = true
    "#;

    #[test]
    fn releases_show_how_their_neighbours_are_written() {
        let kafka = entry(KAFKA);
        assert_eq!(
            artifacts(&kafka, "1.20.5", "2.12"),
            [
                "kafka *-{minor}",
                "kafka {minor}.*",
                "kafka_2.12 {minor}.*",
                "kafka-core *-{minor}"
            ]
        );
        assert_eq!(
            artifacts(&kafka, "1.15.0", "2.12"),
            [
                "kafka_2.12 {minor}.*",
                "kafka {minor}.*",
                "kafka *-{minor}",
                "kafka-core *-{minor}"
            ]
        );
        assert_eq!(
            artifacts(&kafka, "2.1.0", "2.12"),
            [
                "kafka-core *-{minor}",
                "kafka *-{minor}",
                "kafka {minor}.*",
                "kafka_2.12 {minor}.*"
            ]
        );
        assert_eq!(
            artifacts(&kafka, "1.18.1", "2.13"),
            ["kafka {minor}.*", "kafka *-{minor}", "kafka-core *-{minor}"]
        );
    }

    const TEMPLATES: &str = r#"
        [[template]]
        maven = "g:runtime-{minor}"
        version = "*"
        since = "1.15"
        fat = true
        with = ["g:extra-{minor}:{version}"]
        [[template]]
        maven = "g:star_{scala}"
        version = "*_flink-{minor}"
        before = "1.15"
        scala = ["2.11", "2.12"]
        fat = true
    "#;

    #[test]
    fn templates_hold_for_their_minors() {
        let one = entry(TEMPLATES);
        assert_eq!(artifacts(&one, "1.20.5", "2.12"), ["runtime-1.20 *"]);
        assert_eq!(
            artifacts(&one, "1.13.6", "2.11"),
            ["star_2.11 *_flink-{minor}"]
        );
        assert!(artifacts(&one, "1.13.6", "2.13").is_empty());
        let found = &one.candidates("1.20.5", None).unwrap()[0];
        let selected = found.selected("1.10.2").unwrap();
        assert_eq!(selected.coordinates.to_string(), "g:runtime-1.20:1.10.2");
        assert_eq!(selected.with, ["g:extra-1.20:1.10.2".parse().unwrap()]);
        assert!(
            one.has_artifact("g:runtime-1.19", "2.12") && one.has_artifact("g:star_2.12", "2.12")
        );
        assert!(
            !one.has_artifact("g:runtime-x", "2.12") && !one.has_artifact("g:star_2.11", "2.12")
        );
    }

    #[test]
    fn a_line_of_releases_may_be_for_some_minors() {
        let cdc = entry(
            r#"
            [[template]]
            maven = "g:cdc"
            version = "3.5.*"
            since = "1.19"
            before = "1.21"
            fat = true
            [[template]]
            maven = "g:star"
            version = "*_flink-{minor}_{scala}"
            since = "1.20"
            scala = ["2.12"]
            fat = true
        "#,
        );
        assert!(cdc.candidates("2.0.0", Some("2.11")).unwrap().is_empty());
        let found = cdc.candidates("1.20.5", Some("2.12")).unwrap();
        for (version, own) in [
            ("3.5.0", Some("0")),
            ("3.5.0.1", Some("0.1")),
            ("3.5.0-2.2", None),
            ("3.6.0", None),
        ] {
            assert_eq!(found[0].own(version), own, "{version}");
        }
        assert_eq!(found[1].own("1.2.9_flink-1.20_2.12"), Some("1.2.9"));
        assert_eq!(found[1].own("1.2.9_flink-1.20_2.11"), None);
    }

    #[test]
    fn only_versions_for_the_minor_fit() {
        let kafka = entry(KAFKA);
        let found = kafka.candidates("1.20.5", None).unwrap();
        for (version, suffix, patch) in [
            ("3.4.0-1.20", Some("3.4.0"), None),
            ("3.4.0-1.2", None, None),
            ("3.4.0-11.20", None, None),
            ("-1.20", None, None),
            ("../x-1.20", None, None),
            ("1.20.5", None, Some("5")),
            ("1.20.5-x", None, None),
            ("1.2.5", None, None),
        ] {
            assert_eq!(
                (found[0].own(version), found[1].own(version)),
                (suffix, patch),
                "{version}"
            );
        }
    }

    #[test]
    fn problems_are_found() {
        for (from, to, says) in [
            ("\"*\"", "\"1\"", "needs one `*`"),
            ("*_flink-{minor}", "*", "`since` and `before` are needed"),
            ("\"1.15\"", "\"x\"", "not a Flink minor"),
            ("g:runtime", "runtime", "not group:artifact"),
            ("[\"2.11\", \"2.12\"]", "[]", "lists no version"),
        ] {
            let text = format!(
                "name = \"x\"\nkind = \"connector\"\nabout = \"x\"\n{}",
                TEMPLATES.replace(from, to)
            );
            let entry: Entry = toml::from_str(&text).unwrap();
            assert!(entry.problem().unwrap_or_default().contains(says), "{to}");
        }
    }
}
