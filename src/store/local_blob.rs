//! The bytes of a blob on this machine: the one place that opens them and checks
//! them against their digest.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::Store;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{Descriptor, Digest, Layer, Origin, Reference};

/// Where the bytes of a layer are.
pub enum LayerBytes<'a> {
    /// On this machine.
    Local(LocalBlob),
    /// In a registry alone.
    Registry(&'a Reference),
    /// In the daemon alone, in this image.
    Daemon(&'a str),
}

/// A blob in the store, or in a stretch of a file.
#[derive(Clone)]
pub struct LocalBlob {
    digest: Digest,
    size: u64,
    file: BlobFile,
    /// Whether the bytes were hashed when they were written a moment ago.
    is_known: bool,
}

#[derive(Clone)]
enum BlobFile {
    Store(Store),
    File { path: PathBuf, offset: u64 },
}

impl<'a> LayerBytes<'a> {
    /// Of a layer with this descriptor: at its origin, or in the store where that
    /// has a copy.
    pub fn of(layer: &'a Layer, descriptor: &Descriptor, store: &Store) -> LayerBytes<'a> {
        let local = |file, is_known| {
            LayerBytes::Local(LocalBlob {
                digest: descriptor.digest,
                size: descriptor.size,
                file,
                is_known,
            })
        };
        let is_stored = || store.blob_size(&descriptor.digest) == Some(descriptor.size);
        match &layer.origin {
            Origin::Store => local(BlobFile::Store(store.clone()), layer.built),
            Origin::File { path, offset } => {
                let (path, offset) = (path.clone(), *offset);
                local(BlobFile::File { path, offset }, false)
            }
            _ if is_stored() => local(BlobFile::Store(store.clone()), false),
            Origin::Registry(reference) => LayerBytes::Registry(reference),
            Origin::Daemon { image } => LayerBytes::Daemon(image),
        }
    }
}

impl LocalBlob {
    /// A blob of the store.
    pub fn of_store(store: &Store, digest: Digest, size: u64) -> LocalBlob {
        LocalBlob {
            digest,
            size,
            file: BlobFile::Store(store.clone()),
            is_known: false,
        }
    }

    /// All bytes; see [`LocalBlob::range`].
    pub fn open(&self) -> Result<CheckedReader> {
        self.range(0, self.size)
    }

    /// The bytes from `from` to `to`. Where they are all the bytes, the last ones
    /// come only if all are right; else comes an error ([`Reason::CorruptBlob`] for
    /// a blob of the store, which is taken out of it).
    pub fn range(&self, from: u64, to: u64) -> Result<CheckedReader> {
        let (mut file, offset) = match &self.file {
            BlobFile::Store(store) => (store.open_blob(&self.digest)?, 0),
            BlobFile::File { path, offset } => {
                let file = File::open(path).doing(|| format!("opening {}", path.display()))?;
                (file, *offset)
            }
        };
        // The store's files hold one blob each, so their length tells.
        if matches!(self.file, BlobFile::Store(_)) && file.metadata()?.len() != self.size {
            return Err(self.corrupt("it has another length"));
        }
        file.seek(SeekFrom::Start(offset + from))
            .doing(|| format!("reading the blob {}", self.digest))?;
        let is_whole = from == 0 && to == self.size;
        Ok(CheckedReader {
            file,
            left: to - from,
            hasher: (is_whole && !self.is_known).then(Sha256::new),
            blob: self.clone(),
        })
    }

    /// The bytes are not what they should be. A blob of the store is forgotten, and
    /// the caller may make it again.
    fn corrupt(&self, why: &str) -> Error {
        match &self.file {
            BlobFile::Store(store) => {
                store.forget_blob(&self.digest);
                Error::new(format!(
                    "the blob {} in the cache is damaged: {why}",
                    self.digest
                ))
                .hint("it was taken out of the cache: run the command again")
                .because(Reason::CorruptBlob)
            }
            BlobFile::File { path, .. } => Error::new(format!(
                "the blob {} in {} is damaged: {why}",
                self.digest,
                path.display()
            )),
        }
    }
}

/// Reads a [`LocalBlob`].
pub struct CheckedReader {
    file: File,
    left: u64,
    /// `None` where nothing has to be checked, or was checked already.
    hasher: Option<Sha256>,
    blob: LocalBlob,
}

impl CheckedReader {
    /// Bytes that were not read yet.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Fills the buffer, which must not be longer than what is left.
    pub fn fill(&mut self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            let read = self.some(buffer)?;
            if read == 0 {
                return Err(self.blob.corrupt("failed to fill whole buffer"));
            }
            buffer = &mut buffer[read..];
        }
        Ok(())
    }

    fn some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        let read = loop {
            match self.file.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.blob.corrupt(&error.to_string())),
                Ok(0) => return Err(self.blob.corrupt("failed to fill whole buffer")),
                Ok(read) => break read,
            }
        };
        self.left -= read as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        if self.left == 0
            && let Some(hasher) = self.hasher.take()
        {
            let found = Digest::finish(hasher);
            if found != self.blob.digest {
                let why = format!("its content has the digest {found}");
                return Err(self.blob.corrupt(&why));
            }
        }
        Ok(read)
    }
}

impl Read for CheckedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.some(buffer).map_err(Error::into_io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_blob_is_an_error_before_its_end_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let digest = store.write_blob(b"right").unwrap();
        let blob = LocalBlob::of_store(&store, digest, 5);
        let mut bytes = Vec::new();
        blob.open().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"right");
        std::fs::write(folder.path().join(digest.blob_path()), "wrong").unwrap();
        let error = blob.open().unwrap().read_to_end(&mut bytes).unwrap_err();
        assert!(Error::from(error).is(Reason::CorruptBlob));
        assert_eq!(store.blob_size(&digest), None);
    }
}
