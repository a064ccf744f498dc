//! Request bodies that can be sent again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};

use super::traffic::Traffic;
use crate::error::{Error, Result};
use crate::report::Task;

/// A stream of bytes.
pub type Pieces = BoxStream<'static, Result<Bytes>>;

/// Opens a body from its beginning, as often as it is asked to.
pub type Open = Arc<dyn Fn() -> Pieces + Send + Sync>;

/// A request's body.
#[derive(Clone)]
pub enum Body {
    /// None.
    Empty,
    /// A short one.
    Bytes(Bytes),
    /// One that is read while it is sent.
    Stream {
        /// Opens it.
        open: Open,
        /// Its exact length.
        length: u64,
    },
}

/// Tells a task how far a blob is, counting no byte twice when it is sent again.
pub struct Progress {
    task: Mutex<Option<Task>>,
    furthest: AtomicU64,
}

impl Progress {
    /// Tells `task`.
    pub fn new(task: Task) -> Progress {
        Progress {
            task: Mutex::new(Some(task)),
            furthest: AtomicU64::new(0),
        }
    }

    /// The blob is done up to `position`.
    pub fn reach(&self, position: u64) {
        let before = self.furthest.fetch_max(position, Ordering::Relaxed);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.as_ref().filter(|_| position > before) {
            task.advance(position - before);
        }
    }

    /// The work ended like this.
    pub fn finish(&self, outcome: &str) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.finish(outcome);
        }
    }
}

/// What is known of a body under way.
#[derive(Default)]
pub(super) struct Watch {
    moved: AtomicU64,
    failed: Mutex<Option<Error>>,
}

impl Watch {
    /// Bytes that went out.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Why the body could not be read, if that is so.
    pub fn failure(&self) -> Option<Error> {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The body as the HTTP client wants it, watched.
    pub fn over(
        self: &Arc<Self>,
        pieces: Pieces,
        traffic: Traffic,
    ) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let watch = Arc::clone(self);
        pieces.map(move |piece| match piece {
            Ok(bytes) => {
                traffic.count_sent(bytes.len() as u64);
                watch.moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(bytes)
            }
            Err(error) => {
                let mut slot = watch.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *slot = Some(error);
                Err(std::io::Error::other("the body could not be read"))
            }
        })
    }
}
