//! Small answers, whole and in memory: checksums and metadata.

use reqwest::header::HeaderMap;
use url::Url;

use super::access::Access;
use super::attempts::{Attempt, Attempts, Failure, Patience};
use super::download::{announced, refuse_offline, too_large};
use super::redact::shown;
use super::send::{broken, send, stalled};
use super::status;
use crate::error::{Error, Result};
use crate::report::Report;

/// A small answer.
pub struct Small {
    /// The body.
    pub bytes: Vec<u8>,
    /// The headers that came with it.
    pub headers: HeaderMap,
}

/// Fetches at most `limit` bytes; more is an error.
pub async fn get_small(
    url: &Url,
    limit: u64,
    access: Option<&Access>,
    offline: bool,
    patience: Patience,
    report: &Report,
) -> Result<Small> {
    if offline {
        return Err(refuse_offline(url));
    }
    let mut attempts = Attempts::new(patience);
    loop {
        match attempt(url, limit, access, &patience).await {
            Ok(small) => return Ok(small),
            Err(failure) => attempts.wait(failure, report).await?,
        }
    }
}

async fn attempt(
    url: &Url,
    limit: u64,
    access: Option<&Access>,
    patience: &Patience,
) -> Attempt<Small> {
    let (mut response, end) = send(url, access, &HeaderMap::new(), patience).await?;
    if response.status().as_u16() != 200 {
        let with_access = access.is_some_and(|access| !access.is_empty());
        return Err(status::failure(
            response.status(),
            &end,
            response.headers(),
            with_access,
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
            Ok(Err(error)) => return Err(broken(&end, error)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_large(url, limit).into());
        }
        bytes.extend_from_slice(&chunk);
    }
    match length {
        Some(length) if length != bytes.len() as u64 => Err(Failure::soon(
            Error::new(format!(
                "the answer has {} bytes, but {length} were announced",
                bytes.len()
            ))
            .doing(format!("fetching {}", shown(url)))
            .tagged("unavailable"),
        )),
        _ => Ok(Small { bytes, headers }),
    }
}
