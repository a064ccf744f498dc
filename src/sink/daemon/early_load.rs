//! Loading before the image is known.
//!
//! Much of what a load takes is the daemon getting ready to unpack, and taking
//! the bytes in. Neither needs the image's configuration: so the request is
//! opened as soon as something changed, and a layer that the daemon cannot have
//! goes into it while it is written into the store. The archive's lists come
//! last, and name what came.

use std::io::{self, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::members::{EARLY_LAYER, header};
use crate::daemon::{Daemon, Loading};
use crate::error::Result;
use crate::image::{Digest, Image, Layer};
use crate::store::Growing;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// The layer of a smaller JAR is sent in no time when all layers are written.
pub const WORTH_SENDING_EARLY: u64 = 1 << 20;

/// The load that may begin before the image is known. Clones are the same load.
#[derive(Clone, Default)]
pub struct EarlyLoad(Option<Arc<Shared>>);

struct Shared {
    daemon: Arc<Daemon>,
    state: Mutex<State>,
}

enum State {
    /// Nothing was asked of the daemon.
    NotBegun,
    /// The request is open.
    Begun(Begun),
    /// A layer is being written into it.
    Filling,
}

/// What gets the bytes of a layer while they are written.
pub type Follow<'a> = dyn Fn(Growing) -> Result<()> + 'a;

impl EarlyLoad {
    /// Where the image goes to no daemon: nothing ever begins.
    pub fn none() -> EarlyLoad {
        EarlyLoad(None)
    }

    /// Into this daemon.
    pub fn into(daemon: Arc<Daemon>) -> EarlyLoad {
        EarlyLoad(Some(Arc::new(Shared {
            daemon,
            state: Mutex::new(State::NotBegun),
        })))
    }

    /// Something is not as it was, so that there will be a load: the daemon gets ready
    /// for it. To be called inside a tokio runtime.
    pub fn begin(&self) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.state();
        if matches!(*state, State::NotBegun)
            && let Ok(begun) = Begun::open(&shared.daemon)
        {
            *state = State::Begun(begun);
        }
    }

    /// Has `write` write a layer of `size` compressed bytes, and sends it meanwhile where
    /// no other was sent. `write` says which layer it wrote; `None` where what it wrote
    /// is none that is new, so that nothing can be done with the load any more.
    pub fn fill<T>(
        &self,
        size: u64,
        write: impl FnOnce(Option<&Follow<'_>>) -> Result<(T, Option<Digest>)>,
    ) -> Result<T> {
        let Some((shared, begun)) = self.0.as_ref().and_then(|shared| shared.lend()) else {
            return write(None).map(|(written, _)| written);
        };
        let sending = Mutex::new(begun);
        let follow = |growing: Growing| {
            let mut begun = sending.lock().unwrap_or_else(PoisonError::into_inner);
            begun.send(size, growing)
        };
        let written = write(Some(&follow));
        let mut begun = sending.into_inner().unwrap_or_else(PoisonError::into_inner);
        *shared.state() = match &written {
            Ok((_, Some(layer))) => {
                begun.took(*layer);
                State::Begun(begun)
            }
            _ => State::NotBegun,
        };
        written.map(|(written, _)| written)
    }

    /// The load that has begun.
    pub(super) fn take(&self) -> Option<Begun> {
        let shared = self.0.as_ref()?;
        match std::mem::replace(&mut *shared.state(), State::NotBegun) {
            State::Begun(begun) => Some(begun),
            State::NotBegun | State::Filling => None,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open request, if no layer is in it: nothing else begins meanwhile.
    fn lend(self: &Arc<Shared>) -> Option<(&Arc<Shared>, Begun)> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Filling) {
            State::Begun(begun) if !begun.has_layer() => Some((self, begun)),
            other => {
                *state = other;
                None
            }
        }
    }
}

/// A load that has begun. Dropped, it is broken off, and the daemon keeps
/// nothing of it.
pub(super) struct Begun {
    loading: Loading,
    runtime: Handle,
    /// The layer's bytes on their way, and whether all came.
    sending: Option<JoinHandle<bool>>,
    layer: Option<Digest>,
}

impl Begun {
    /// Opens the request, and has the daemon begin to unpack.
    fn open(daemon: &Daemon) -> Result<Begun> {
        let loading = daemon.load();
        let mut folder = header(0);
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_mode(0o755);
        folder.set_path("blobs/")?;
        folder.set_cksum();
        loading.begin(folder.as_bytes());
        Ok(Begun {
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
    fn send(&mut self, size: u64, layer: impl Read + Send + 'static) -> Result<()> {
        let mut archive = self.loading.archive()?;
        let mut header = header(size);
        header.set_path(EARLY_LAYER)?;
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
    fn took(&mut self, digest: Digest) {
        self.layer = self.sending.as_ref().map(|_| digest);
    }

    /// Whether a layer is on its way.
    pub(super) fn has_layer(&self) -> bool {
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
