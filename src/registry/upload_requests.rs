//! The single requests of an upload.

use std::sync::Arc;

use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::body::{Body, Progress};
use super::call::Call;
use super::client::Client;
use super::location::{received, with_digest};
use super::session::{Kept, Session};
use super::source::Source;
use super::transport::Answer;
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::retry::Failure;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// How a request of an upload went, where it did not simply work.
pub(super) enum Trouble {
    /// A failure that may pass, or is final.
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

/// Requests that send one blob to one repository.
pub(super) struct UploadRequests<'a> {
    pub client: &'a Client,
    pub repository: &'a str,
    pub scopes: &'a Arc<[String]>,
    pub source: &'a Source,
    pub progress: Option<Arc<Progress>>,
}

impl UploadRequests<'_> {
    /// Opens a session.
    pub(super) async fn begin(&self) -> Result<Session> {
        let path = format!("{}/blobs/uploads/", self.repository);
        let call = self.call(Method::POST, path);
        let answer = self.client.send(&call).await?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.client.refused(&call, answer).await);
        }
        Session::of(&answer, 0, 0).doing(|| call.doing)
    }

    /// Sends what the registry has not got, and ends the session.
    pub(super) async fn go_on(
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
                .because(Reason::DigestMismatch)
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
            // Another session has another address.
            _ if error.is(Reason::AddressEnded) => Trouble::Gone(error),
            _ => Trouble::Failure(error.into()),
        }
    }

    /// Whether the blob is in its place: an answer may be lost after the work.
    pub(super) async fn is_there(&self) -> Result<bool> {
        let path = format!("{}/blobs/{}", self.repository, self.source.digest);
        let answer = self.client.send(&self.call(Method::HEAD, path)).await?;
        Ok(answer.status.is_success())
    }

    /// How far the session is; `None` where it is gone, empty, or will not say.
    pub(super) async fn ask(&self, session: &Session) -> Result<Option<Session>> {
        let call = self.at(Method::GET, &session.at);
        let answer = self.client.send(&call).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let has = answer.header("range").and_then(received);
        // `0-0` may mean one byte or none: then a new session is as good.
        let Some(has) = has.filter(|has| (1..=self.source.size).contains(has)) else {
            self.cancel(session).await;
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

    pub(super) fn doing(&self) -> String {
        format!(
            "sending the blob {} to {}/{}",
            self.source.digest,
            self.client.name(),
            self.repository
        )
    }

    pub(super) async fn cancel(&self, session: &Session) {
        session.cancel(self.client, self.scopes).await;
    }
}
