//! Entries become layers: deterministic tars, hashed and compressed in one
//! pass, and found again by what went in.

mod again;
pub mod archive;
mod blob;
pub mod group;
mod known;
mod size;

use sha2::{Digest as _, Sha256};

pub use again::Again;
pub use blob::Follow;
pub use group::{Group, MAX_LAYERS, group};
pub use known::Known;

use crate::base::BaseFacts;
use crate::error::{Context, Result};
use crate::image::{Descriptor, Digest, Layer, Origin, media};
use crate::lock::LAYER_FORMAT;
use crate::report::{Phase, Report};
use crate::stage::{Content, Entry, EntryKind, parents};
use crate::store::{Bucket, Store};

/// A group with its parent folders, ready to be written: the whole input of a
/// layer.
pub struct Plan<'a> {
    group: Group<'a>,
    entries: Vec<Entry>,
    key: String,
}

impl<'a> Plan<'a> {
    /// The layer of a group on this base.
    pub fn new(group: Group<'a>, facts: &BaseFacts) -> Plan<'a> {
        let mut entries = std::collections::BTreeMap::new();
        for entry in &group.entries {
            for parent in parents(facts, &entry.path) {
                entries.insert(parent.path.clone(), parent);
            }
        }
        for entry in &group.entries {
            entries.insert(entry.path.clone(), (*entry).clone());
        }
        let entries: Vec<Entry> = entries.into_values().collect();
        let key = key(&entries);
        Plan {
            group,
            entries,
            key,
        }
    }

    /// The group.
    pub fn group(&self) -> &Group<'a> {
        &self.group
    }

    /// Stands for everything that decides the layer's bytes.
    pub fn inputs(&self) -> &str {
        &self.key
    }

    /// Whether some of its content is not at hand.
    pub fn lacks_content(&self) -> bool {
        let absent = |entry: &Entry| match &entry.kind {
            EntryKind::File { content, .. } => matches!(content, Content::Absent),
            _ => false,
        };
        self.entries.iter().any(absent)
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(Entry::size).sum()
    }

    /// What the store knows of it, whether or not it still has the bytes.
    pub fn known(&self, store: &Store) -> Option<Known> {
        store.get(Bucket::Layers, &self.key)
    }

    /// Whether the layer must be written to have its digest and its bytes.
    pub fn is_cached(&self, store: &Store) -> bool {
        known_in(store, &self.key).is_some()
    }

    /// The size that the layer's compressed bytes will have, where that follows
    /// without compressing much.
    pub fn packed_size(&self, store: &Store) -> Result<Option<u64>> {
        size::packed(&self.entries, store)
    }

    /// The layer: from the store, or written now; what is written,
    /// `follow` gets too. Blocks.
    pub fn layer(
        &self,
        store: &Store,
        docker_types: bool,
        follow: Option<&Follow<'_>>,
        report: &Report,
    ) -> Result<Layer> {
        let (known, built) = match known_in(store, &self.key) {
            Some(known) => (known, false),
            None => {
                let task = report.start(Phase::Layer, &self.group.name, Some(self.size()));
                let known = blob::write(&self.entries, store, follow, &task)
                    .doing(|| format!("writing the layer `{}`", self.group.name))?;
                task.finish("built");
                (known, true)
            }
        };
        if built {
            store.put(Bucket::Layers, &self.key, &known)?;
        }
        Ok(self.described(&known, built, docker_types))
    }

    /// The layer that `known` tells of.
    pub fn described(&self, known: &Known, built: bool, docker_types: bool) -> Layer {
        let media_type = if docker_types {
            media::DOCKER_LAYER_GZIP
        } else {
            media::OCI_LAYER_GZIP
        };
        Layer {
            kind: self.group.kind,
            name: self.group.name.clone(),
            diff_id: known.diff_id,
            descriptor: Some(Descriptor::new(media_type, known.digest, known.size)),
            origin: Origin::Store,
            entries: self.group.entries.len(),
            built,
        }
    }
}

/// The layer whose inputs have this hash, where the store has its bytes.
fn known_in(store: &Store, key: &str) -> Option<Known> {
    store
        .get(Bucket::Layers, key)
        .filter(|known: &Known| store.blob_size(&known.digest) == Some(known.size))
}

/// The hash of everything that decides a layer's bytes.
fn key(entries: &[Entry]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("layer-format {LAYER_FORMAT}\n"));
    for entry in entries {
        let kind = match &entry.kind {
            EntryKind::Folder => "folder".to_string(),
            EntryKind::File { sha256, size, .. } => format!("file {sha256} {size}"),
            EntryKind::Link { target } => format!("link {target}"),
            EntryKind::Whiteout => "whiteout".to_string(),
        };
        hasher.update(format!(
            "{}\0{kind}\0{:o} {} {} {}\n",
            entry.path, entry.mode, entry.uid, entry.gid, entry.mtime
        ));
    }
    Digest::finish(hasher).to_string()
}
