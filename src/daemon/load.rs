//! Loading an archive, and knowing whether it worked.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Daemon, refusal};
use crate::error::{Context, Error, Result};

/// Bytes that are sent at once.
const CHUNK: usize = 256 << 10;

/// A load that has begun. The request is open: the daemon has made ready to
/// unpack, and takes what is written until [`Loading::finish`]. One that is
/// dropped is broken off, and leaves nothing in the daemon.
pub struct Loading {
    pieces: Option<mpsc::Sender<io::Result<Bytes>>>,
    sent: Arc<AtomicU64>,
    answer: JoinHandle<Result<()>>,
}

/// Writes the archive of a [`Loading`], from a thread that may block.
pub struct Archive {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    sent: Arc<AtomicU64>,
    buffer: Vec<u8>,
}

impl Daemon {
    /// Begins to load an archive. A failed load answers HTTP 200 all the same:
    /// the classic store then sends an error in the stream, containerd's a line
    /// of text. So what was loaded must still be looked at afterwards.
    pub fn load(&self) -> Loading {
        let (pieces, incoming) = mpsc::channel::<io::Result<Bytes>>(4);
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let body = tokio_stream::wrappers::ReceiverStream::new(incoming);
        let docker = self.docker.clone();
        let doing = self.doing("loading the image");
        let answer = tokio::spawn(async move {
            let mut answers = docker.import_image_stream(options, body, None);
            while let Some(answer) = answers.next().await {
                let answer = answer.map_err(refusal::error).doing(|| doing.clone())?;
                let line = answer.stream.unwrap_or_default();
                if line.starts_with("Error") {
                    let error = Error::new(line.trim()).because(refusal::reason(&line));
                    return Err(error.doing(doing));
                }
            }
            Ok(())
        });
        Loading {
            pieces: Some(pieces),
            sent: Arc::default(),
            answer,
        }
    }
}

impl Loading {
    /// Sends the archive's first bytes, without waiting.
    pub fn begin(&self, bytes: &[u8]) {
        if let Some(pieces) = &self.pieces
            && pieces.try_send(Ok(Bytes::copy_from_slice(bytes))).is_ok()
        {
            self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
    }

    /// Where the archive is written to. What several write comes in their order.
    pub fn archive(&self) -> io::Result<Archive> {
        let pieces = self.pieces.clone();
        Ok(Archive {
            pieces: pieces.ok_or(io::ErrorKind::BrokenPipe)?,
            sent: self.sent.clone(),
            buffer: Vec::with_capacity(CHUNK),
        })
    }

    /// Whether the daemon takes no more.
    pub fn is_closed(&self) -> bool {
        self.pieces.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// Bytes that were sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The archive is whole: waits for the daemon's answer, to its end. containerd's
    /// store says "Loaded image" before it unpacks.
    pub async fn finish(mut self) -> Result<()> {
        self.pieces = None;
        (&mut self.answer)
            .await
            .doing(|| "waiting for the daemon's answer")?
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        self.pieces
            .blocking_send(Ok(Bytes::from(piece)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
