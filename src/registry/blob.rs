//! Reading blobs: streams that go on where they broke off, and that end with
//! an error if what came is not what was asked for.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::{ACCEPT_ENCODING, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use super::call::Call;
use super::client::Client;
use super::location::first_position;
use super::registries::Registries;
use super::scope::pull_scope;
use super::transport::Answer;
use super::upstream::Upstream;
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::retry::{Attempts, Failure, Remedy};
use crate::image::{Descriptor, Digest, Reference};
use crate::report::Task;
use crate::store::Store;

/// A blob on its way here.
pub struct BlobReader {
    client: Client,
    call: Call,
    /// Where else it can be read, the first one last.
    others: Vec<(Client, Call)>,
    reference: Reference,
    digest: Digest,
    size: u64,
    at: u64,
    /// Where reading ends.
    end: u64,
    /// `None` where only a part is read, which cannot be checked.
    hasher: Option<Sha256>,
    answer: Option<Answer>,
    attempts: Attempts,
}

impl BlobReader {
    fn begin(mirrors: Vec<Upstream>, own: Upstream, digest: Digest, size: u64) -> BlobReader {
        let reference = own.reference.clone();
        let way = |upstream: Upstream| {
            let call = call(&upstream.reference, digest);
            (upstream.client, call)
        };
        let mut others: Vec<_> = mirrors.into_iter().rev().map(way).collect();
        let own = way(own);
        let (client, call) = match others.pop() {
            Some(first) => {
                others.insert(0, own);
                first
            }
            None => own,
        };
        let attempts = client.attempts();
        BlobReader {
            client,
            call,
            others,
            reference,
            digest,
            size,
            at: 0,
            end: size,
            hasher: Some(Sha256::new()),
            answer: None,
            attempts,
        }
    }

    /// A part of the same blob; it cannot be checked, unless it is the whole.
    pub(super) fn part(mut self, from: u64, to: u64) -> BlobReader {
        (self.at, self.end) = (from, to.min(self.size));
        if from > 0 || to < self.size {
            self.hasher = None;
        }
        self
    }

    /// The next piece; `None` after the last one, which is given out only
    /// when everything before it was right.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if self.at == self.end {
            // Of an empty blob no piece comes with which it is checked.
            self.check()?;
            return Ok(None);
        }
        loop {
            match self.step().await {
                Ok(piece) => {
                    self.attempts.progress();
                    return Ok(Some(piece));
                }
                Err(failure) => {
                    self.answer = None;
                    let failure = self.client.blame(&self.call, failure);
                    let report = self.client.report().clone();
                    if let Err(error) = self.attempts.wait(failure, &report).await {
                        self.turn_to_another(error)?;
                    }
                }
            }
        }
    }

    /// A mirror failed: goes on at the next place from the same position. Bytes
    /// that were wrong cannot be taken back.
    fn turn_to_another(&mut self, error: Error) -> Result<()> {
        if error.is(Reason::DigestMismatch) {
            return Err(error);
        }
        let Some((client, call)) = self.others.pop() else {
            return Err(error);
        };
        self.client.pass_over(&self.reference, &error);
        self.attempts = client.attempts();
        (self.client, self.call) = (client, call);
        Ok(())
    }

    /// As a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        futures_util::stream::try_unfold(self, |mut reader| async move {
            Ok(reader.chunk().await?.map(|piece| (piece, reader)))
        })
    }

    /// As a reader.
    pub fn into_async_read(self) -> impl AsyncRead + Send {
        let pieces = self
            .into_stream()
            .map(|piece| piece.map_err(|error| error.into_io()));
        StreamReader::new(Box::pin(pieces))
    }

    async fn step(&mut self) -> Result<Bytes, Failure> {
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.open().await?,
        };
        let Some(mut piece) = answer.chunk().await? else {
            return Err(Failure::new(
                Remedy::Again,
                Error::new(format!(
                    "the transfer ended after {} of {} bytes",
                    self.at, self.end
                )),
            ));
        };
        if self.end < self.size {
            // A server that knows no ranges gives the rest, too.
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            piece.truncate(left);
        }
        self.at += piece.len() as u64;
        if self.at > self.size {
            return Err(self
                .wrong(format!("it is longer than {} bytes", self.size))
                .into());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        if self.at < self.end {
            self.answer = Some(answer);
        } else {
            self.check()?;
        }
        Ok(piece)
    }

    /// All bytes are here: once, an error where they are others than were asked for.
    fn check(&mut self) -> Result<()> {
        match self.hasher.take().map(Digest::finish) {
            Some(found) if found != self.digest => {
                Err(self.wrong(format!("it has the digest {found}")))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, how: String) -> Error {
        Error::new(format!("the registry gave other content: {how}"))
            .hint("something on the way changed it, or the registry is broken")
            .because(Reason::DigestMismatch)
    }

    async fn open(&mut self) -> Result<Answer, Failure> {
        let mut call = self.call.clone();
        if self.at > 0 || self.end < self.size {
            let range = match self.end < self.size {
                true => format!("bytes={}-{}", self.at, self.end - 1),
                false => format!("bytes={}-", self.at),
            };
            let range = HeaderValue::try_from(range).map_err(Error::from)?;
            call = call.header(RANGE, range);
        }
        let mut answer = self.client.attempt(&call).await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let first = answer.header("content-range").and_then(first_position);
                if first != Some(self.at) {
                    return Err(Error::new("the registry answered with another range").into());
                }
            }
            // The server knows no ranges: what is here already is read again.
            StatusCode::OK => skip(&mut answer, self.at).await?,
            _ => {
                return Err(self.client.refusal(&self.call, answer).await.into());
            }
        }
        Ok(answer)
    }
}

fn call(reference: &Reference, digest: Digest) -> Call {
    let path = format!("{}/blobs/{digest}", reference.repository);
    let doing = format!("reading the blob {digest} from {}", reference.name());
    let scopes: Arc<[String]> = [pull_scope(&reference.repository)].into();
    Call::new(Method::GET, path, &scopes, doing)
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

async fn skip(answer: &mut Answer, mut bytes: u64) -> Result<(), Failure> {
    while bytes > 0 {
        let piece = answer.chunk().await?.map_or(Bytes::new(), |piece| piece);
        if piece.is_empty() {
            return Err(Failure::new(
                Remedy::Again,
                Error::new("the transfer ended early"),
            ));
        }
        let skipped = (piece.len() as u64).min(bytes);
        bytes -= skipped;
        if skipped < piece.len() as u64 {
            answer.unread(piece.slice(skipped as usize..));
        }
    }
    Ok(())
}

impl Registries {
    /// A blob of `reference`'s repository, as a stream that mends itself and
    /// ends with an error if the bytes are not what `descriptor` says.
    pub fn blob(&self, reference: &Reference, descriptor: &Descriptor) -> Result<BlobReader> {
        let (mirrors, own) = self.upstreams(reference)?;
        Ok(BlobReader::begin(
            mirrors,
            own,
            descriptor.digest,
            descriptor.size,
        ))
    }

    /// Brings a blob into the store, unless it is there; says how many bytes
    /// came.
    pub async fn blob_to_store(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        store: &Store,
        task: Option<&Task>,
    ) -> Result<u64> {
        if store.blob_size(&descriptor.digest) == Some(descriptor.size) {
            return Ok(0);
        }
        let client = self.client(&reference.host)?;
        let _slot = client.host().downloads.enter().await?;
        let outcome = into_store(self, reference, descriptor, store, task).await;
        match outcome {
            // Whoever gave other bytes, the registry itself may have the right ones.
            Err(error)
                if error.is(Reason::DigestMismatch) && !self.options().mirrors.is_empty() =>
            {
                self.report()
                    .warn(format!("{reference} is read without its mirrors: {error}"));
                let registries = self.direct();
                into_store(&registries, reference, descriptor, store, task).await
            }
            outcome => outcome,
        }
    }
}

async fn into_store(
    registries: &Registries,
    reference: &Reference,
    descriptor: &Descriptor,
    store: &Store,
    task: Option<&Task>,
) -> Result<u64> {
    let mut reader = registries.blob(reference, descriptor)?;
    let mut blob = store.new_checked_blob()?;
    while let Some(piece) = reader.chunk().await? {
        // A page cache takes these faster than a hand-over to another thread.
        blob.write_all(&piece).doing(|| "writing to the cache")?;
        if let Some(task) = task {
            task.advance(piece.len() as u64);
        }
    }
    // The last piece came only because all were right.
    blob.commit_checked(&descriptor.digest)
}
