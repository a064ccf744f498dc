//! What one reading of a base taught: its Flink, and every path that matters
//! for placing files on top of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::version::FlinkVersion;
use crate::image::Digest;
use crate::maven::is_jar_of;

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeKind {
    /// A regular file; a hard link counts as one.
    #[serde(rename = "f")]
    File,
    /// A folder.
    #[serde(rename = "d")]
    Folder,
    /// A symbolic link.
    #[serde(rename = "l")]
    Link,
    /// A device, a pipe or a socket.
    #[serde(rename = "o")]
    Other,
}

/// One path of a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    #[serde(rename = "k")]
    pub kind: NodeKind,
    /// Permission bits.
    #[serde(rename = "m")]
    pub mode: u32,
    /// Owner.
    #[serde(rename = "u", default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// Group.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub gid: u64,
    /// Seconds since 1970.
    #[serde(rename = "t", default, skip_serializing_if = "is_zero")]
    pub mtime: u64,
    /// Bytes, for a file.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub size: u64,
    /// Where a link points.
    #[serde(rename = "to", default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Content of a JAR under FLINK_HOME.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The layer that holds it, counted from 0.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero_index")]
    pub layer: usize,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_zero_index(number: &usize) -> bool {
    *number == 0
}

/// The facts of one base.
///
/// Paths have no leading slash: `opt/flink/lib`. Kept are everything under
/// FLINK_HOME, and elsewhere the folders that are not plain (mode 0755, root's)
/// and the links that lead to a folder: what a layer on top must not break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseFacts {
    /// FLINK_HOME, without leading slash and links resolved.
    pub home: String,
    /// Flink's version, as the name of flink-dist says.
    pub flink: FlinkVersion,
    /// Scala's binary version, such as `2.12`.
    pub scala: String,
    /// Java's feature version, such as 17; `None` where no JRE was found.
    pub java: Option<u32>,
    /// The paths.
    pub nodes: BTreeMap<String, Node>,
    /// Small text files: the configuration files under conf/.
    pub texts: BTreeMap<String, String>,
}

impl BaseFacts {
    /// The path of `name` under FLINK_HOME.
    pub fn under_home(&self, name: &str) -> String {
        if self.home.is_empty() {
            name.to_string()
        } else {
            format!("{}/{name}", self.home)
        }
    }

    /// The node at a path under FLINK_HOME.
    pub fn home_node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(&self.under_home(name))
    }

    /// The names right under a folder of FLINK_HOME, with their nodes.
    pub fn children<'a>(
        &'a self,
        folder: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let prefix = format!("{}/", self.under_home(folder));
        self.nodes
            .range(prefix.clone()..)
            .take_while({
                let prefix = prefix.clone();
                move |(path, _)| path.starts_with(&prefix)
            })
            .filter_map(move |(path, node)| {
                let name = &path[prefix.len()..];
                (!name.contains('/')).then_some((name, node))
            })
    }

    /// The JAR of an artifact in a folder of FLINK_HOME: `artifact-VERSION.jar`,
    /// with or without a Scala suffix. Answers its name and node.
    pub fn jar_of<'a>(&'a self, folder: &str, artifact: &str) -> Option<(&'a str, &'a Node)> {
        self.children(folder)
            .find(|(name, node)| node.kind != NodeKind::Folder && is_jar_of(name, artifact))
    }

    /// Owner and group of FLINK_HOME: who should own what is added there.
    pub fn owner(&self) -> (u64, u64) {
        self.nodes
            .get(&self.home)
            .map_or((0, 0), |node| (node.uid, node.gid))
    }

    /// Follows links in the folders of `path`, so that an entry lands where the
    /// path leads in the running container. The last name is not followed.
    pub fn resolve(&self, path: &str) -> String {
        let mut done = String::new();
        let mut todo: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .rev()
            .map(str::to_string)
            .collect();
        // Forty links is what Linux follows before it gives up (path_resolution(7)).
        let mut links = 0;
        while let Some(part) = todo.pop() {
            let here = join(&done, &part);
            let link = self
                .nodes
                .get(&here)
                .filter(|node| node.kind == NodeKind::Link && !todo.is_empty() && links < 40)
                .and_then(|node| node.target.clone());
            match link {
                Some(target) => {
                    links += 1;
                    if target.starts_with('/') {
                        done.clear();
                    }
                    for part in target.split('/').rev() {
                        match part {
                            "" | "." => {}
                            part => todo.push(part.to_string()),
                        }
                    }
                }
                None if part == ".." => {
                    let parent = done.rfind('/').unwrap_or(0);
                    done.truncate(parent);
                }
                None => done = here,
            }
        }
        done
    }
}

/// `a/b` of `a` and `b`, either of which may be empty.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_string()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(target: &str) -> Node {
        Node {
            kind: NodeKind::Link,
            mode: 0o777,
            uid: 0,
            gid: 0,
            mtime: 0,
            size: 0,
            target: Some(target.into()),
            sha256: None,
            layer: 0,
        }
    }

    #[test]
    fn folders_that_are_links_are_followed() {
        let facts = BaseFacts {
            home: "opt/flink".into(),
            flink: "1.20.5".parse().unwrap(),
            scala: "2.12".into(),
            java: None,
            nodes: BTreeMap::from([
                ("lib".to_string(), link("usr/lib")),
                ("var/run".to_string(), link("/run")),
                ("loop".to_string(), link("loop")),
                ("a/up".to_string(), link("../b")),
            ]),
            texts: BTreeMap::new(),
        };
        assert_eq!(facts.resolve("/lib/x"), "usr/lib/x");
        assert_eq!(facts.resolve("/lib"), "lib");
        assert_eq!(facts.resolve("/var/run/x"), "run/x");
        assert_eq!(facts.resolve("/a/up/c"), "b/c");
        assert_eq!(facts.resolve("/opt/hadoop/conf"), "opt/hadoop/conf");
        facts.resolve("/loop/x");
    }
}
