//! A dependency that is fully known.

use std::sync::Arc;

use super::pom::RawDependency;
use super::{Coordinates, Exclusion, Key};

/// A dependency that is fully known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub key: Arc<Key>,
    /// Empty where management says nothing of it.
    pub version: Arc<str>,
    /// Empty where management says nothing of it.
    pub scope: Arc<str>,
    pub optional: Option<bool>,
    pub exclusions: Vec<Exclusion>,
    /// Whether it holds its own dependencies, as a war does.
    pub is_whole: bool,
    /// Whether it is a file of the machine, which has no POM.
    pub is_system: bool,
}

/// Extension and classifier of a type, and whether it holds its dependencies.
/// The OSGi plugin's `bundle` is a JAR, as its handler says where it is used.
fn of_kind(kind: &str) -> (&str, &str, bool) {
    match kind {
        "jar" | "maven-plugin" | "ejb" | "bundle" => ("jar", "", false),
        "ejb-client" => ("jar", "client", false),
        "test-jar" => ("jar", "tests", false),
        "javadoc" => ("jar", "javadoc", false),
        "java-source" => ("jar", "sources", false),
        "war" | "ear" | "rar" | "par" => (kind, "", true),
        other => (other, "", false),
    }
}

pub(super) fn dependency(raw: &RawDependency) -> Dependency {
    let (extension, classifier, is_whole) = of_kind(raw.kind());
    Dependency {
        key: Arc::new(Key {
            group: raw.group.as_str().into(),
            artifact: raw.artifact.as_str().into(),
            classifier: raw.classifier.as_deref().unwrap_or(classifier).into(),
            extension: extension.into(),
        }),
        version: raw.version.as_deref().unwrap_or_default().into(),
        scope: raw.scope.as_deref().unwrap_or_default().into(),
        optional: raw
            .optional
            .as_deref()
            .map(|text| text.eq_ignore_ascii_case("true")),
        exclusions: raw.exclusions.clone(),
        is_whole,
        is_system: raw.system_path.is_some(),
    }
}

/// A dependency of scope `provided`: it does not come with what declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What is expected.
    pub coordinates: Coordinates,
    /// Whether only some users need it.
    pub optional: bool,
}
