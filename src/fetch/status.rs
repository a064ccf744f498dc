//! What an HTTP status that is no success means for the user.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use super::attempts::{Again, Failure, retry_after};
use super::proxy::Through;
use super::redact::shown;
use crate::error::Error;

/// The failure of an answer with this status. Its error is tagged
/// `not-found`, `denied`, `proxy`, `too-many-requests` or `unavailable`.
pub(super) fn failure(
    status: StatusCode,
    url: &Url,
    headers: &HeaderMap,
    with_access: bool,
    through: Option<&Through>,
) -> Failure {
    if let (407, Some(through)) = (status.as_u16(), through) {
        return through
            .denied()
            .doing(format!("fetching {}", shown(url)))
            .into();
    }
    let wait = || retry_after(headers, SystemTime::now()).map_or(Again::Soon, Again::After);
    let host = url.host_str().unwrap_or_default();
    let (why, tag, hint, again) = match status.as_u16() {
        401 if with_access => (
            "the server refused the credentials",
            "denied",
            Some(format!("check user and password for {host}")),
            Again::Never,
        ),
        401 => (
            "the server wants credentials",
            "denied",
            Some(format!(
                "give credentials for {host}: for a repository, a <server> in settings.xml with the id of the repository or mirror; for a single file, https://USER:PASSWORD@… as its address"
            )),
            Again::Never,
        ),
        403 => (
            "the server does not allow it",
            "denied",
            Some(format!(
                "these credentials, or no credentials, may not read this from {host}"
            )),
            Again::Never,
        ),
        404 | 410 => (
            "the server does not have it",
            "not-found",
            None,
            Again::Never,
        ),
        407 => (
            "a proxy that was not asked for wants credentials",
            "proxy",
            Some(
                "name the proxy in settings.xml, or in HTTPS_PROXY: http://user:password@host:port"
                    .to_owned(),
            ),
            Again::Never,
        ),
        408 => (
            "the server waited too long for the request",
            "unavailable",
            None,
            Again::Soon,
        ),
        429 => (
            "the server refuses more requests for now",
            "too-many-requests",
            Some("name a mirror of your own in [maven] repositories or settings.xml".to_owned()),
            wait(),
        ),
        500 | 502 | 504 => ("the server failed", "unavailable", None, Again::Soon),
        503 => (
            "the server is not available for now",
            "unavailable",
            None,
            wait(),
        ),
        code if code >= 500 => ("the server failed", "unavailable", None, Again::Never),
        _ => (
            "the server answered something unexpected",
            "unexpected",
            Some("is the address right?".to_owned()),
            Again::Never,
        ),
    };
    let error = Error::new(format!("{why} (HTTP {})", status.as_u16()))
        .doing(format!("fetching {}", shown(url)))
        .tagged(tag);
    let doubt = match status.as_u16() {
        401 | 403 if url.scheme() == "http" => through.and_then(Through::doubt),
        _ => None,
    };
    Failure {
        error: hint
            .into_iter()
            .chain(doubt)
            .fold(error, |error, hint| error.hint(hint)),
        again,
    }
}
