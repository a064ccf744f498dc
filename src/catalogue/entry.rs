//! What one file of the catalogue says.

use serde::{Deserialize, Serialize};

use super::minor::Minor;
use super::release::Release;
use super::template::Template;

/// What an entry of the catalogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A connector or a format: goes to `lib/`.
    Connector,
    /// A filesystem plugin: placed by Flink's version.
    Filesystem,
}

/// One connector, format or filesystem plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// The name that a manifest uses.
    pub name: String,
    /// Connector or filesystem.
    pub kind: Kind,
    /// One line about it.
    pub about: String,
    /// Other names that a manifest may use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Values of the SQL options `connector` or `format`.
    #[serde(default)]
    pub identifiers: Vec<String>,
    /// Where its documentation is.
    pub docs: Option<String>,
    /// Filesystems: the JAR's name in `opt/`, without `-VERSION.jar`.
    pub artifact: Option<String>,
    /// Filesystems: URI schemes.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// Filesystems: the classes registered as `FileSystemFactory`.
    #[serde(default)]
    pub factories: Vec<String>,
    /// Filesystems: configuration keys that users set; capitals are place-holders.
    #[serde(default)]
    pub options: Vec<String>,
    /// The first Flink minor that has it.
    pub since: Option<String>,
    /// The first Flink minor without it.
    pub removed: Option<String>,
    /// What to use where it does not exist.
    pub hint: Option<String>,
    /// The releases, oldest first.
    #[serde(rename = "release", default)]
    pub releases: Vec<Release>,
    /// How releases that are not listed are written.
    #[serde(rename = "template", default)]
    pub templates: Vec<Template>,
}

impl Entry {
    /// Whether `name` is this entry's name or one of its aliases.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// The releases made for a Flink minor and, where one is given, a Scala
    /// version; oldest first.
    pub fn releases_for<'e, 'q>(
        &'e self,
        minor: &'q str,
        scala: Option<&'q str>,
    ) -> impl DoubleEndedIterator<Item = &'e Release> + use<'e, 'q> {
        self.releases
            .iter()
            .filter(move |release| release.fits(minor) && release.artifact.fits_scala(scala))
    }

    /// What is wrong with the entry beyond what the format itself refuses.
    pub(super) fn problem(&self) -> Option<String> {
        if self.name.trim().is_empty() {
            return Some("`name` is empty".to_owned());
        }
        if self.kind == Kind::Filesystem {
            if self.artifact.is_none() {
                return Some("a filesystem needs `artifact`".to_owned());
            }
            if self.since.is_none() {
                return Some("a filesystem needs `since`".to_owned());
            }
        } else if self.releases.is_empty() && self.templates.is_empty() {
            return Some("a connector needs at least one [[release]] or [[template]]".to_owned());
        }
        for minor in [&self.since, &self.removed].into_iter().flatten() {
            if Minor::parse(minor).is_none() {
                return Some(format!("`{minor}` is not a Flink minor such as 1.20"));
            }
        }
        let releases = self.releases.iter().find_map(Release::problem);
        releases.or_else(|| self.templates.iter().find_map(Template::problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        toml::from_str(text).expect("a valid entry")
    }

    const KAFKA: &str = r#"
        name = "kafka"
        kind = "connector"
        about = "Kafka"
        aliases = ["upsert-kafka"]
        [[release]]
        flink = ["1.13"]
        version = "{flink}"
        maven = "g:kafka_{scala}"
        scala = ["2.11", "2.12"]
        fat = true
    "#;

    #[test]
    fn names_and_aliases() {
        let kafka = entry(KAFKA);
        assert!(kafka.is_called("kafka") && kafka.is_called("upsert-kafka"));
        assert!(!kafka.is_called("kafk"));
        assert_eq!(kafka.problem(), None);
    }

    #[test]
    fn releases_by_minor_and_scala() {
        let kafka = entry(KAFKA);
        assert_eq!(kafka.releases_for("1.13", Some("2.11")).count(), 1);
        assert_eq!(kafka.releases_for("1.13", None).count(), 1);
        assert_eq!(kafka.releases_for("1.13", Some("2.13")).count(), 0);
        assert_eq!(kafka.releases_for("1.1", None).count(), 0);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Entry>(&format!("colour = 1\n{KAFKA}")).is_err());
        assert!(toml::from_str::<Entry>(&format!("{KAFKA}\ncolour = 1")).is_err());
    }

    #[test]
    fn problems_are_found() {
        let with = |from: &str, to: &str| entry(&KAFKA.replace(from, to)).problem();
        for (from, to, says) in [
            (r#"["1.13"]"#, "[]", "`flink` is empty"),
            (r#"["1.13"]"#, r#"["1.13.6"]"#, "not a Flink minor"),
            (r#"["1.13"]"#, r#"["1.013"]"#, "not a Flink minor"),
            ("g:kafka_{scala}", "kafka", "not group:artifact"),
            ("g:kafka_{scala}", "g:kafka_{skala}", "{skala}"),
            (r#"["2.11", "2.12"]"#, "[]", "lists no version"),
            (r#""connector""#, r#""filesystem""#, "needs `artifact`"),
            (
                "fat = true",
                "fat = true\ndrivers = [\"java.sql.Driver\"]",
                "without `needs`",
            ),
            (
                "fat = true",
                "fat = true\nwith = [\"a:b\"]",
                "`a:b` in `with`",
            ),
        ] {
            let problem = with(from, to).unwrap_or_default();
            assert!(problem.contains(says), "{from} -> {to}: {problem}");
        }
    }
}
