//! What a repository says that a file's checksum is.

use reqwest::header::{ETAG, HeaderMap};

use crate::error::{Error, Reason, Result};
use crate::fetch::Body;
use crate::image::Digest;

/// A checksum, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Sha256(Digest),
    Sha1([u8; 20]),
    Md5([u8; 16]),
}

impl Sum {
    /// From 64, 40 or 32 hex digits.
    fn from_hex(text: &str) -> Option<Sum> {
        match text.len() {
            64 => Digest::from_hex(text).ok().map(Sum::Sha256),
            40 => {
                let mut bytes = [0; 20];
                hex::decode_to_slice(text, &mut bytes).ok()?;
                Some(Sum::Sha1(bytes))
            }
            32 => {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes).ok()?;
                Some(Sum::Md5(bytes))
            }
            _ => None,
        }
    }

    /// The one in the headers of an answer, strongest first: those of common
    /// repository servers, of object stores, and the entity tag of Nexus 2
    /// (`{SHA1{…}}`).
    pub(super) fn of_headers(headers: &HeaderMap) -> Option<Sum> {
        const NAMES: [&str; 6] = [
            "x-checksum-sha256",
            "x-goog-meta-checksum-sha256",
            "x-checksum-sha1",
            "x-goog-meta-checksum-sha1",
            "x-checksum-md5",
            "x-goog-meta-checksum-md5",
        ];
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = |name: &str| {
            let sum = Sum::from_hex(text(name)?.trim())?;
            let fits = name.ends_with(sum.extension());
            fits.then_some(sum)
        };
        NAMES.into_iter().find_map(named).or_else(|| {
            let tag = text(ETAG.as_str())?.trim_matches('"');
            Sum::from_hex(tag.strip_prefix("{SHA1{")?.strip_suffix("}}")?)
        })
    }

    /// The one in a `.sha1` or `.md5` file: the digits alone, or with the
    /// file's name before or after them.
    pub(super) fn of_file(bytes: &[u8], extension: &str) -> Option<Sum> {
        let text = std::str::from_utf8(bytes).ok()?;
        if looks_like_html(bytes) {
            return None;
        }
        text.split_whitespace()
            .filter_map(Sum::from_hex)
            .find(|sum| sum.extension() == extension)
    }

    fn extension(self) -> &'static str {
        match self {
            Sum::Sha256(_) => "sha256",
            Sum::Sha1(_) => "sha1",
            Sum::Md5(_) => "md5",
        }
    }

    /// Compares; for SHA-256 the comparison is left to the body itself.
    pub(super) fn check(self, body: &mut Body, shown: &str) -> Result<()> {
        let written = &body.written;
        match self {
            Sum::Sha256(digest) => {
                body.want(digest);
                Ok(())
            }
            Sum::Sha1(wanted) => compare("SHA-1", written.sha1.map(hex::encode), wanted, shown),
            Sum::Md5(wanted) => compare("MD5", written.md5.map(hex::encode), wanted, shown),
        }
    }

    /// Compares with bytes in memory.
    pub(super) fn check_bytes(self, bytes: &[u8], shown: &str) -> Result<()> {
        use sha1::Digest as _;
        match self {
            Sum::Sha256(wanted) => {
                let wanted = hex::decode(wanted.hex()).unwrap_or_default();
                compare("SHA-256", Some(Digest::of(bytes).hex()), wanted, shown)
            }
            Sum::Sha1(wanted) => {
                let found = hex::encode(sha1::Sha1::digest(bytes));
                compare("SHA-1", Some(found), wanted, shown)
            }
            Sum::Md5(wanted) => {
                let found = hex::encode(md5::Md5::digest(bytes));
                compare("MD5", Some(found), wanted, shown)
            }
        }
    }
}

fn compare(kind: &str, found: Option<String>, wanted: impl AsRef<[u8]>, shown: &str) -> Result<()> {
    let wanted = hex::encode(wanted);
    match found {
        Some(found) if found != wanted => Err(Error::new(format!(
            "its {kind} is {found}, but the repository says {wanted}"
        ))
        .doing(format!("checking {shown}"))
        .hint("the file was damaged on the way or in the repository: clear the proxy's cache, or name another repository")
        .because(Reason::DigestMismatch)),
        _ => Ok(()),
    }
}

/// Whether this is a web page, such as the login page of a proxy.
pub(super) fn looks_like_html(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(512)]).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn files_have_several_forms() {
        for text in [
            SHA1.to_owned(),
            format!("{SHA1}\n"),
            format!("{SHA1}  a-1.jar"),
            format!("SHA1(a-1.jar)= {SHA1}"),
            SHA1.to_uppercase(),
        ] {
            assert_eq!(
                Sum::of_file(text.as_bytes(), "sha1"),
                Sum::from_hex(SHA1),
                "{text}"
            );
        }
        for text in [
            "",
            "<html>da39a3ee5e6b4b0d3255bfef95601890afd80709</html>",
            MD5,
            "\u{0}",
        ] {
            assert_eq!(Sum::of_file(text.as_bytes(), "sha1"), None, "{text}");
        }
        let page = format!("<!DOCTYPE html>\n{SHA1}");
        assert_eq!(Sum::of_file(page.as_bytes(), "sha1"), None);
    }

    #[test]
    fn headers_are_read_strongest_first() {
        let mut headers = HeaderMap::new();
        assert_eq!(Sum::of_headers(&headers), None);
        headers.insert(ETAG, format!("\"{{SHA1{{{SHA1}}}}}\"").parse().unwrap());
        assert_eq!(Sum::of_headers(&headers), Sum::from_hex(SHA1));
        headers.insert("x-goog-meta-checksum-md5", MD5.parse().unwrap());
        assert_eq!(Sum::of_headers(&headers), Sum::from_hex(MD5));
        headers.insert("x-checksum-sha1", SHA1.parse().unwrap());
        assert_eq!(Sum::of_headers(&headers), Sum::from_hex(SHA1));
        headers.insert("x-checksum-sha256", "no sum".parse().unwrap());
        assert_eq!(Sum::of_headers(&headers), Sum::from_hex(SHA1));
    }

    #[test]
    fn pages_are_seen() {
        assert!(looks_like_html(b"\n <!DOCTYPE HTML><title>Sign in"));
        assert!(!looks_like_html(b"PK\x03\x04"));
        assert!(!looks_like_html(b"<?xml version=\"1.0\"?><project>"));
    }
}
