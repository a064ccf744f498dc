//! Reading what the daemon sends, from a thread that may block.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::ByteStream;

/// Pieces that are taken in before they are asked for; each has some 200 KB.
const AHEAD: usize = 16;

/// The stream's bytes. The daemon need not wait while its last ones are worked on. To be
/// called inside a runtime, and read from outside.
pub fn read_ahead(mut stream: ByteStream) -> impl Read + Send + 'static {
    let (pieces, incoming) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
    tokio::spawn(async move {
        // A reader that is gone wants no more.
        while let Some(piece) = tokio::select! {
            piece = stream.next() => piece,
            () = pieces.closed() => None,
        } {
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
    });
    SyncIoBridge::new(StreamReader::new(ReceiverStream::new(incoming)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn all_pieces_come_in_order_and_then_the_error() {
        let pieces = (0..100u8).map(|at| Ok(Bytes::from(vec![at; 3])));
        let broken = std::iter::once(Err(io::Error::other("hung up")));
        let mut reader = read_ahead(Box::pin(futures_util::stream::iter(pieces.chain(broken))));
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let error = reader.read_to_end(&mut bytes).unwrap_err();
            (bytes, error.to_string())
        });
        let (bytes, error) = read.await.unwrap();
        let wanted: Vec<u8> = (0..100u8).flat_map(|at| [at; 3]).collect();
        assert_eq!((bytes, error.as_str()), (wanted, "hung up"));
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_ends_the_stream() {
        let (held, ended) = tokio::sync::oneshot::channel::<()>();
        let silent = futures_util::stream::once(async move {
            let _held = held;
            std::future::pending().await
        });
        drop(read_ahead(Box::pin(silent)));
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), ended);
        assert!(ended.await.expect("the stream goes").is_err());
    }
}
