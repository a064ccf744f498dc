//! One path of the image that is built.

use serde::{Deserialize, Serialize};

use crate::image::{Digest, LayerKind};
use crate::resolve::Content;

/// Seconds since 1970 that every new path carries: one second after, since some
/// tools take 0 for "unknown". Times of inputs would make digests differ.
pub const MTIME: u64 = 1;

/// What a path is, with its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Its content's digest.
        sha256: Digest,
        /// Its size in bytes.
        size: u64,
        /// Where the content is.
        content: Content,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: String,
    },
    /// The path is hidden from the layers below.
    Whiteout,
}

/// One path, why it is there and with which others it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The path, without leading slash.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since 1970.
    pub mtime: u64,
    /// What put it there, for errors and for `inspect`.
    pub reason: String,
    /// The kind of its layer.
    pub layer: LayerKind,
    /// The artifact it belongs to.
    pub artifact: String,
}

impl Entry {
    /// Bytes of content.
    pub fn size(&self) -> u64 {
        match &self.kind {
            EntryKind::File { size, .. } => *size,
            _ => 0,
        }
    }
}
