//! Sending one blob: whole in one request where it is not big, and after a
//! failure from where the registry has it; in chunks where it is big, or where
//! a request may not be that long.
//!
//! Chunks make a session outlast a cut: many registries forget the bytes of a
//! request that broke off. Docker's registry (2.8) also forgets the session
//! then, but goes on with one that was left between two requests.

use std::sync::Arc;

use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::body::{Body, Progress};
use super::call::Call;
use super::client::Client;
use super::location::{received, with_digest};
use super::retry::{Failure, Remedy};
use super::session::{Kept, Session};
use super::source::Source;
use super::transport::Answer;
use crate::error::{Context, Error, Result};
use crate::store::Store;

/// Chunk sizes to try, one after the other, when a request was too long.
const CHUNKS: [u64; 5] = [32 << 20, 8 << 20, 4 << 20, 1 << 20, 512 << 10];

/// Failures without progress after which shorter requests are tried: a proxy
/// that cuts long ones often says nothing but that.
const CUTS: u32 = 2;

/// Blobs from this size on are worth going on with in another run.
const KEPT: u64 = 8 << 20;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// One blob being sent to one repository.
pub(super) struct Upload<'a> {
    pub client: &'a Client,
    pub repository: &'a str,
    pub scopes: &'a Arc<[String]>,
    pub source: &'a Source,
    pub progress: Option<Arc<Progress>>,
    /// Where the session is kept for the next run.
    pub store: Option<&'a Store>,
}

/// How a request of an upload went, where it did not simply work.
enum Trouble {
    /// It may pass, or it is final.
    Failure(Failure),
    /// The registry or a proxy refuses requests of this length.
    TooLong(Error),
    /// The registry has another number of bytes than it was sent.
    OutOfStep(Error),
    /// The registry does not know the session any more.
    Gone(Error),
    /// The registry did not get the bytes that the digest names.
    Refused(Error),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Failure(failure)
    }
}

impl Upload<'_> {
    /// Sends the blob: goes on with what an earlier run left, or with `session`
    /// if there is one already.
    pub async fn run(&self, session: Option<Session>) -> Result<()> {
        let kept = self.kept();
        let mut session = match self.left(kept.as_ref()).await {
            Some(left) => Some(left),
            None => session,
        };
        let mut attempts = self.client.attempts();
        let mut limit = self.usual();
        let (mut best, mut cuts) = (0, 0);
        let forget = || {
            if let Some(kept) = &kept {
                kept.forget();
            }
        };
        loop {
            let (mut current, is_fresh) = match session.take() {
                Some(session) => (session, false),
                None => (self.begin().await?, true),
            };
            if let Some(kept) = &kept {
                kept.put(&current);
            }
            let trouble = match self.go_on(&mut current, limit, kept.as_ref()).await {
                Ok(()) => {
                    forget();
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            let failure = match trouble {
                Trouble::Failure(failure) => failure,
                Trouble::OutOfStep(error) | Trouble::Gone(error) => {
                    Failure::new(Remedy::Again, error)
                }
                Trouble::TooLong(error) => {
                    limit = match self.shorter(limit, current.least) {
                        None => return Err(error),
                        some => some,
                    };
                    session = self.ask(&current).await?;
                    continue;
                }
                Trouble::Refused(error) => {
                    // Whose bytes are wrong? Ours, those put together over
                    // several requests, or the registry's idea of them?
                    self.source.verify().await?;
                    forget();
                    if is_fresh {
                        return Err(error);
                    }
                    best = 0;
                    let failure = Failure::new(Remedy::Again, error);
                    attempts.wait(failure, self.report()).await?;
                    continue;
                }
            };
            attempts.wait(failure, self.report()).await?;
            if self.is_there().await? {
                forget();
                return Ok(());
            }
            session = self.ask(&current).await?;
            let offset = session.as_ref().map_or(0, |session| session.offset);
            if offset > best {
                (best, cuts) = (offset, 0);
                attempts.progress();
            } else {
                cuts += 1;
            }
            if cuts == CUTS {
                cuts = 0;
                limit = self.shorter(limit, current.least).or(limit);
            }
        }
    }

    /// Where the session is kept between runs, if that is worth it.
    fn kept(&self) -> Option<Kept> {
        let store = self.store.filter(|_| self.source.size > KEPT)?;
        let repository = format!("{}/{}", self.client.name(), self.repository);
        Kept::of(store, &repository, &self.source.digest)
    }

    /// The session that an earlier run left, if the registry still has it.
    async fn left(&self, kept: Option<&Kept>) -> Option<Session> {
        let left = kept?.get()?;
        // Whatever went wrong with it, the blob can be sent anew.
        let session = self.ask(&left).await.ok()??;
        self.report().detail(format!(
            "{}: going on after {} of {} bytes",
            self.doing(),
            session.offset,
            self.source.size
        ));
        if let Some(progress) = &self.progress {
            progress.reach(session.offset);
        }
        Some(session)
    }

    /// How long requests are, where nothing says otherwise; `None`: whole.
    fn usual(&self) -> Option<u64> {
        let chunk = self.client.registries().options().chunk;
        (self.source.size > chunk.saturating_mul(2)).then_some(chunk)
    }

    /// The chunk size to try after `limit`.
    fn shorter(&self, limit: Option<u64>, least: u64) -> Option<u64> {
        let longest = limit.unwrap_or(self.source.size);
        CHUNKS
            .into_iter()
            .find(|chunk| *chunk < longest && *chunk >= least)
    }

    /// Opens a session.
    async fn begin(&self) -> Result<Session> {
        let path = format!("{}/blobs/uploads/", self.repository);
        let call = self.call(Method::POST, path);
        let answer = self.client.send(&call).await?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.client.refused(&call, answer).await);
        }
        Session::of(&answer, 0, 0).doing(|| call.doing)
    }

    /// Sends what the registry has not got, and ends the session.
    async fn go_on(
        &self,
        session: &mut Session,
        limit: Option<u64>,
        kept: Option<&Kept>,
    ) -> Result<(), Trouble> {
        let size = self.source.size;
        if session.offset == 0 && limit.is_none() {
            return self.finish(session, 0).await;
        }
        while session.offset < size {
            let length = limit.map_or(size, |limit| limit.max(session.least));
            let to = session.offset.saturating_add(length).min(size);
            self.patch(session, to).await?;
            if let Some(kept) = kept {
                kept.put(session);
            }
        }
        self.finish(session, size).await
    }

    async fn patch(&self, session: &mut Session, to: u64) -> Result<(), Trouble> {
        let range = format!("{}-{}", session.offset, to - 1);
        let range =
            HeaderValue::try_from(range).map_err(|error| Failure::from(Error::from(error)))?;
        let call = self
            .at(Method::PATCH, &session.at)
            .header(CONTENT_TYPE, OCTETS)
            .header(CONTENT_RANGE, range)
            .body(self.body(session.offset, to));
        let answer = self.client.attempt(&call).await?;
        if !answer.status.is_success() {
            return Err(self.trouble(&call, answer).await);
        }
        let has = answer.header("range").and_then(received).unwrap_or(to);
        let next = Session::of(&answer, to, session.least).map_err(Failure::from)?;
        *session = next;
        if has != to {
            return Err(Trouble::OutOfStep(Error::new(format!(
                "the registry has {has} bytes of {} after {to} were sent",
                self.source.digest
            ))));
        }
        Ok(())
    }

    async fn finish(&self, session: &Session, from: u64) -> Result<(), Trouble> {
        let url = with_digest(&session.at, &self.source.digest);
        let call = self.at(Method::PUT, &url).header(CONTENT_TYPE, OCTETS);
        let call = match from == self.source.size {
            true => call,
            false => call.body(self.body(from, self.source.size)),
        };
        let answer = self.client.attempt(&call).await?;
        if !answer.status.is_success() {
            return Err(self.trouble(&call, answer).await);
        }
        let said = answer.header("docker-content-digest");
        if let Some(said) = said.filter(|said| *said != self.source.digest.to_string()) {
            return Err(Trouble::Refused(
                Error::new(format!(
                    "the registry says that it got {}, not {}",
                    said.chars().take(100).collect::<String>(),
                    self.source.digest
                ))
                .hint("something on the way changed it, or the registry is broken")
                .tagged("digest-mismatch")
                .doing(call.doing),
            ));
        }
        Ok(())
    }

    async fn trouble(&self, call: &Call, answer: Answer) -> Trouble {
        let status = answer.status;
        let error = self.client.refused(call, answer).await;
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Trouble::TooLong(error),
            StatusCode::RANGE_NOT_SATISFIABLE => Trouble::OutOfStep(error),
            StatusCode::NOT_FOUND => Trouble::Gone(error),
            StatusCode::BAD_REQUEST => Trouble::Refused(error),
            _ => Trouble::Failure(error.into()),
        }
    }

    /// Whether the blob is in its place: an answer may be lost after the work.
    async fn is_there(&self) -> Result<bool> {
        let path = format!("{}/blobs/{}", self.repository, self.source.digest);
        let answer = self.client.send(&self.call(Method::HEAD, path)).await?;
        Ok(answer.status.is_success())
    }

    /// How far the session is; `None` where it is gone, empty, or will not say.
    async fn ask(&self, session: &Session) -> Result<Option<Session>> {
        let call = self.at(Method::GET, &session.at);
        let answer = self.client.send(&call).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let has = answer.header("range").and_then(received);
        // `0-0` may mean one byte or none: then a new session is as good.
        let Some(has) = has.filter(|has| (1..=self.source.size).contains(has)) else {
            return Ok(None);
        };
        // Some registries do not repeat the Location here.
        Ok(Some(Session::of(&answer, has, session.least).unwrap_or(
            Session {
                offset: has,
                ..session.clone()
            },
        )))
    }

    fn body(&self, from: u64, to: u64) -> Body {
        let (source, progress) = (self.source.clone(), self.progress.clone());
        Body::Stream {
            open: Arc::new(move || source.range(from, to, progress.clone())),
            length: to - from,
        }
    }

    fn call(&self, method: Method, path: String) -> Call {
        Call::new(method, path, self.scopes, self.doing())
    }

    fn at(&self, method: Method, url: &Url) -> Call {
        Call::at(method, url.clone(), self.scopes, self.doing())
    }

    fn doing(&self) -> String {
        format!(
            "sending the blob {} to {}/{}",
            self.source.digest,
            self.client.name(),
            self.repository
        )
    }

    fn report(&self) -> &crate::report::Report {
        self.client.registries().report()
    }
}
