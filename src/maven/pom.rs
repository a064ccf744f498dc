//! A POM as it is written: only what decides dependencies.

use serde::{Deserialize, Serialize};

use roxmltree::Node;

use super::Exclusion;
use super::xml::{child, cleaned, elements, parse as parse_xml, text, text_of};

/// A POM's content, nothing inherited and nothing filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawPom {
    /// The group, where it is not the parent's.
    pub group: Option<String>,
    /// The artifact.
    pub artifact: Option<String>,
    /// The version, where it is not the parent's.
    pub version: Option<String>,
    /// The packaging, where it is not `jar`.
    pub packaging: Option<String>,
    /// Group, artifact and version of the parent.
    pub parent: Option<(String, String, String)>,
    /// Properties, in order.
    pub properties: Vec<(String, String)>,
    /// `dependencies`.
    pub dependencies: Vec<RawDependency>,
    /// `dependencyManagement`.
    pub managed: Vec<RawDependency>,
    /// Profiles.
    pub profiles: Vec<RawProfile>,
    /// Where the artifact moved.
    pub relocation: Option<Relocation>,
    /// Whether it lists modules.
    pub has_modules: bool,
    /// Addresses of repositories it declares.
    pub repositories: Vec<String>,
}

/// A dependency as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawDependency {
    /// The group.
    pub group: String,
    /// The artifact.
    pub artifact: String,
    /// The version.
    pub version: Option<String>,
    /// The type, where it is not `jar`.
    pub kind: Option<String>,
    /// The classifier.
    pub classifier: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// `true` or `false`, or an expression.
    pub optional: Option<String>,
    /// Where a `system` dependency is.
    pub system_path: Option<String>,
    /// What is not wanted below it.
    pub exclusions: Vec<Exclusion>,
}

impl RawDependency {
    /// The type.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("jar")
    }

    /// `group:artifact:type[:classifier]`, by which Maven merges declarations.
    pub fn management_key(&self) -> String {
        let mut key = format!("{}:{}:{}", self.group, self.artifact, self.kind());
        if let Some(classifier) = &self.classifier {
            key.push(':');
            key.push_str(classifier);
        }
        key
    }
}

/// A profile: when it counts, and what it adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawProfile {
    /// When it counts.
    pub activation: Activation,
    /// Properties, in order.
    pub properties: Vec<(String, String)>,
    /// `dependencies`.
    pub dependencies: Vec<RawDependency>,
    /// `dependencyManagement`.
    pub managed: Vec<RawDependency>,
}

/// When a profile counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Where no other profile of the POM counts.
    pub by_default: bool,
    /// A Java version, its beginning, or a range.
    pub jdk: Option<String>,
    /// Name, family, architecture and version of the system.
    pub os: Option<Os>,
    /// A property's name, and its value where one is asked for.
    pub property: Option<(String, Option<String>)>,
    /// Paths that exist, or are missing.
    pub file: Option<(Option<String>, Option<String>)>,
}

/// What a profile asks of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Os {
    /// Such as `Linux`.
    pub name: Option<String>,
    /// Such as `unix`.
    pub family: Option<String>,
    /// Such as `amd64`.
    pub arch: Option<String>,
    /// The kernel's version.
    pub version: Option<String>,
}

/// Where an artifact moved; what is `None` stayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocation {
    /// The new group.
    pub group: Option<String>,
    /// The new artifact.
    pub artifact: Option<String>,
    /// The new version.
    pub version: Option<String>,
    /// Why.
    pub message: Option<String>,
}

/// Reads a POM. The error says what is wrong with it, with the line.
pub fn parse(bytes: &[u8]) -> Result<RawPom, String> {
    let written = decoded(bytes);
    let head = written.trim_start_matches('\u{feff}').trim_start();
    let head: String = head.chars().take(64).collect::<String>().to_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Err("it is a web page, not a POM".to_string());
    }
    let cleaned = cleaned(&written)?;
    let document =
        parse_xml(&cleaned).map_err(|error| format!("line {}: {error}", error.pos().row))?;
    let root = document.root_element();
    if root.tag_name().name() != "project" {
        let name = root.tag_name().name();
        return Err(format!("its root element is <{name}>, not <project>"));
    }
    let filled = |name: &str| text_in(root, name);
    Ok(RawPom {
        group: filled("groupId"),
        artifact: filled("artifactId"),
        version: filled("version"),
        packaging: filled("packaging"),
        parent: child(root, "parent").map(|parent| {
            let part = |name: &str| text(parent, name).unwrap_or_default();
            (part("groupId"), part("artifactId"), part("version"))
        }),
        properties: properties(root),
        dependencies: dependencies(Some(root)),
        managed: dependencies(child(root, "dependencyManagement")),
        profiles: list(root, "profiles").map(profile).collect(),
        relocation: child(root, "distributionManagement")
            .and_then(|node| child(node, "relocation"))
            .map(|node| Relocation {
                group: text_in(node, "groupId"),
                artifact: text_in(node, "artifactId"),
                version: text_in(node, "version"),
                message: text_in(node, "message"),
            }),
        has_modules: list(root, "modules").next().is_some(),
        repositories: list(root, "repositories")
            .filter_map(|repository| text_in(repository, "url"))
            .collect(),
    })
}

/// UTF-8, else what Latin-1 makes of the bytes: what matters here is ASCII.
fn decoded(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into(),
    }
}

/// A child's text, where it has some.
fn text_in(node: Node<'_, '_>, name: &str) -> Option<String> {
    text(node, name).filter(|text| !text.is_empty())
}

fn list<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    child(node, name).into_iter().flat_map(elements)
}

fn properties(node: Node<'_, '_>) -> Vec<(String, String)> {
    list(node, "properties")
        .map(|node| (node.tag_name().name().to_string(), text_of(node)))
        .collect()
}

fn dependencies(node: Option<Node<'_, '_>>) -> Vec<RawDependency> {
    node.into_iter()
        .flat_map(|node| list(node, "dependencies"))
        .map(|node| RawDependency {
            group: text(node, "groupId").unwrap_or_default(),
            artifact: text(node, "artifactId").unwrap_or_default(),
            version: text_in(node, "version"),
            kind: text_in(node, "type"),
            classifier: text_in(node, "classifier"),
            scope: text_in(node, "scope"),
            optional: text_in(node, "optional"),
            system_path: text_in(node, "systemPath"),
            exclusions: list(node, "exclusions")
                .map(|node| Exclusion {
                    group: text(node, "groupId").unwrap_or_default().into(),
                    artifact: text(node, "artifactId").unwrap_or_default().into(),
                })
                .collect(),
        })
        .collect()
}

fn profile(node: Node<'_, '_>) -> RawProfile {
    RawProfile {
        activation: child(node, "activation")
            .map(activation)
            .unwrap_or_default(),
        properties: properties(node),
        dependencies: dependencies(Some(node)),
        managed: dependencies(child(node, "dependencyManagement")),
    }
}

/// Reads an `<activation>`, which settings.xml has too.
pub fn activation(node: Node<'_, '_>) -> Activation {
    Activation {
        by_default: text(node, "activeByDefault").as_deref() == Some("true"),
        jdk: text_in(node, "jdk"),
        os: child(node, "os").map(|os| Os {
            name: text_in(os, "name"),
            family: text_in(os, "family"),
            arch: text_in(os, "arch"),
            version: text_in(os, "version"),
        }),
        property: child(node, "property").map(|node| {
            (
                text(node, "name").unwrap_or_default(),
                text_in(node, "value"),
            )
        }),
        file: child(node, "file").map(|file| (text_in(file, "exists"), text_in(file, "missing"))),
    }
}
