//! One request to a registry, in a form that can be sent again.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use url::Url;

use super::body::Body;
use super::transport::Answer;

/// The first answer tells how to log in; a token may have been revoked since.
const RENEWALS: usize = 2;

/// One thing asked of a registry. It can be sent again at any time.
#[derive(Clone)]
pub(super) struct Call {
    pub method: Method,
    pub to: To,
    pub headers: HeaderMap,
    pub body: Body,
    /// What a token for it must allow.
    pub scopes: Arc<[String]>,
    /// How often another login is tried after a 401.
    pub renewals: usize,
    /// In words, for errors.
    pub doing: String,
}

/// Where a call goes.
#[derive(Clone)]
pub(super) enum To {
    /// Below `/v2/` of the registry: path and query.
    Path(String),
    /// To where an earlier answer pointed.
    Url(Url),
}

impl Call {
    pub(super) fn new(method: Method, path: String, scopes: &Arc<[String]>, doing: String) -> Call {
        Call {
            method,
            to: To::Path(path),
            headers: HeaderMap::new(),
            body: Body::Empty,
            scopes: Arc::clone(scopes),
            renewals: RENEWALS,
            doing,
        }
    }

    pub(super) fn at(method: Method, url: Url, scopes: &Arc<[String]>, doing: String) -> Call {
        Call {
            to: To::Url(url),
            ..Call::new(method, String::new(), scopes, doing)
        }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.append(name, value);
        self
    }

    /// The login that there is has to do: a 401 is the answer.
    pub(super) fn without_renewal(self) -> Call {
        Call {
            renewals: 0,
            ..self
        }
    }

    pub(super) fn body(mut self, body: Body) -> Call {
        self.body = body;
        self
    }
}

/// Where to go on, if the answer is a redirect that may be followed: of a
/// request with a body only one that keeps method and body.
pub(super) fn redirect(method: &Method, answer: &Answer) -> Option<Url> {
    let reading = *method == Method::GET || *method == Method::HEAD;
    let follows = match answer.status.as_u16() {
        301..=303 => reading,
        307 | 308 => true,
        _ => false,
    };
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let next = answer.url.join(location).ok()?;
    let web = matches!(next.scheme(), "http" | "https");
    (follows && web).then_some(next)
}
