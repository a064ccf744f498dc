//! Where a download's bytes go: hashed and written beside the network's threads.

use std::io::Write;

use bytes::Bytes;
use md5::Md5;
use sha1::{Digest as _, Sha1};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Context, Error, Result};
use crate::store::{BlobWriter, Store};

/// Chunks on their way to the disk: some hundred KB at most.
const QUEUE: usize = 16;

/// How much of the beginning is kept, to see what kind of file it is.
const HEAD: usize = 512;

enum Message {
    Bytes(Bytes),
    Anew,
}

/// A blob that was written and has not got its place yet.
pub struct Written {
    /// The blob.
    pub blob: BlobWriter,
    /// SHA-1 of the content, where asked for.
    pub sha1: Option<[u8; 20]>,
    /// MD5 of the content, where asked for.
    pub md5: Option<[u8; 16]>,
    /// The first bytes.
    pub head: Vec<u8>,
}

/// Takes chunks and passes them to a thread that writes.
pub(super) struct DownloadWriter {
    sender: mpsc::Sender<Message>,
    worker: JoinHandle<Result<Written>>,
    size: u64,
}

impl DownloadWriter {
    pub(super) fn open(store: &Store, sums: bool) -> DownloadWriter {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let store = store.clone();
        let worker = tokio::task::spawn_blocking(move || write(&store, sums, receiver));
        DownloadWriter {
            sender,
            worker,
            size: 0,
        }
    }

    /// Bytes taken since the beginning, or since it began anew.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.pass(Message::Bytes(bytes)).await
    }

    /// Throws away what was written.
    pub(super) async fn anew(&mut self) -> Result<()> {
        self.size = 0;
        self.pass(Message::Anew).await
    }

    pub(super) async fn finish(self) -> Result<Written> {
        drop(self.sender);
        self.worker.await.doing(|| "writing to the cache")?
    }

    /// Ends without a blob, and waits until nothing is left of it.
    pub(super) async fn abandon(self) {
        drop(self.sender);
        let _ = self.worker.await;
    }

    async fn pass(&mut self, message: Message) -> Result<()> {
        if self.sender.send(message).await.is_ok() {
            return Ok(());
        }
        // The worker ended before its time: only an error does that.
        match (&mut self.worker).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Err(Error::new("writing to the cache stopped")),
        }
    }
}

fn write(store: &Store, sums: bool, mut receiver: mpsc::Receiver<Message>) -> Result<Written> {
    let mut blob = store.new_blob()?;
    let mut head = Vec::new();
    let (mut sha1, mut md5) = (Sha1::new(), Md5::new());
    while let Some(message) = receiver.blocking_recv() {
        match message {
            Message::Bytes(bytes) => {
                blob.write_all(&bytes).doing(|| "writing to the cache")?;
                let missing = HEAD - head.len();
                head.extend_from_slice(&bytes[..missing.min(bytes.len())]);
                if sums {
                    sha1.update(&bytes);
                    md5.update(&bytes);
                }
            }
            Message::Anew => {
                blob = store.new_blob()?;
                head.clear();
                (sha1, md5) = (Sha1::new(), Md5::new());
            }
        }
    }
    Ok(Written {
        blob,
        sha1: sums.then(|| sha1.finalize().into()),
        md5: sums.then(|| md5.finalize().into()),
        head,
    })
}
