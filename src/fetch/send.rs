//! One GET, with its redirects.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::access::Access;
use super::authorities;
use super::connection::{Broken, Untrusted};
use super::proxy::{Through, way};
use super::redact::shown;
use super::request::Request;
use super::retry::{Attempt, Failure, Patience};
use crate::error::{Error, Reason};

/// Redirects that one request follows.
const MAX_REDIRECTS: usize = 10;

/// The answer to a request.
pub(super) struct Sent {
    pub response: Response,
    /// Where it came from, after the redirects.
    pub end: Url,
    /// The proxy that was between.
    pub through: Option<Through>,
}

/// Sends a GET and follows redirects. Credentials go to the host that they
/// were given for, and to no other; https never becomes http.
pub(super) async fn send(wanted: &Request<'_>, headers: &HeaderMap) -> Attempt<Sent> {
    let (start, access, patience) = (wanted.url, wanted.access, &wanted.patience);
    let mut visited = vec![start.clone()];
    let mut url = start.clone();
    loop {
        let (client, through) = way(wanted.proxies, &url)?;
        let mut request = client.get(url.clone()).headers(headers.clone());
        if let Some(access) = access
            && same_host(start, &url)
        {
            request = access.apply(request);
        }
        let response = match tokio::time::timeout(patience.stall, request.send()).await {
            Err(_) => return Err(stalled(&url, patience)),
            Ok(Err(error)) => return Err(broken(&url, through.as_ref(), error)),
            Ok(Ok(response)) => response,
        };
        if !is_redirect(response.status()) {
            return Ok(Sent {
                response,
                end: url,
                through,
            });
        }
        let next = target(&url, response.headers())?;
        if visited.contains(&next) {
            let path: Vec<String> = visited.iter().chain([&next]).map(shown).collect();
            return Err(Error::new(format!(
                "the redirects go round in a circle: {}",
                path.join(" → ")
            ))
            .doing(format!("fetching {}", shown(start)))
            .into());
        }
        if visited.len() > MAX_REDIRECTS {
            return Err(Error::new(format!(
                "more than {MAX_REDIRECTS} redirects, the last to {}",
                shown(&next)
            ))
            .doing(format!("fetching {}", shown(start)))
            .into());
        }
        visited.push(next.clone());
        url = next;
    }
}

/// No byte came for too long.
pub(super) fn stalled(url: &Url, patience: &Patience) -> Failure {
    Failure::passing(
        Error::new(format!(
            "nothing came from {} for {:.0} s",
            url.host_str().unwrap_or_default(),
            patience.stall.as_secs_f64().ceil()
        ))
        .doing(format!("fetching {}", shown(url)))
        .because(Reason::Unreachable),
    )
}

/// The failure of a connection that could not be made, or broke.
pub(super) fn broken(url: &Url, through: Option<&Through>, error: reqwest::Error) -> Failure {
    let (connecting, broken) = (error.is_connect(), Broken::of(&error));
    let error = Error::from(error.without_url());
    let host = url.host_str().unwrap_or_default();
    let reason = match connecting {
        true => Reason::Unreachable,
        false => Reason::Unavailable,
    };
    let error = match (broken, through) {
        (Broken::Untrusted(why), _) => untrusted(error, host, why),
        (Broken::ProxyLogin, Some(through)) => through.denied(),
        (Broken::ProxyRefused, Some(through)) => error
            .doing("the proxy did not connect to the server")
            .hint(through.hint(host))
            .hints(through.doubt())
            .because(reason),
        (_, Some(through)) => error.hint(through.hint(host)).because(reason),
        (_, None) if connecting => error
            .hint(format!(
                "is {host} reachable from here? behind a proxy, name it in settings.xml or HTTPS_PROXY"
            ))
            .because(reason),
        (_, None) => error.because(reason),
    };
    Failure::new(
        broken.remedy(),
        error.doing(format!("fetching {}", shown(url))),
    )
}

/// The error of a certificate that is not trusted.
fn untrusted(error: Error, host: &str, why: Untrusted) -> Error {
    let hint = match why {
        Untrusted::Expired => {
            format!("the certificate of {host} is too old: who runs the server must renew it")
        }
        Untrusted::OtherHost => {
            format!(
                "the certificate is another host's: is {host} the name that the server goes by?"
            )
        }
        Untrusted::NotYet | Untrusted::Unknown => authorities::HINT.to_owned(),
    };
    error
        .doing(format!("the certificate of {host} is not trusted"))
        .hint(hint)
        .because(Reason::Untrusted)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect goes.
fn target(from: &Url, headers: &HeaderMap) -> Attempt<Url> {
    let refuse = |why: String| Error::new(why).doing(format!("fetching {}", shown(from)));
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| refuse("the server redirects, but does not say where".to_owned()))?;
    let mut next = from.join(location).map_err(|_| {
        refuse("the server redirects to something that is not an address".to_owned())
    })?;
    // Credentials that a server hands out are not the user's to send.
    let _ = Access::take_from(&mut next);
    next.set_fragment(None);
    match (from.scheme(), next.scheme()) {
        ("https", "http") => Err(refuse(format!(
            "the server redirects to {}, which is not encrypted",
            shown(&next)
        ))
        .into()),
        (_, "http" | "https") => Ok(next),
        (_, other) => Err(refuse(format!(
            "the server redirects to an address of the kind `{other}:`"
        ))
        .into()),
    }
}

/// Whether credentials for `start` may go to `url`: the same scheme, host and
/// port, or the same host with encryption added.
fn same_host(start: &Url, url: &Url) -> bool {
    start.origin() == url.origin()
        || (start.host() == url.host()
            && (start.scheme(), url.scheme()) == ("http", "https")
            && start.port().is_none()
            && url.port().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let start = url("https://a/x");
        assert!(same_host(&start, &url("https://a:443/y")));
        assert!(same_host(&url("http://a/x"), &start));
        for other in ["https://b/x", "https://a:8443/x", "http://a/x"] {
            assert!(!same_host(&start, &url(other)), "{other}");
        }
    }

    #[test]
    fn redirects_lose_encryption_never() {
        let go = |location: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            target(&url("https://a/x/y"), &headers).map_err(|failure| failure.error.report())
        };
        assert_eq!(go("../z").unwrap().as_str(), "https://a/z");
        assert_eq!(go("https://u:p@b/#f").unwrap().as_str(), "https://b/");
        assert!(go("http://a/x").unwrap_err().contains("not encrypted"));
        assert!(go("file:///etc/passwd").unwrap_err().contains("`file:`"));
    }
}
