//! Small answers, whole and in memory: checksums and metadata.

use reqwest::header::HeaderMap;

use super::redact::shown;
use super::request::{ADVICE, Request, announced, refuse_offline, too_large};
use super::retry::{Attempt, Attempts, Failure};
use super::send::{Sent, broken, send, stalled};
use super::status;
use crate::error::{Error, Reason, Result};
use crate::report::Report;

/// A small answer.
pub struct Small {
    /// The body.
    pub bytes: Vec<u8>,
    /// The headers that came with it.
    pub headers: HeaderMap,
}

/// Fetches what a request wants: at most its limit, more is an error.
pub async fn get_small(request: &Request<'_>, report: &Report) -> Result<Small> {
    if request.offline {
        return Err(refuse_offline(request.url));
    }
    let mut attempts = Attempts::new(request.patience, &ADVICE);
    loop {
        match attempt(request).await {
            Ok(small) => return Ok(small),
            Err(failure) => attempts.wait(failure, report).await?,
        }
    }
}

async fn attempt(request: &Request<'_>) -> Attempt<Small> {
    let (url, patience) = (request.url, &request.patience);
    let limit = request.limit.unwrap_or(u64::MAX);
    let Sent {
        mut response,
        end,
        through,
    } = send(request, &HeaderMap::new()).await?;
    if response.status().as_u16() != 200 {
        let with_access = request.access.is_some_and(|access| !access.is_empty());
        return Err(status::failure(
            response.status(),
            &end,
            response.headers(),
            with_access,
            through.as_ref(),
        ));
    }
    let headers = response.headers().clone();
    let length = announced(&headers);
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(url, limit).into());
    }
    let mut bytes = Vec::new();
    loop {
        let chunk = match tokio::time::timeout(patience.stall, response.chunk()).await {
            Err(_) => return Err(stalled(&end, patience)),
            Ok(Err(error)) => return Err(broken(&end, through.as_ref(), error)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_large(url, limit).into());
        }
        bytes.extend_from_slice(&chunk);
    }
    match length {
        Some(length) if length != bytes.len() as u64 => Err(Failure::passing(
            Error::new(format!(
                "the answer has {} bytes, but {length} were announced",
                bytes.len()
            ))
            .doing(format!("fetching {}", shown(url)))
            .because(Reason::Unavailable),
        )),
        _ => Ok(Small { bytes, headers }),
    }
}
