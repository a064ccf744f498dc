//! Loading before the image is known.
//!
//! Much of what a load takes is the daemon getting ready to unpack, and taking
//! the bytes in. Neither needs the image's configuration: so the request is
//! opened as soon as something changed, and a layer that the daemon cannot have
//! goes into it while it is written into the store. The archive's lists come
//! last, and name what came.

use std::io::{self, BufReader, Read, Write};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::archive::header;
use crate::daemon::{Daemon, Loading};
use crate::error::Result;
use crate::image::{Digest, Image, Layer};

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// A load that has begun. Dropped, it is broken off, and the daemon keeps
/// nothing of it.
pub struct Ahead {
    loading: Loading,
    runtime: Handle,
    /// The layer's bytes on their way, and whether all came.
    sending: Option<JoinHandle<bool>>,
    layer: Option<Digest>,
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
            runtime: Handle::current(),
            sending: None,
            layer: None,
        })
    }

    /// Sends a layer of this many compressed bytes, beside whoever writes it: the
    /// daemon takes a while to get ready. Its path in the archive is that of a blob
    /// whose digest is not known yet: both image stores look for content, or for the
    /// path that the lists name.
    pub fn send(&mut self, size: u64, layer: impl Read + Send + 'static) -> Result<()> {
        let mut archive = self.loading.archive()?;
        let mut header = header(size);
        header.set_path(LAYER)?;
        header.set_cksum();
        let send = move || -> io::Result<bool> {
            archive.write_all(header.as_bytes())?;
            let mut layer = BufReader::with_capacity(CHUNK, layer.take(size + 1));
            let sent = io::copy(&mut layer, &mut archive)?;
            // The next entry begins at a whole block.
            let padding = size.next_multiple_of(512) - size;
            archive.write_all(&[0; 512][..padding as usize])?;
            archive.flush()?;
            Ok(sent == size)
        };
        let sending = self.runtime.spawn_blocking(|| send().unwrap_or(false));
        self.sending = Some(sending);
        Ok(())
    }

    /// The layer was written, if it had to be: this is its digest.
    pub fn took(&mut self, digest: Digest) {
        self.layer = self.sending.as_ref().map(|_| digest);
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

    /// The open request, and which layer is in it; `None` where that layer did not
    /// arrive.
    pub(super) async fn into_parts(self) -> Option<(Loading, Option<Digest>)> {
        let arrived = match self.sending {
            Some(sending) => sending.await.unwrap_or(false),
            None => true,
        };
        arrived.then_some((self.loading, self.layer))
    }
}

/// The path of the layer that came before its digest was known.
const LAYER: &str = "blobs/first";

/// The path in the archive of the blob with this digest.
pub(super) fn path_of(digest: &Digest, ahead: Option<&Digest>) -> String {
    match ahead {
        Some(ahead) if ahead == digest => LAYER.to_string(),
        _ => digest.blob_path(),
    }
}
