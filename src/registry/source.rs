//! Where the bytes of a blob come from when it is sent or written somewhere.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::body::{Pieces, Progress};
use super::registries::Registries;
use super::tee::Tee;
use crate::error::{Error, Result};
use crate::image::{Descriptor, Digest, Layer, Reference};
use crate::store::{LayerBytes, LocalBlob, Store};

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
    place: BlobPlace,
    /// Keeps them when they come from a registry.
    tee: Option<Arc<Tee>>,
}

#[derive(Clone)]
enum BlobPlace {
    Memory(Bytes),
    Local(LocalBlob),
    Registry(Registries, Reference),
}

impl Source {
    /// Bytes in memory.
    pub fn of_bytes(bytes: impl Into<Bytes>) -> Source {
        let bytes = bytes.into();
        Source {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            place: BlobPlace::Memory(bytes),
            tee: None,
        }
    }

    /// A blob of the store.
    pub fn of_store(store: &Store, digest: Digest, size: u64) -> Source {
        Source {
            digest,
            size,
            place: BlobPlace::Local(LocalBlob::of_store(store, digest, size)),
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
            place: BlobPlace::Registry(registries.clone(), reference.clone()),
            tee: None,
        }
    }

    /// A layer's bytes, from its origin, or from the store where that has them.
    pub fn of_layer(layer: &Layer, store: &Store, registries: &Registries) -> Result<Source> {
        let descriptor = descriptor(layer)?;
        let (digest, size) = (descriptor.digest, descriptor.size);
        let place = match LayerBytes::of(layer, descriptor, store) {
            LayerBytes::Local(blob) => BlobPlace::Local(blob),
            LayerBytes::Registry(reference) => {
                BlobPlace::Registry(registries.clone(), reference.clone())
            }
            LayerBytes::Daemon(image) => {
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
            tee: None,
        })
    }

    /// This source, keeping bytes that come from a registry in `store`.
    pub(super) fn keeping(self, store: &Store) -> Source {
        let tee = self
            .is_remote()
            .then(|| Arc::new(Tee::new(store, self.digest, self.size)));
        Source { tee, ..self }
    }

    /// Whether the bytes have to come over the network.
    pub fn is_remote(&self) -> bool {
        matches!(self.place, BlobPlace::Registry(..))
    }

    /// All bytes, in pieces. The last piece comes only if all are right.
    pub fn open(&self) -> Pieces {
        self.range(0, self.size, None)
    }

    /// The bytes from `from` to `to`, telling `progress` of each piece taken.
    /// They are checked where they are all the bytes.
    pub(super) fn range(&self, from: u64, to: u64, progress: Option<Arc<Progress>>) -> Pieces {
        let pieces = match &self.place {
            BlobPlace::Memory(bytes) => {
                let part = bytes.slice(from as usize..to as usize);
                stream::iter(Some(Ok(part))).boxed()
            }
            BlobPlace::Local(blob) => read(blob.clone(), from, to),
            BlobPlace::Registry(registries, reference) => {
                self.fetch(registries, reference, from, to)
            }
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

    /// Reads local bytes and gives them to `take`, which says whether it
    /// wants more.
    pub(crate) fn each_piece(
        &self,
        from: u64,
        to: u64,
        take: impl FnMut(Bytes) -> bool,
    ) -> Result<()> {
        match &self.place {
            BlobPlace::Memory(bytes) => {
                let mut take = take;
                take(bytes.slice(from as usize..to as usize));
                Ok(())
            }
            BlobPlace::Local(blob) => each_piece(blob, from, to, take),
            BlobPlace::Registry(..) => Err(Error::new("internal error: the blob is in no file")),
        }
    }

    /// Checks local bytes, where nothing did so while they were sent.
    pub(super) async fn verify(&self) -> Result<()> {
        let BlobPlace::Local(blob) = &self.place else {
            return Ok(());
        };
        let (blob, size) = (blob.clone(), self.size);
        tokio::task::spawn_blocking(move || each_piece(&blob, 0, size, |_| true)).await?
    }
}

fn read(blob: LocalBlob, from: u64, to: u64) -> Pieces {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let sent = each_piece(&blob, from, to, |piece| {
            sender.blocking_send(Ok(piece)).is_ok()
        });
        if let Err(error) = sent {
            let _ = sender.blocking_send(Err(error));
        }
    });
    ReceiverStream::new(receiver).boxed()
}

fn each_piece(
    blob: &LocalBlob,
    from: u64,
    to: u64,
    mut take: impl FnMut(Bytes) -> bool,
) -> Result<()> {
    let mut reader = blob.range(from, to)?;
    while reader.left() > 0 {
        let mut piece = vec![0; PIECE.min(usize::try_from(reader.left()).unwrap_or(PIECE))];
        reader.fill(&mut piece)?;
        if !take(piece.into()) {
            break;
        }
    }
    Ok(())
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
