//! What an HTTP status that is no success means for the user.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use super::proxy::Through;
use super::redact::shown;
use super::retry::{Failure, remedy};
use crate::error::{Error, Reason};

/// The failure of an answer with this status. Its error has a
/// reason.
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
    let host = url.host_str().unwrap_or_default();
    let (why, reason, hint) = match status.as_u16() {
        401 if with_access => (
            "the server refused the credentials",
            Reason::Denied,
            Some(format!("check user and password for {host}")),
        ),
        401 => (
            "the server wants credentials",
            Reason::Denied,
            Some(format!(
                "give credentials for {host}: for a repository, a <server> in settings.xml with the id of the repository or mirror; for a single file, https://USER:PASSWORD@… as its address"
            )),
        ),
        403 => (
            "the server does not allow it",
            Reason::Denied,
            Some(format!(
                "these credentials, or no credentials, may not read this from {host}"
            )),
        ),
        404 | 410 => ("the server does not have it", Reason::NotFound, None),
        407 => (
            "a proxy that was not asked for wants credentials",
            Reason::Proxy,
            Some(
                "name the proxy in settings.xml, or in HTTPS_PROXY: http://user:password@host:port"
                    .to_owned(),
            ),
        ),
        408 => (
            "the server waited too long for the request",
            Reason::Unavailable,
            None,
        ),
        429 => (
            "the server refuses more requests for now",
            Reason::TooManyRequests,
            Some("name a mirror of your own in [maven] repositories or settings.xml".to_owned()),
        ),
        503 => (
            "the server is not available for now",
            Reason::Unavailable,
            None,
        ),
        499 | 500.. => ("the server failed", Reason::Unavailable, None),
        _ => (
            "the server answered something unexpected",
            Reason::Unexpected,
            Some("is the address right?".to_owned()),
        ),
    };
    let error = Error::new(format!("{why} (HTTP {})", status.as_u16()))
        .doing(format!("fetching {}", shown(url)))
        .because(reason);
    let doubt = match status.as_u16() {
        401 | 403 if url.scheme() == "http" => through.and_then(Through::doubt),
        _ => None,
    };
    Failure::new(remedy(status, headers), error.hints(hint).hints(doubt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::retry::{Remedy, tests::PASSING};

    #[test]
    fn a_download_is_tried_again_after_the_statuses_that_pass() {
        let url = Url::parse("https://host/a.jar").unwrap();
        for code in 300..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let failure = failure(status, &url, &HeaderMap::new(), false, None);
            let passes = failure.remedy == Remedy::Again;
            assert_eq!(passes, PASSING.contains(&code), "{code}");
        }
    }
}
