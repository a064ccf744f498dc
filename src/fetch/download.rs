//! Downloads into the store: streamed, hashed, resumed where the server allows it.
//!
//! [`fetch`] ends before the blob gets its place, so that a caller can look at
//! headers and sums first; [`download`] does both.

use reqwest::Response;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use url::Url;

use super::access::Access;
use super::download_writer::{DownloadWriter, Written};
use super::proxy::Through;
use super::redact::shown;
use super::request::{ADVICE, Request, announced, refuse_offline, too_large};
use super::retry::{Attempt, Attempts, Failure};
use super::send::{Sent, broken, send, stalled};
use super::status;
use crate::error::{Context, Error, Reason, Result};
use crate::image::Digest;
use crate::report::{Phase, Report, Task};
use crate::store::Store;

/// A fetched file that has no place in the store yet. Dropped, it leaves nothing.
pub struct Body {
    /// The content.
    pub written: Written,
    /// The headers of the answer.
    pub headers: HeaderMap,
    wanted: Option<Digest>,
    shown: String,
}

impl Body {
    /// Sets the digest that [`Body::keep`] insists on, unless the request had one.
    pub fn want(&mut self, digest: Digest) {
        self.wanted.get_or_insert(digest);
    }

    /// Gives the content its place, and says its digest and size in bytes.
    pub async fn keep(self) -> Result<(Digest, u64)> {
        let Body {
            written,
            wanted,
            shown,
            ..
        } = self;
        let blob = written.blob;
        tokio::task::spawn_blocking(move || match wanted {
            Some(wanted) => Ok((wanted, blob.commit_as(&wanted)?)),
            None => blob.commit(),
        })
        .await
        .doing(|| "writing to the cache")?
        .map_err(|error| {
            let mismatch = error.is(Reason::DigestMismatch);
            let error = error.doing(format!("checking {shown}"));
            match mismatch {
                true => error.hint("the file was changed, or something on the way changed it"),
                false => error,
            }
        })
    }
}

/// Fetches a file into the store; says its digest and size in bytes.
pub async fn download(
    request: &Request<'_>,
    store: &Store,
    report: &Report,
) -> Result<(Digest, u64)> {
    fetch(request, store, report).await?.keep().await
}

/// Fetches a file, but leaves it to [`Body::keep`] to give it its place.
pub async fn fetch(request: &Request<'_>, store: &Store, report: &Report) -> Result<Body> {
    if request.offline {
        return Err(refuse_offline(request.url));
    }
    // Credentials in the address are credentials for its host alone.
    let mut url = request.url.clone();
    let of_url = Access::take_from(&mut url);
    let request = &Request {
        url: &url,
        access: request.access.or(of_url.as_ref()),
        ..request.clone()
    };
    let mut attempts = Attempts::new(request.patience, &ADVICE);
    let mut transfer = Transfer {
        request,
        report,
        writer: DownloadWriter::open(store, request.sums),
        etag: None,
        task: None,
    };
    let headers = loop {
        match transfer.attempt().await {
            Ok(headers) => break headers,
            Err(failure) => {
                if let Err(error) = attempts.wait(failure, report).await {
                    transfer.writer.abandon().await;
                    return Err(error);
                }
            }
        }
    };
    let Transfer { writer, task, .. } = transfer;
    let written = writer.finish().await?;
    if let Some(task) = task {
        task.finish("fetched");
    }
    Ok(Body {
        written,
        headers,
        wanted: request.sha256,
        shown: shown(request.url),
    })
}

struct Transfer<'a> {
    request: &'a Request<'a>,
    report: &'a Report,
    writer: DownloadWriter,
    /// Of the content in the writer; only with it is a transfer resumed.
    etag: Option<HeaderValue>,
    task: Option<Task>,
}

impl Transfer<'_> {
    async fn attempt(&mut self) -> Attempt<HeaderMap> {
        let mut wanted = HeaderMap::new();
        if self.writer.size() > 0
            && let Some(etag) = &self.etag
        {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.writer.size()))
                .map_err(Error::from)?;
            wanted.insert(RANGE, range);
            wanted.insert(IF_RANGE, etag.clone());
        }
        let request = self.request;
        let Sent {
            response,
            end,
            through,
        } = send(request, &wanted).await?;
        let total = match response.status().as_u16() {
            200 => {
                self.anew().await?;
                announced(response.headers())
            }
            206 if wanted.contains_key(RANGE) => {
                match rest_of(response.headers(), self.writer.size()) {
                    Some(total) => Some(total),
                    None => {
                        self.anew().await?;
                        return Err(self.bad("the server sent another part than was asked for"));
                    }
                }
            }
            416 if wanted.contains_key(RANGE) => {
                self.anew().await?;
                return Err(self.bad("the server cannot send the rest"));
            }
            _ => {
                let with_access = request.access.is_some_and(|access| !access.is_empty());
                return Err(status::failure(
                    response.status(),
                    &end,
                    response.headers(),
                    with_access,
                    through.as_ref(),
                ));
            }
        };
        if let (Some(total), Some(limit)) = (total, request.limit)
            && total > limit
        {
            return Err(too_large(request.url, limit).into());
        }
        self.etag = response
            .headers()
            .get(ETAG)
            .filter(|etag| !etag.as_bytes().starts_with(b"W/"))
            .cloned();
        if self.task.is_none() {
            self.task = Some(self.report.start(Phase::Fetch, request.name, total));
        }
        let headers = response.headers().clone();
        self.pull(response, &end, through.as_ref()).await?;
        match total {
            Some(total) if total != self.writer.size() => {
                let size = self.writer.size();
                if size > total {
                    self.anew().await?;
                }
                Err(self.bad(&format!(
                    "the file has {size} bytes, but {total} were announced"
                )))
            }
            _ => Ok(headers),
        }
    }

    async fn pull(
        &mut self,
        mut response: Response,
        end: &Url,
        through: Option<&Through>,
    ) -> Attempt<()> {
        let patience = &self.request.patience;
        loop {
            let chunk = match tokio::time::timeout(patience.stall, response.chunk()).await {
                Err(_) => return Err(stalled(end, patience)),
                Ok(Err(error)) => return Err(broken(end, through, error)),
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(chunk))) => chunk,
            };
            if let Some(limit) = self.request.limit
                && self.writer.size() + chunk.len() as u64 > limit
            {
                return Err(too_large(self.request.url, limit).into());
            }
            if let Some(task) = &self.task {
                task.advance(chunk.len() as u64);
            }
            self.writer.push(chunk).await?;
        }
    }

    /// Throws away what came so far, if anything did.
    async fn anew(&mut self) -> Result<()> {
        self.etag = None;
        if self.writer.size() > 0 {
            self.writer.anew().await?;
            if let Some(task) = self.task.take() {
                task.finish("begun anew");
            }
        }
        Ok(())
    }

    fn bad(&self, why: &str) -> Failure {
        Failure::passing(
            Error::new(why)
                .doing(format!("fetching {}", shown(self.request.url)))
                .because(Reason::Unavailable),
        )
    }
}

/// The size of the whole file, if the part that is sent begins at `start` and
/// goes to its end.
fn rest_of(headers: &HeaderMap, start: u64) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let total: u64 = total.parse().ok()?;
    let whole = first.parse() == Ok(start) && last.parse::<u64>().ok()?.checked_add(1)? == total;
    whole.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_of_the_file_resumes_it() {
        for (text, total) in [
            ("bytes 5-9/10", Some(10)),
            ("bytes 4-9/10", None),
            ("bytes 5-8/10", None),
            ("bytes 5-9/*", None),
            ("bytes */10", None),
            ("bytes 5-18446744073709551615/1", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, text.parse().unwrap());
            assert_eq!(rest_of(&headers, 5), total, "{text}");
        }
    }
}
