//! Sending one blob: whole in one request, and after a failure from where the
//! registry has it; in chunks where a request may not be that long.

use std::sync::Arc;

use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use url::Url;

use super::body::{Body, Progress};
use super::client::{Call, Client};
use super::location::{received, resolve, with_digest};
use super::retry::{Failure, Remedy};
use super::source::Source;
use super::transport::Answer;
use crate::error::{Context, Error, Result};

/// Chunk sizes to try, one after the other, when a request was too long.
const CHUNKS: [u64; 4] = [8 << 20, 4 << 20, 1 << 20, 512 << 10];

/// Failures without progress after which chunks are tried: a proxy that cuts
/// long requests often says nothing but that.
const CUTS: u32 = 2;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const MIN_CHUNK: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// An upload session, as the registry last named it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    at: Url,
    /// Bytes that the registry has.
    offset: u64,
    /// The shortest chunk that it takes, but for the last one.
    least: u64,
}

impl Session {
    /// The session that `answer` opened or went on with.
    pub fn of(answer: &Answer, offset: u64, least: u64) -> Result<Session> {
        let location = answer
            .headers
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .ok_or_else(|| Error::new("the registry opened an upload, but did not say where"))?;
        let said = answer
            .headers
            .get(MIN_CHUNK)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Session {
            at: resolve(&answer.url, location)?,
            offset,
            least: said.unwrap_or(least),
        })
    }
}

/// One blob being sent to one repository.
pub(super) struct Upload<'a> {
    pub client: &'a Client,
    pub repository: &'a str,
    pub scopes: &'a Arc<[String]>,
    pub source: &'a Source,
    pub progress: Option<Arc<Progress>>,
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
    /// Sends the blob, beginning with `session` if there is one already.
    pub async fn run(&self, session: Option<Session>) -> Result<()> {
        let mut session = session;
        let mut attempts = self.client.attempts();
        let mut limit = None;
        let (mut best, mut cuts) = (0, 0);
        loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => self.begin().await?,
            };
            let resumed = current.offset > 0;
            let trouble = match self.go_on(&mut current, limit).await {
                Ok(()) => return Ok(()),
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
                    if !resumed {
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
            if cuts == CUTS && limit.is_none() {
                limit = self.shorter(limit, current.least);
            }
        }
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
    async fn go_on(&self, session: &mut Session, limit: Option<u64>) -> Result<(), Trouble> {
        let size = self.source.size;
        if session.offset == 0 && limit.is_none() {
            return self.finish(session, 0).await;
        }
        while session.offset < size {
            let length = limit.map_or(size, |limit| limit.max(session.least));
            let to = session.offset.saturating_add(length).min(size);
            self.patch(session, to).await?;
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

    /// How far the session is; `None` where it is gone or will not say.
    async fn ask(&self, session: &Session) -> Result<Option<Session>> {
        let call = self.at(Method::GET, &session.at);
        let answer = self.client.send(&call).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let has = answer.header("range").and_then(received);
        let Some(has) = has.filter(|has| *has <= self.source.size) else {
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
