//! The name of a JAR file, as Maven writes it:
//! `artifact[_scala]-version[-classifier].jar`.

/// The artifact and the version in a JAR's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JarName<'n> {
    /// The artifact, with its Scala suffix where it has one.
    pub artifact: &'n str,
    /// The version; in a file's name with the classifier, since nothing tells where
    /// one ends and the other begins.
    pub version: &'n str,
}

impl<'n> JarName<'n> {
    /// The version begins at the first hyphen that a digit follows.
    pub fn of_file(file_name: &'n str) -> Option<JarName<'n>> {
        JarName::readings(file_name).next()
    }

    /// Every way to read the name: an artifact may have a hyphen and a digit too, as
    /// `iceberg-flink-runtime-1.20-1.7.1.jar` has.
    pub fn readings(file_name: &'n str) -> impl Iterator<Item = JarName<'n>> {
        let stem = file_name.strip_suffix(".jar").unwrap_or_default();
        let hyphens = stem.match_indices('-');
        hyphens.filter_map(|(at, _)| {
            let (artifact, version) = (&stem[..at], &stem[at + 1..]);
            let is_version = version.starts_with(|c: char| c.is_ascii_digit());
            is_version.then_some(JarName { artifact, version })
        })
    }

    /// The artifact without its Scala suffix, and the Scala that it is built for.
    pub fn of_scala(&self) -> (&'n str, Option<&'n str>) {
        match self.artifact.rsplit_once('_') {
            Some((plain, scala @ ("2.10" | "2.11" | "2.12" | "2.13"))) => (plain, Some(scala)),
            _ => (self.artifact, None),
        }
    }
}

/// Whether a file has the name of this artifact's JAR, whatever its version and
/// Scala.
pub fn is_jar_of(file_name: &str, artifact: &str) -> bool {
    JarName::readings(file_name).any(|name| {
        let rest = name.artifact.strip_prefix(artifact);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_') && !rest.contains('-'))
    })
}

/// A JAR file's name without its extension.
pub fn jar_stem(file_name: &str) -> &str {
    file_name.strip_suffix(".jar").unwrap_or(file_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_artifact_and_a_version() {
        let of = |name| {
            let name = JarName::of_file(name)?;
            let (artifact, scala) = name.of_scala();
            Some((artifact, scala, name.version))
        };
        assert_eq!(
            of("flink-connector-jdbc-3.3.0-1.20.jar"),
            Some(("flink-connector-jdbc", None, "3.3.0-1.20"))
        );
        assert_eq!(
            of("flink-sql-connector-kafka_2.11-1.13.6.jar"),
            Some(("flink-sql-connector-kafka", Some("2.11"), "1.13.6"))
        );
        assert_eq!(of("a_b-1-tests.jar"), Some(("a_b", None, "1-tests")));
        assert_eq!(of("my-job.jar"), None);
        assert_eq!(of("a-1.zip"), None);
    }

    #[test]
    fn a_jar_is_known_by_its_artifact() {
        assert!(is_jar_of(
            "flink-s3-fs-hadoop-1.20.5.jar",
            "flink-s3-fs-hadoop"
        ));
        assert!(is_jar_of("flink-dist_2.11-1.8.3.jar", "flink-dist"));
        assert!(!is_jar_of(
            "flink-table-planner-loader-1.20.5.jar",
            "flink-table-planner"
        ));
        assert!(!is_jar_of(
            "flink-s3-fs-hadoop-1.20.5.jar.bak",
            "flink-s3-fs-hadoop"
        ));
    }
}
