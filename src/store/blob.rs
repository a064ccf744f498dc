//! Writing one blob.

use std::fs;
use std::io::{self, BufWriter, Read, Write};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::Store;
use super::growing::{Grower, Growing};
use crate::error::{Context, Error, Reason, Result};
use crate::image::Digest;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 128 << 10;

/// A blob being written: in its place only when committed.
/// Dropped uncommitted, it leaves nothing.
pub struct BlobWriter {
    store: Store,
    file: BufWriter<NamedTempFile>,
    /// `None` where whoever writes checks what it writes.
    hasher: Option<Sha256>,
    size: u64,
    grower: Option<Grower>,
}

impl BlobWriter {
    pub(super) fn begin(store: Store, is_hashed: bool) -> Result<BlobWriter> {
        let folder = store.temporary()?;
        let file = super::temporary::create(&folder, "blob-")?;
        Ok(BlobWriter {
            store,
            file: BufWriter::with_capacity(BUFFER, file),
            hasher: is_hashed.then(Sha256::new),
            size: 0,
            grower: None,
        })
    }

    /// Its bytes, for a reader beside the writer: asked for once, before anything is
    /// written.
    pub fn growing(&mut self) -> Result<Growing> {
        let file = fs::File::open(self.file.get_ref()).doing(|| "reading the cache")?;
        let (grower, growing) = Grower::of(file);
        self.grower = Some(grower);
        Ok(growing)
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the blob its place, and says its digest and size. The disk is not
    /// waited for: whoever reads a blob checks it, so that one which a power
    /// failure spoilt is made or fetched anew.
    pub fn commit(mut self) -> Result<(Digest, u64)> {
        let digest = self.digest()?;
        let size = self.place(&digest)?;
        Ok((digest, size))
    }

    /// Commits, if the content is what `wanted` says; else it is an error and
    /// nothing is kept.
    pub fn commit_as(mut self, wanted: &Digest) -> Result<u64> {
        let found = self.digest()?;
        if found != *wanted {
            return Err(Error::new(format!(
                "the content has the digest {found}, but {wanted} was wanted"
            ))
            .because(Reason::DigestMismatch));
        }
        self.place(wanted)
    }

    /// Commits what whoever wrote it found to be `digest`.
    pub fn commit_checked(self, digest: &Digest) -> Result<u64> {
        self.place(digest)
    }

    /// Of what was written; read again where it was not hashed.
    fn digest(&mut self) -> Result<Digest> {
        if let Some(hasher) = self.hasher.take() {
            return Ok(Digest::finish(hasher));
        }
        let mut read = || -> io::Result<Digest> {
            self.file.flush()?;
            let mut file = fs::File::open(self.file.get_ref())?;
            let (mut hasher, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(Digest::finish(hasher)),
                    read => hasher.update(&buffer[..read]),
                }
            }
        };
        read().doing(|| "reading the cache")
    }

    fn place(self, digest: &Digest) -> Result<u64> {
        let path = self.store.blob_path(digest);
        let finish = || -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let file = self
                .file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            if let Some(grower) = self.grower {
                grower.end(self.size);
            }
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        finish().doing(|| format!("writing {}", path.display()))?;
        Ok(self.size)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.size += bytes.len() as u64;
        if let Some(grower) = &self.grower {
            grower.grown(self.size - self.file.buffer().len() as u64);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
