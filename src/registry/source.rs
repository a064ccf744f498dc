//! Where the bytes of a blob come from when it is sent or written somewhere.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::body::{Pieces, Progress};
use super::registries::Registries;
use super::tee::Tee;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Descriptor, Digest, Layer, Origin, Reference};
use crate::store::Store;

/// Bytes that are read at once.
const PIECE: usize = 512 << 10;

/// Pieces that wait to be sent.
const WAITING: usize = 2;

/// The bytes of one blob; they can be read as often as is needed, and are
/// checked against the digest on the way.
#[derive(Clone)]
pub struct Source {
    /// Digest of the bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
    place: Place,
    /// Whether the bytes were hashed when they were written a moment ago.
    is_known: bool,
    /// Keeps them when they come from a registry.
    tee: Option<Arc<Tee>>,
}

#[derive(Clone)]
enum Place {
    Memory(Bytes),
    Store(Store),
    File { path: PathBuf, offset: u64 },
    Registry(Registries, Reference),
}

impl Source {
    /// Bytes in memory.
    pub fn of_bytes(bytes: impl Into<Bytes>) -> Source {
        let bytes = bytes.into();
        Source {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            place: Place::Memory(bytes),
            is_known: false,
            tee: None,
        }
    }

    /// A blob of the store.
    pub fn of_store(store: &Store, digest: Digest, size: u64) -> Source {
        Source {
            digest,
            size,
            place: Place::Store(store.clone()),
            is_known: false,
            tee: None,
        }
    }

    /// A blob of a registry.
    pub fn of_registry(
        registries: &Registries,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Source {
        Source {
            digest: descriptor.digest,
            size: descriptor.size,
            place: Place::Registry(registries.clone(), reference.clone()),
            is_known: false,
            tee: None,
        }
    }

    /// A layer's bytes, from its origin, or from the store where that has them.
    pub fn of_layer(layer: &Layer, store: &Store, registries: &Registries) -> Result<Source> {
        let descriptor = descriptor(layer)?;
        let (digest, size) = (descriptor.digest, descriptor.size);
        let place = match &layer.origin {
            Origin::Store => Place::Store(store.clone()),
            Origin::File { path, offset } => Place::File {
                path: path.clone(),
                offset: *offset,
            },
            _ if store.blob_size(&digest) == Some(size) => Place::Store(store.clone()),
            Origin::Registry(reference) => Place::Registry(registries.clone(), reference.clone()),
            Origin::Daemon { image } => {
                return Err(Error::new(format!(
                    "internal error: the layer {} is in the daemon alone (image {image}), and was not exported",
                    layer.name
                )));
            }
        };
        Ok(Source {
            digest,
            size,
            place,
            is_known: layer.built && matches!(layer.origin, Origin::Store),
            tee: None,
        })
    }

    /// The same; bytes that come from a registry are kept in `store`.
    pub(super) fn keeping(self, store: &Store) -> Source {
        let tee = self
            .is_remote()
            .then(|| Arc::new(Tee::new(store, self.digest, self.size)));
        Source { tee, ..self }
    }

    /// Whether the bytes have to come over the network.
    pub fn is_remote(&self) -> bool {
        matches!(self.place, Place::Registry(..))
    }

    /// All bytes, in pieces. The last piece comes only if all are right.
    pub fn open(&self) -> Pieces {
        self.range(0, self.size, None)
    }

    /// The bytes from `from` to `to`, telling `progress` of each piece taken.
    /// They are checked where they are all the bytes.
    pub(super) fn range(&self, from: u64, to: u64, progress: Option<Arc<Progress>>) -> Pieces {
        let pieces = match &self.place {
            Place::Memory(bytes) => {
                let part = bytes.slice(from as usize..to as usize);
                stream::iter(Some(Ok(part))).boxed()
            }
            Place::Store(_) | Place::File { .. } => self.read(from, to),
            Place::Registry(registries, reference) => self.fetch(registries, reference, from, to),
        };
        let Some(progress) = progress else {
            return pieces;
        };
        let mut at = from;
        pieces
            .inspect(move |piece| {
                if let Ok(piece) = piece {
                    at += piece.len() as u64;
                    progress.reach(at);
                }
            })
            .boxed()
    }

    fn fetch(&self, registries: &Registries, reference: &Reference, from: u64, to: u64) -> Pieces {
        let descriptor = Descriptor::new("", self.digest, self.size);
        let reader = match registries.blob(reference, &descriptor) {
            Ok(reader) => reader.part(from, to),
            Err(error) => return stream::iter(Some(Err(error))).boxed(),
        };
        let mut passage = self.tee.as_ref().map(|tee| tee.passage(from, to));
        reader
            .into_stream()
            .inspect_ok(move |piece| {
                if let Some(passage) = &mut passage {
                    passage.take(piece);
                }
            })
            .boxed()
    }

    fn read(&self, from: u64, to: u64) -> Pieces {
        let (sender, receiver) = mpsc::channel(WAITING);
        let source = self.clone();
        tokio::task::spawn_blocking(move || {
            let sent = source.each_piece(from, to, |piece| sender.blocking_send(Ok(piece)).is_ok());
            if let Err(error) = sent {
                let _ = sender.blocking_send(Err(error));
            }
        });
        ReceiverStream::new(receiver).boxed()
    }

    /// Reads local bytes and gives them to `take`, which says whether it
    /// wants more.
    pub(crate) fn each_piece(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(Bytes) -> bool,
    ) -> Result<()> {
        if let Place::Memory(bytes) = &self.place {
            take(bytes.slice(from as usize..to as usize));
            return Ok(());
        }
        let mut file = self.open_file(from)?;
        let mut hasher = (!self.is_known && from == 0 && to == self.size).then(Sha256::new);
        let mut left = to - from;
        while left > 0 {
            let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
            file.read_exact(&mut piece)
                .map_err(|error| self.corrupt(error.to_string()))?;
            left -= piece.len() as u64;
            if let Some(hasher) = &mut hasher {
                hasher.update(&piece);
            }
            if left == 0
                && let Some(hasher) = hasher.take()
            {
                let found = Digest::finish(hasher);
                if found != self.digest {
                    return Err(self.corrupt(format!("its content has the digest {found}")));
                }
            }
            if !take(piece.into()) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Checks local bytes, where nothing did so while they were sent.
    pub(super) async fn verify(&self) -> Result<()> {
        if !matches!(self.place, Place::Store(_) | Place::File { .. }) {
            return Ok(());
        }
        let source = self.clone();
        tokio::task::spawn_blocking(move || source.each_piece(0, source.size, |_| true)).await?
    }

    fn open_file(&self, from: u64) -> Result<File> {
        let (mut file, offset, named) = match &self.place {
            Place::Store(store) => (store.open_blob(&self.digest)?, 0, None),
            Place::File { path, offset } => {
                let file = File::open(path).doing(|| format!("opening {}", path.display()))?;
                (file, *offset, Some(path))
            }
            _ => return Err(Error::new("internal error: the blob is in no file")),
        };
        // The store's files hold one blob each, so their length tells.
        if named.is_none() && file.metadata()?.len() != self.size {
            return Err(self.corrupt("it has another length".to_string()));
        }
        file.seek(SeekFrom::Start(offset + from))
            .doing(|| format!("reading the blob {}", self.digest))?;
        Ok(file)
    }

    /// The bytes are not what they should be. A blob of the store is
    /// forgotten, and the caller may make it again.
    fn corrupt(&self, why: String) -> Error {
        match &self.place {
            Place::Store(store) => {
                store.forget_blob(&self.digest);
                Error::new(format!(
                    "the blob {} in the cache is damaged: {why}",
                    self.digest
                ))
                .hint("it was taken out of the cache: run the command again")
                .because(Reason::CorruptBlob)
            }
            Place::File { path, .. } => Error::new(format!(
                "the blob {} in {} is damaged: {why}",
                self.digest,
                path.display()
            )),
            _ => Error::new(why),
        }
    }
}

/// What a registry knows the layer by.
pub(crate) fn descriptor(layer: &Layer) -> Result<&Descriptor> {
    layer.descriptor.as_ref().ok_or_else(|| {
        Error::new(format!(
            "internal error: the layer {} has no descriptor: it was not exported from the daemon",
            layer.name
        ))
    })
}
