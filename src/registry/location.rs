//! `Location`, `Range` and `Content-Range`, as registries write them.

use url::Url;

use crate::error::{Error, Result};
use crate::fetch::redact;
use crate::image::Digest;

/// Where an upload goes on: `location` may be relative to the address that
/// answered, absolute, or on another host.
pub fn resolve(answered: &Url, location: &str) -> Result<Url> {
    let bad = || {
        Error::new(format!(
            "{} answered with the Location `{}`, which is not an address",
            redact::shown(answered),
            redact::shown_text(location)
        ))
    };
    let mut url = answered.join(location).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad());
    }
    // A registry behind a proxy that ends TLS often does not know that it is
    // reached by https. What began in safety is not sent in the open.
    let same_host = url.host() == answered.host();
    if answered.scheme() == "https" && url.scheme() == "http" && same_host {
        let port = url.port().filter(|port| *port != 80).or(answered.port());
        let _ = url.set_scheme("https");
        let _ = url.set_port(port);
    }
    Ok(url)
}

/// The address that finishes an upload: the session's own query stays.
pub fn with_digest(session: &Url, digest: &Digest) -> Url {
    let mut url = session.clone();
    let added = format!("digest=sha256%3A{}", digest.hex());
    let query = match session.query() {
        Some(query) if !query.is_empty() => format!("{query}&{added}"),
        _ => added,
    };
    url.set_query(Some(&query));
    url
}

/// Bytes that an upload session has, by its `Range` (`0-N`, both ends
/// included). Docker's registry writes `0-0` for none.
pub fn received(range: &str) -> Option<u64> {
    let range = range.trim();
    let range = range.strip_prefix("bytes").unwrap_or(range);
    let (first, last) = range.trim_start_matches([' ', '=']).split_once('-')?;
    if first.trim() != "0" {
        return None;
    }
    match last.trim().parse::<u64>().ok()? {
        0 => Some(0),
        last => last.checked_add(1),
    }
}

/// The first position in a `Content-Range` of an answer (`bytes A-B/SIZE`).
pub fn first_position(content_range: &str) -> Option<u64> {
    let range = content_range.trim().strip_prefix("bytes")?.trim_start();
    range.split_once('-')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn locations_are_resolved_and_never_leave_tls() {
        let at = url("https://r.example:5000/v2/a/blobs/uploads/");
        let to = |location: &str| resolve(&at, location).unwrap().to_string();
        assert_eq!(
            to("/v2/a/blobs/uploads/1?s=x"),
            "https://r.example:5000/v2/a/blobs/uploads/1?s=x"
        );
        assert_eq!(to("https://up.example/1"), "https://up.example/1");
        assert_eq!(to("http://r.example/1"), "https://r.example:5000/1");
        assert_eq!(to("http://r.example:80/1"), "https://r.example:5000/1");
        assert_eq!(to("http://r.example:5000/1"), "https://r.example:5000/1");
        assert!(resolve(&at, "ftp://r.example/1").is_err());
    }

    #[test]
    fn the_digest_is_added_to_the_query_as_it_is() {
        let digest = Digest::of(b"");
        let to = |session: &str| with_digest(&url(session), &digest).to_string();
        let end = format!("digest=sha256%3A{}", digest.hex());
        assert_eq!(to("https://r/u/1"), format!("https://r/u/1?{end}"));
        assert_eq!(
            to("https://r/u/1?_state=a%2Bb%3D"),
            format!("https://r/u/1?_state=a%2Bb%3D&{end}")
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_them(text in "\\PC*") {
            received(&text);
            first_position(&text);
            let _ = resolve(&url("https://r.example/v2/"), &text);
        }

        #[test]
        fn ranges_come_back(last in 1u64..u64::MAX) {
            prop_assert_eq!(received(&format!("0-{last}")), Some(last + 1));
            prop_assert_eq!(received(&format!("bytes=0-{last}")), Some(last + 1));
            prop_assert_eq!(first_position(&format!("bytes {last}-9/*")), Some(last));
        }
    }

    #[test]
    fn an_empty_session_has_nothing() {
        assert_eq!(received("0-0"), Some(0));
        assert_eq!(received("5-9"), None);
        assert_eq!(received("x"), None);
    }
}
