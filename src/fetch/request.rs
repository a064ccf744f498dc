//! What is asked of a server of files, and the errors before it answers.

use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use url::Url;

use super::access::Access;
use super::proxy::Proxies;
use super::redact::shown;
use super::retry::{Advice, Patience};
use crate::error::{Error, Reason};
use crate::image::Digest;

/// What is to be fetched, and how.
#[derive(Clone)]
pub struct Request<'a> {
    /// The address, http or https.
    pub url: &'a Url,
    /// Its name in progress lines.
    pub name: &'a str,
    /// Credentials for the address's host.
    pub access: Option<&'a Access>,
    /// The content that is wanted: anything else is an error
    /// ([`Reason::DigestMismatch`]).
    pub sha256: Option<Digest>,
    /// The most bytes that are taken.
    pub limit: Option<u64>,
    /// Refuse, with an error ([`Reason::Offline`]).
    pub offline: bool,
    /// Whether SHA-1 and MD5 are wanted too.
    pub sums: bool,
    /// Proxies that stand in for the environment's.
    pub proxies: Option<&'a Proxies>,
    /// How often to try.
    pub patience: Patience,
}

impl<'a> Request<'a> {
    /// A request for this address, with no credentials, wishes or limits.
    pub fn new(url: &'a Url, name: &'a str) -> Request<'a> {
        Request {
            url,
            name,
            access: None,
            sha256: None,
            limit: None,
            offline: false,
            sums: false,
            proxies: None,
            patience: Patience::default(),
        }
    }
}

/// What a user can do about a server that fails.
pub(super) const ADVICE: Advice = Advice {
    wait_too_long: |seconds| {
        format!(
            "the server asks to wait for {seconds} s: try again later, or name another repository or mirror"
        )
    },
    gave_up: |attempts| format!("{attempts} attempts were made"),
};

/// The announced size of a body in bytes.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn refuse_offline(url: &Url) -> Error {
    Error::new(format!("fetching {} would need the network", shown(url)))
        .hint("run once without --offline, so that the cache holds it")
        .because(Reason::Offline)
}

pub(super) fn too_large(url: &Url, limit: u64) -> Error {
    Error::new(format!("the file has more than {limit} bytes"))
        .doing(format!("fetching {}", shown(url)))
        .because(Reason::TooLarge)
}
