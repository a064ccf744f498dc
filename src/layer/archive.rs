//! Deterministic tar headers.
//!
//! GNU format: names over 100 bytes get a `././@LongLink` entry, sizes over
//! 8 GiB base-256 numbers; both are read by every container engine. No names
//! of users and groups, no access or change times.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use crate::stage::{Entry, EntryKind};

/// Writes the header of an entry, and its long name where it has one. The
/// caller writes the content of a file and pads it to a multiple of 512 bytes.
pub fn append_header<W: Write>(tar: &mut Builder<W>, entry: &Entry) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.uid);
    header.set_gid(entry.gid);
    header.set_mtime(entry.mtime);
    header.set_size(0);
    match &entry.kind {
        EntryKind::Folder => {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, format!("{}/", entry.path), io::empty())
        }
        EntryKind::File { size, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            tar.append_data(&mut header, &entry.path, io::empty())
        }
        EntryKind::Link { target } => {
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, &entry.path, target)
        }
        EntryKind::Whiteout => {
            header.set_entry_type(EntryType::Regular);
            let (parent, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            let path = crate::base::facts::join(parent, &format!(".wh.{name}"));
            tar.append_data(&mut header, path, io::empty())
        }
    }
}
