//! Where each file goes: decided by the base's Flink version, before a byte of
//! a JAR is read.

pub mod config;
pub mod config_value;
pub mod config_yaml;
pub mod entry;
pub mod files;
pub mod flink_conf;
pub mod image_facts;
pub mod jars;
pub mod placement;

use std::collections::BTreeMap;

pub use entry::{Entry, EntryKind, MTIME};

use crate::base::{BaseFacts, NodeKind};
use crate::error::{Error, Result};
use crate::image::{Digest, LayerKind};
pub use crate::resolve::Content;

/// All paths to add, sorted.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    entries: BTreeMap<String, Entry>,
}

/// A file to put somewhere.
pub struct NewFile<'a> {
    /// The path in the image; links in its folders are followed.
    pub path: &'a str,
    /// Content's digest.
    pub sha256: Digest,
    /// Content's size in bytes.
    pub size: u64,
    /// Where the content is.
    pub content: Content,
    /// Permission bits.
    pub mode: u32,
    /// What puts it there.
    pub reason: String,
    /// The kind of its layer.
    pub layer: LayerKind,
    /// The artifact it belongs to.
    pub artifact: &'a str,
}

impl Stage {
    /// The entries, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The entries, to change their content's place.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.values_mut()
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Adds a file.
    pub fn file(&mut self, facts: &BaseFacts, file: NewFile<'_>) -> Result<()> {
        let path = facts.resolve(file.path);
        let (uid, gid) = owner_at(facts, &path);
        self.add(
            facts,
            Entry {
                path,
                kind: EntryKind::File {
                    sha256: file.sha256,
                    size: file.size,
                    content: file.content,
                },
                mode: file.mode,
                uid,
                gid,
                mtime: MTIME,
                reason: file.reason,
                layer: file.layer,
                artifact: file.artifact.to_string(),
            },
        )
    }

    /// Adds a symbolic link.
    pub fn link(
        &mut self,
        facts: &BaseFacts,
        path: &str,
        target: String,
        reason: String,
        layer: LayerKind,
        artifact: &str,
    ) -> Result<()> {
        let path = facts.resolve(path);
        let (uid, gid) = owner_at(facts, &path);
        self.add(
            facts,
            Entry {
                path,
                kind: EntryKind::Link { target },
                mode: 0o777,
                uid,
                gid,
                mtime: MTIME,
                reason,
                layer,
                artifact: artifact.to_string(),
            },
        )
    }

    /// Hides a path of the base.
    pub fn whiteout(
        &mut self,
        facts: &BaseFacts,
        path: &str,
        reason: String,
        layer: LayerKind,
        artifact: &str,
    ) -> Result<()> {
        let path = facts.resolve(path);
        self.add(
            facts,
            Entry {
                path,
                kind: EntryKind::Whiteout,
                mode: 0o644,
                uid: 0,
                gid: 0,
                mtime: MTIME,
                reason,
                layer,
                artifact: artifact.to_string(),
            },
        )
    }

    fn add(&mut self, facts: &BaseFacts, entry: Entry) -> Result<()> {
        if let Some(other) = self.entries.get(&entry.path) {
            return Err(Error::usage(format!(
                "two sources for /{}: {} and {}",
                entry.path, other.reason, entry.reason
            ))
            .hint("remove one of the two from the manifest"));
        }
        if facts
            .nodes
            .get(&entry.path)
            .is_some_and(|node| node.kind == NodeKind::Folder)
            && !matches!(entry.kind, EntryKind::Whiteout)
        {
            return Err(Error::usage(format!(
                "{} would replace the base's folder /{} by a file",
                entry.reason, entry.path
            )));
        }
        let is_under = |folder: &str, path: &str| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some(other) = self.entries.values().find(|other| {
            !matches!(other.kind, EntryKind::Folder)
                && (is_under(&other.path, &entry.path) || is_under(&entry.path, &other.path))
        }) {
            return Err(Error::usage(format!(
                "one of /{} ({}) and /{} ({}) lies inside the other, which is a file",
                other.path, other.reason, entry.path, entry.reason
            )));
        }
        self.entries.insert(entry.path.clone(), entry);
        Ok(())
    }
}

/// Owner and group of a new path: FLINK_HOME's below it, else root.
pub fn owner_at(facts: &BaseFacts, path: &str) -> (u64, u64) {
    let inside = path
        .strip_prefix(&facts.home)
        .is_some_and(|rest| rest.starts_with('/'));
    if inside { facts.owner() } else { (0, 0) }
}

/// The folders above `path`, outermost first, as the base has them or as they
/// are made new.
pub fn parents(facts: &BaseFacts, path: &str) -> Vec<Entry> {
    path.match_indices('/')
        .map(|(at, _)| &path[..at])
        .map(|folder| {
            let node = facts
                .nodes
                .get(folder)
                .filter(|node| node.kind == NodeKind::Folder);
            let (uid, gid) = owner_at(facts, folder);
            Entry {
                path: folder.to_string(),
                kind: EntryKind::Folder,
                mode: node.map_or(0o755, |node| node.mode),
                uid: node.map_or(uid, |node| node.uid),
                gid: node.map_or(gid, |node| node.gid),
                mtime: node.map_or(MTIME, |node| node.mtime),
                reason: "parent folder".to_string(),
                layer: LayerKind::Config,
                artifact: String::new(),
            }
        })
        .collect()
}
