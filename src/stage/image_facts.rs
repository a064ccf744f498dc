//! What a base holds once a stage lies on top of it.

use super::{Content, EntryKind, Stage};
use crate::base::scan::Scan;
use crate::base::tree::Tree;
use crate::base::{BaseFacts, Node, NodeKind};
use crate::error::Result;

/// The facts of a base with a stage on top, in the layer counted `layer`.
pub fn facts_of_image(facts: &BaseFacts, stage: &Stage, layer: usize) -> Result<BaseFacts> {
    let mut scan = Scan::default();
    for entry in stage.entries() {
        let (kind, size, target, sha256) = match &entry.kind {
            EntryKind::Folder => (NodeKind::Folder, 0, None, None),
            EntryKind::File {
                size,
                sha256,
                content,
            } => {
                if let (Content::Bytes(bytes), true) = (content, entry.path.contains("/conf/")) {
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    scan.texts.insert(entry.path.clone(), text);
                }
                (NodeKind::File, *size, None, Some(*sha256))
            }
            EntryKind::Link { target } => (NodeKind::Link, 0, Some(target.clone()), None),
            EntryKind::Whiteout => {
                scan.whiteouts.push(entry.path.clone());
                continue;
            }
        };
        let node = Node {
            kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            size,
            target,
            sha256,
            layer,
        };
        scan.nodes.insert(entry.path.clone(), node);
    }
    let mut tree = Tree::of(facts);
    tree.apply(scan);
    tree.facts(&facts.home, None)
}
