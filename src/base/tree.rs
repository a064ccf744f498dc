//! Layers put on top of each other: the tree a container sees, and the facts
//! that it holds.

use std::collections::BTreeMap;

use super::facts::{BaseFacts, Node, NodeKind};
use super::scan::Scan;
use crate::error::{Error, Reason, Result};
use crate::maven::is_jar_of;

/// The tree of all layers so far.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    texts: BTreeMap<String, String>,
    /// Java's version where the facts below know it.
    java: Option<u32>,
}

impl Tree {
    /// A tree that begins where facts left off.
    pub fn of(facts: &BaseFacts) -> Tree {
        Tree {
            nodes: facts.nodes.clone(),
            texts: facts.texts.clone(),
            java: facts.java,
        }
    }

    /// Puts a layer on top. Its whiteouts hide what is below, never what it
    /// brings itself (OCI image specification, layer.md).
    pub fn apply(&mut self, scan: Scan) {
        for path in &scan.opaque {
            self.remove_below(path);
        }
        for path in &scan.whiteouts {
            self.nodes.remove(path);
            self.texts.remove(path);
            self.remove_below(path);
        }
        for (path, mut node) in scan.nodes {
            if node.kind != NodeKind::Folder {
                self.remove_below(&path);
                self.texts.remove(&path);
            }
            if let Some(target) = scan.links.get(&path)
                && let Some(content) = self.nodes.get(target)
            {
                node.size = content.size;
                node.sha256 = content.sha256;
            }
            self.nodes.insert(path, node);
        }
        self.texts.extend(scan.texts);
    }

    fn remove_below(&mut self, folder: &str) {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let below: Vec<String> = self
            .nodes
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, _)| path.clone())
            .collect();
        for path in below {
            self.nodes.remove(&path);
            self.texts.remove(&path);
        }
    }

    /// The facts of the tree. `home` and `java_home` are what the image's
    /// environment says.
    pub fn facts(self, home: &str, java_home: Option<&str>) -> Result<BaseFacts> {
        let home = home.trim_matches('/').to_string();
        let lib = format!("{home}/lib/");
        let dist = self
            .nodes
            .range(lib.clone()..)
            .take_while(|(path, _)| path.starts_with(&lib))
            .find_map(|(path, _)| {
                let name = &path[lib.len()..];
                is_jar_of(name, "flink-dist").then(|| name.to_string())
            })
            .ok_or_else(|| {
                Error::new(format!(
                    "it is not a Flink image: there is no lib/flink-dist-VERSION.jar under /{home}"
                ))
                .because(Reason::NotFlink)
                .hint("a base is an official Flink image, or one made by `flinkpack base build`; FLINK_HOME in the image's environment says where Flink is")
            })?;
        let stem = dist
            .trim_end_matches(".jar")
            .trim_start_matches("flink-dist");
        let (suffix, version) = stem.split_once('-').unwrap_or(("", stem));
        let flink = version.parse()?;
        let scala = match suffix.strip_prefix('_') {
            Some(scala) => scala.to_string(),
            None => self.scala(&home),
        };
        let java = self.java(java_home);

        let mut facts = BaseFacts {
            flink,
            scala,
            java,
            nodes: BTreeMap::new(),
            texts: BTreeMap::new(),
            home: home.clone(),
        };
        let inside = |path: &str| {
            path == home
                || path
                    .strip_prefix(&home)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let leads_to_folder: Vec<String> = self
            .nodes
            .iter()
            .filter(|(path, node)| node.kind == NodeKind::Link && !inside(path))
            .filter(|(path, _)| self.is_folder(path))
            .map(|(path, _)| path.clone())
            .collect();
        let leads_to_folder: std::collections::BTreeSet<String> =
            leads_to_folder.into_iter().collect();
        let parents: Vec<String> = home
            .match_indices('/')
            .map(|(at, _)| home[..at].to_string())
            .collect();
        for (path, node) in self.nodes {
            let plain = node.mode == 0o755 && node.uid == 0 && node.gid == 0;
            let keep = inside(&path)
                || parents.contains(&path)
                || (node.kind == NodeKind::Folder && !plain)
                || leads_to_folder.contains(&path);
            if keep {
                facts.nodes.insert(path, node);
            }
        }
        facts.texts = self
            .texts
            .into_iter()
            .filter(|(path, _)| inside(path) && facts.nodes.contains_key(path))
            .collect();
        Ok(facts)
    }

    fn is_folder(&self, path: &str) -> bool {
        let mut path = path.to_string();
        for _ in 0..40 {
            match self.nodes.get(&path) {
                Some(node) if node.kind == NodeKind::Link => {
                    let target = node.target.clone().unwrap_or_default();
                    let base = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                    path = normal(base, &target);
                }
                Some(node) => return node.kind == NodeKind::Folder,
                None => return false,
            }
        }
        false
    }

    /// From 1.15 on flink-dist has no Scala suffix; JARs beside it still do.
    fn scala(&self, home: &str) -> String {
        for folder in ["lib", "opt"] {
            let prefix = format!("{home}/{folder}/");
            let found = self
                .nodes
                .range(prefix.clone()..)
                .take_while(|(path, _)| path.starts_with(&prefix))
                .find_map(|(path, _)| {
                    let name = &path[prefix.len()..];
                    ["2.11", "2.12", "2.13"].into_iter().find(|scala| {
                        name.starts_with("flink-") && name.contains(&format!("_{scala}-"))
                    })
                });
            if let Some(scala) = found {
                return scala.to_string();
            }
        }
        // Every release from 1.15 to 2.2 is built for Scala 2.12.
        "2.12".to_string()
    }

    fn java(&self, java_home: Option<&str>) -> Option<u32> {
        let of = |path: &str| self.texts.get(path).and_then(|text| java_version(text));
        java_home
            .map(|home| format!("{}/release", home.trim_matches('/')))
            .and_then(|path| of(&path))
            .or_else(|| self.texts.values().find_map(|text| java_version(text)))
            .or_else(|| self.is_java_8().then_some(8))
            .or(self.java)
    }

    /// Debian's Java 8 has no `release`. Java 9 did away with rt.jar (JEP 220),
    /// and no Flink read here runs on Java 7.
    fn is_java_8(&self) -> bool {
        self.nodes.keys().any(|path| path.ends_with("/lib/rt.jar"))
    }
}

/// `base/target` with `.` and `..` gone, or `target` where it is absolute.
fn normal(base: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        base.split('/').filter(|part| !part.is_empty()).collect()
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The feature version in a JRE's `release` file: `JAVA_VERSION="17.0.15"`,
/// or `"1.8.0_402"` before Java 9.
fn java_version(release: &str) -> Option<u32> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    let mut numbers = line.trim_matches('"').split(['.', '_', '-', '+']);
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        feature => Some(feature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_says_its_version_in_two_ways() {
        assert_eq!(java_version("JAVA_VERSION=\"1.8.0_402\"\n"), Some(8));
        assert_eq!(java_version("X=1\nJAVA_VERSION=\"17.0.15\""), Some(17));
        assert_eq!(java_version("NAME=Debian"), None);
    }

    fn layer(paths: &[(&str, char)]) -> Scan {
        let mut scan = Scan::default();
        for (path, kind) in paths {
            let kind = match kind {
                'd' => NodeKind::Folder,
                'l' => NodeKind::Link,
                'w' => {
                    scan.whiteouts.push(path.to_string());
                    continue;
                }
                'o' => {
                    scan.opaque.push(path.to_string());
                    continue;
                }
                _ => NodeKind::File,
            };
            let node = Node {
                kind,
                mode: 0o755,
                uid: 0,
                gid: 0,
                mtime: 0,
                size: 0,
                target: Some("usr/lib".into()),
                sha256: None,
                layer: 0,
            };
            scan.nodes.insert(path.to_string(), node);
        }
        scan
    }

    #[test]
    fn layers_hide_what_is_below_them_only() {
        let mut tree = Tree::default();
        tree.apply(layer(&[
            ("a", 'd'),
            ("a/x", 'f'),
            ("a/y", 'f'),
            ("b", 'd'),
            ("b/z", 'f'),
        ]));
        tree.apply(layer(&[("a/x", 'w'), ("b", 'o'), ("b/new", 'f')]));
        let paths: Vec<&str> = tree.nodes.keys().map(String::as_str).collect();
        assert_eq!(paths, ["a", "a/y", "b", "b/new"]);
    }

    #[test]
    fn flink_is_measured_by_its_jars() {
        let mut tree = Tree::default();
        tree.apply(layer(&[
            ("opt/flink/lib/flink-dist-1.20.5.jar", 'f'),
            ("opt/flink/opt/flink-table-planner_2.12-1.20.5.jar", 'f'),
            ("usr/lib", 'd'),
            ("lib", 'l'),
        ]));
        let facts = tree.facts("/opt/flink", None).unwrap();
        assert_eq!(facts.flink.as_str(), "1.20.5");
        assert_eq!(facts.scala, "2.12");
        assert!(
            facts.nodes.contains_key("lib"),
            "a link to a folder is kept"
        );
        assert!(
            !facts.nodes.contains_key("usr/lib"),
            "a plain folder is not"
        );
    }

    #[test]
    fn an_image_without_flink_is_named_so() {
        let error = Tree::default().facts("opt/flink", None).unwrap_err();
        assert!(error.is(Reason::NotFlink));
    }
}
