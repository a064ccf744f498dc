//! The Maven coordinates that a manifest asks for.

use std::ops::Range;

use super::Folder;
use crate::image::LayerKind;
use crate::manifest::Taking;
use crate::maven::Coordinates;
use crate::report::Report;

/// What a coordinate brings with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Reach {
    /// What it needs.
    Transitive,
    /// Nothing: its JAR holds what it needs.
    Fat,
    /// Nothing, as the manifest says; its POM is of no interest.
    Alone,
}

/// A coordinate that the manifest, or a row of the catalogue for it, names.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the JAR is called.
    pub name: String,
    /// What it is.
    pub kind: LayerKind,
    /// Where it goes.
    pub folder: Folder,
    /// Its place in the manifest.
    pub span: Range<usize>,
    /// The coordinate as it was asked for.
    pub coordinate: Coordinates,
    /// What it brings with it.
    pub reach: Reach,
    /// `group:artifact` patterns of what it must not bring.
    pub exclude: Vec<String>,
    /// Whether what the base has already stays out.
    pub platform: bool,
}

/// Of coordinates that differ by their version alone, the last: that is what Maven
/// takes of several declarations in one POM. It stands where the first one stood.
pub fn merged(asked: Vec<Asked>, report: &Report) -> Vec<Asked> {
    let mut out: Vec<Asked> = Vec::new();
    for one in asked {
        let Some(known) = out
            .iter_mut()
            .find(|known| known.coordinate.is_same_artifact(&one.coordinate))
        else {
            out.push(one);
            continue;
        };
        if known.coordinate != one.coordinate {
            report.warn(format!(
                "{} and {} are both asked for: the last one is taken, as Maven does",
                known.coordinate, one.coordinate
            ));
        }
        *known = one;
    }
    out
}

/// What a coordinate brings; `fat` is what the catalogue says, where it does.
pub fn reach(taking: &Taking, fat: Option<bool>, coordinate: &Coordinates) -> Reach {
    match (taking.transitive, taking.fat) {
        (Some(false), _) => Reach::Alone,
        (Some(true), _) | (_, Some(false)) => Reach::Transitive,
        (None, Some(true)) => Reach::Fat,
        (None, None) => match fat.unwrap_or_else(|| is_known_fat(coordinate)) {
            true => Reach::Fat,
            false => Reach::Transitive,
        },
    }
}

/// Artifacts whose JARs hold what they need: Flink's `sql` connectors, the
/// bundles of the table formats, and what is named so by a classifier.
fn is_known_fat(coordinate: &Coordinates) -> bool {
    let artifact = coordinate.artifact();
    let is_bundle_of = |prefix: &str| artifact.starts_with(prefix) && artifact.contains("-bundle");
    artifact.starts_with("flink-sql-connector-")
        || artifact.starts_with("iceberg-flink-runtime-")
        || is_bundle_of("hudi-flink")
        || artifact
            .strip_prefix("paimon-flink-")
            .is_some_and(|minor| minor.starts_with(|c: char| c.is_ascii_digit()))
        || matches!(
            coordinate.classifier(),
            Some("all" | "fat" | "jar-with-dependencies" | "shaded" | "uber")
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fat_comes_alone() {
        for (coordinate, fat) in [
            (
                "org.apache.flink:flink-sql-connector-kafka:3.4.0-1.20",
                true,
            ),
            ("org.apache.flink:flink-connector-kafka:3.4.0-1.20", false),
            ("org.apache.iceberg:iceberg-flink-runtime-1.20:1.7.1", true),
            ("org.apache.iceberg:iceberg-flink-1.20:1.7.1", false),
            ("org.apache.hudi:hudi-flink1.20-bundle:1.0.1", true),
            ("org.apache.hudi:hudi-flink-client:1.0.1", false),
            ("org.apache.paimon:paimon-flink-1.20:1.0.1", true),
            ("org.apache.paimon:paimon-flink-common:1.0.1", false),
            ("com.acme:tool:1:shaded", true),
        ] {
            let coordinate: Coordinates = coordinate.parse().unwrap();
            assert_eq!(is_known_fat(&coordinate), fat, "{coordinate}");
        }
    }

    #[test]
    fn the_manifest_overrules_the_catalogue_and_the_catalogue_the_name() {
        let thin: Coordinates = "g:a:1".parse().unwrap();
        let of = |transitive, fat, known| {
            let taking = Taking {
                transitive,
                fat,
                ..Taking::default()
            };
            reach(&taking, known, &thin)
        };
        assert_eq!(of(None, None, None), Reach::Transitive);
        assert_eq!(of(None, None, Some(true)), Reach::Fat);
        assert_eq!(of(None, Some(false), Some(true)), Reach::Transitive);
        assert_eq!(of(Some(true), None, Some(true)), Reach::Transitive);
        assert_eq!(of(None, Some(true), None), Reach::Fat);
        assert_eq!(of(Some(false), Some(true), None), Reach::Alone);
    }
}
