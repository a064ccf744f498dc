//! A layer of one local file, written again when the file changed.
//!
//! Where a layer can be found is known by the digests of its files, so that a JAR that
//! changed would be read twice: for its digest, then for its layer. But what the layer
//! was made of last time tells what it will be made of now, all but the content; so one
//! pass gives both. If more than that file changed, the layer may be none that is asked
//! for. Then it lies in the store, as one of an older build does.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Follow, Known, Plan, blob, key, known_in, size};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::report::{Phase, Report};
use crate::stage::{Content, Entry, EntryKind};
use crate::store::{Bucket, Store};

/// What a layer of one local file was made of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Again {
    name: String,
    entries: Vec<Entry>,
    /// Which entry is the file.
    file: usize,
}

/// What one pass gave.
#[derive(Debug)]
pub struct Rewritten {
    /// The digest of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The layer.
    pub layer: Known,
    /// Whether the store had no such layer.
    pub is_new: bool,
}

impl Plan<'_> {
    /// What is needed to write the layer again when its file changed; `None` where it
    /// is not one local file.
    pub fn again(&self) -> Option<Again> {
        let is_file = |entry: &Entry| matches!(entry.kind, EntryKind::File { .. });
        let file = self.entries.iter().position(is_file)?;
        let is_one = self.entries.iter().filter(|entry| is_file(entry)).count() == 1;
        let again = Again {
            name: self.group.name.clone(),
            entries: self.entries.clone(),
            file,
        };
        (is_one && again.path().is_some()).then_some(again)
    }
}

impl Again {
    /// The file.
    pub fn path(&self) -> Option<&Path> {
        match &self.entries.get(self.file)?.kind {
            EntryKind::File {
                content: Content::Local(path),
                ..
            } => Some(path),
            _ => None,
        }
    }

    /// The layer of the file at `path`, of `size` bytes.
    pub fn of(mut self, path: &Path, size: u64) -> Option<Again> {
        match &mut self.entries.get_mut(self.file)?.kind {
            EntryKind::File {
                size: known,
                content,
                ..
            } => {
                *known = size;
                *content = Content::Local(path.to_path_buf());
                Some(self)
            }
            _ => None,
        }
    }

    /// The size that the layer's compressed bytes will have, where that is known.
    pub fn packed_size(&self, store: &Store) -> Result<Option<u64>> {
        size::packed(&self.entries, store)
    }

    /// Writes the layer into the store, and to `follow`. Blocks.
    pub fn write(
        mut self,
        store: &Store,
        follow: Option<&Follow<'_>>,
        report: &Report,
    ) -> Result<Rewritten> {
        let size = self.entries.iter().map(Entry::size).sum();
        let task = report.start(Phase::Layer, &self.name, Some(size));
        let doing = || format!("writing the layer `{}`", self.name);
        let written = blob::pass(&self.entries, store, follow, &task).doing(doing)?;
        let [(at, found)] = written.contents[..] else {
            return Err(Error::new("the file is not one that changed")).doing(doing);
        };
        if let EntryKind::File { sha256, .. } = &mut self.entries[at].kind {
            *sha256 = found;
        }
        let key = key(&self.entries);
        let known = known_in(store, &key);
        let is_new = known.is_none();
        let layer = match known {
            Some(known) => known,
            None => {
                let layer = written.commit()?;
                store.put(Bucket::Layers, &key, &layer)?;
                layer
            }
        };
        task.finish(if is_new { "built" } else { "cached" });
        Ok(Rewritten {
            sha256: found,
            size,
            layer,
            is_new,
        })
    }
}
