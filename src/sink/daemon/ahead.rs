//! Loading before the image is known.
//!
//! Much of what a load takes is the daemon getting ready to unpack, and taking
//! the bytes in. Neither needs the image's configuration: so the request is
//! opened as soon as something changed, and a layer that the daemon cannot have
//! goes into it while it is written into the store. The archive's lists come
//! last, and name what came.

use std::io::{self, Write};

use super::archive::{blob_name, header};
use crate::daemon::{self, Daemon, Loading};
use crate::error::Result;
use crate::image::{Digest, Image, Layer};

/// A load that has begun. Dropped, it is broken off, and the daemon keeps
/// nothing of it.
pub struct Ahead {
    loading: Loading,
    layer: Option<Digest>,
}

/// Takes one layer's compressed bytes.
pub struct LayerSink {
    archive: daemon::Archive,
    left: u64,
}

impl Ahead {
    /// Opens the request, and has the daemon begin to unpack.
    pub fn begin(daemon: &Daemon) -> Result<Ahead> {
        let loading = daemon.load();
        let mut folder = header(0);
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_mode(0o755);
        folder.set_path("blobs/")?;
        folder.set_cksum();
        loading.begin(folder.as_bytes());
        Ok(Ahead {
            loading,
            layer: None,
        })
    }

    /// Where a layer of this many compressed bytes is written to, from a thread
    /// that may block. Its path in the archive is that of a blob whose digest
    /// is not known yet: both image stores look for content, or for the path
    /// that the lists name.
    pub fn layer(&self, size: u64) -> Result<LayerSink> {
        let mut archive = self.loading.archive()?;
        let mut header = header(size);
        header.set_path(LAYER)?;
        header.set_cksum();
        archive.write_all(header.as_bytes())?;
        Ok(LayerSink {
            archive,
            left: size,
        })
    }

    /// The layer was written: this is its digest.
    pub fn took(&mut self, digest: Digest) {
        self.layer = Some(digest);
    }

    /// Whether a layer is on its way.
    pub fn has_layer(&self) -> bool {
        self.layer.is_some()
    }

    /// Which of the image's layers is on its way, from 0.
    pub(super) fn at_in(&self, image: &Image) -> Option<usize> {
        let is_it = |layer: &Layer| match (&layer.descriptor, self.layer) {
            (Some(descriptor), Some(digest)) => descriptor.digest == digest,
            _ => false,
        };
        image.layers.iter().position(is_it)
    }

    /// The open request, and which layer is in it.
    pub(super) fn into_parts(self) -> (Loading, Option<Digest>) {
        (self.loading, self.layer)
    }
}

/// The path of the layer that came before its digest was known.
const LAYER: &str = "blobs/first";

/// The path in the archive of the blob with this digest.
pub(super) fn path_of(digest: &Digest, ahead: Option<&Digest>) -> String {
    match ahead {
        Some(ahead) if ahead == digest => LAYER.to_string(),
        _ => blob_name(digest),
    }
}

impl LayerSink {
    /// Whether all that was announced came.
    pub fn finish(mut self) -> bool {
        // The next entry begins at a whole block.
        let taken = self.archive.written();
        let padding = (512 - taken % 512) % 512;
        self.left == 0
            && self
                .archive
                .write_all(&[0; 512][..padding as usize])
                .and_then(|()| self.archive.flush())
                .is_ok()
    }
}

impl Write for LayerSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other("more bytes than announced"));
        }
        let written = self.archive.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.archive.flush()
    }
}
