//! Signed JARs: whether the JVM takes their classes as they are.
//!
//! Source: the JAR File Specification, "Signed JAR File", and the JDK's
//! `java.util.jar.JarVerifier` and `sun.security.util.SignatureFileVerifier`.
//! Who signed is not looked at, since the JVM of Flink trusts anybody.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Digests that both this and the JVM know, the usual one first.
const DIGESTS: [&str; 4] = ["SHA-256", "SHA-384", "SHA-512", "SHA1"];

/// The file that names what was signed.
pub(super) const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// Stem and end of a file right in META-INF, in capitals.
fn stem_and_end(name: &str) -> Option<(String, String)> {
    let (stem, end) = name.strip_prefix("META-INF/")?.rsplit_once('.')?;
    (!stem.contains('/')).then(|| (stem.to_ascii_uppercase(), end.to_ascii_uppercase()))
}

fn is_block(end: &str) -> bool {
    matches!(end, "RSA" | "DSA" | "EC")
}

/// Whether an entry may be part of a signature.
pub(super) fn is_part(name: &str) -> bool {
    let end = stem_and_end(name).map(|(_, end)| end);
    name == MANIFEST || end.is_some_and(|end| end == "SF" || is_block(&end))
}

/// Of the entries that [`is_part`] took, each `.SF` file that has the file with the
/// signature itself beside it: what is not signed with one is not signed.
pub(super) fn files<P: Copy>(parts: &[(String, P)]) -> Vec<P> {
    let parts: Vec<_> = parts
        .iter()
        .filter_map(|(name, place)| Some((stem_and_end(name)?, place)))
        .collect();
    let is_signed = |stem: &str| {
        let mut parts = parts.iter();
        parts.any(|((other, end), _)| other == stem && is_block(end))
    };
    let signed = parts
        .iter()
        .filter(|((stem, end), _)| end == "SF" && is_signed(stem));
    signed.map(|(_, place)| **place).collect()
}

/// What the JVM says of a manifest that is not the one that was signed.
pub(super) fn manifest_problem(manifest: &[u8], signature: &[u8]) -> Option<String> {
    let told = attributes(main_section(signature));
    let mut known = false;
    for digest in DIGESTS {
        let Some(whole) = told.get(&format!("{digest}-Digest-Manifest")) else {
            continue;
        };
        known = true;
        if digest_of(digest, manifest).as_ref() == Some(whole) {
            return None;
        }
        // A manifest that others added sections to is taken all the same.
        let main = told.get(&format!("{digest}-Digest-Manifest-Main-Attributes"));
        if main.is_none_or(|main| digest_of(digest, main_section(manifest)).as_ref() == Some(main))
        {
            return None;
        }
    }
    known.then(|| "Invalid signature file digest for Manifest main attributes".to_string())
}

/// Digests by the names of the entries, as the manifest has them.
pub(super) fn entries(manifest: &[u8]) -> BTreeMap<String, (&'static str, String)> {
    let text = String::from_utf8_lossy(manifest).replace("\r\n", "\n");
    let mut entries = BTreeMap::new();
    for section in text.split("\n\n").skip(1) {
        let told = attributes(section.trim_start_matches('\n').as_bytes());
        let digest = DIGESTS.iter().find_map(|digest| {
            let value = told.get(&format!("{digest}-Digest"))?;
            Some((*digest, value.clone()))
        });
        if let (Some(name), Some(digest)) = (told.get("Name"), digest) {
            entries.insert(name.clone(), digest);
        }
    }
    entries
}

/// The digest of an entry's bytes, in Base64.
pub(super) fn digest_of(digest: &str, bytes: &[u8]) -> Option<String> {
    Some(match digest {
        "SHA-256" => STANDARD.encode(Sha256::digest(bytes)),
        "SHA-384" => STANDARD.encode(Sha384::digest(bytes)),
        "SHA-512" => STANDARD.encode(Sha512::digest(bytes)),
        "SHA1" => STANDARD.encode(Sha1::digest(bytes)),
        _ => return None,
    })
}

/// The first section, with the empty line that ends it.
fn main_section(text: &[u8]) -> &[u8] {
    for end in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = text.windows(end.len()).position(|window| window == end) {
            return &text[..at + end.len()];
        }
    }
    text
}

fn attributes(section: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(section)
        .replace("\r\n", "\n")
        .replace("\n ", "");
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    pairs
        .map(|(key, value)| (key.to_string(), value.trim().to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_needs_its_block() {
        let found = |all: &[&str]| {
            let parts = all.iter().filter(|name| is_part(name));
            let parts: Vec<_> = parts.map(|name| (name.to_string(), *name)).collect();
            files(&parts)
                .into_iter()
                .map(str::to_string)
                .collect::<Vec<_>>()
        };
        let all = [
            "META-INF/a.sf",
            "META-INF/A.RSA",
            "META-INF/B.SF",
            MANIFEST,
            "a/B.class",
        ];
        assert_eq!(found(&all), ["META-INF/a.sf"]);
        assert!(found(&["META-INF/x/A.SF", "META-INF/x/A.RSA"]).is_empty());
    }

    #[test]
    fn a_manifest_may_grow_but_not_change() {
        let main = b"Manifest-Version: 1.0\r\n\r\n";
        let whole = [&main[..], b"Name: a/A.class\r\nSHA-256-Digest: x\r\n\r\n"].concat();
        let signature = format!(
            "Signature-Version: 1.0\r\nSHA-256-Digest-Manifest-Main-Attributes: {}\r\nSHA-256-Digest-Manifest: {}\r\n\r\n",
            digest_of("SHA-256", main).unwrap(),
            digest_of("SHA-256", &whole).unwrap()
        );
        let problem = |manifest: &[u8]| manifest_problem(manifest, signature.as_bytes());
        assert_eq!(problem(&whole), None);
        let more = [&whole[..], b"Name: a/B.class\r\n\r\n"].concat();
        assert_eq!(problem(&more), None);
        assert!(problem(b"Manifest-Version: 1.0\r\nBuilt-By: x\r\n\r\n").is_some());
        assert_eq!(entries(&whole)["a/A.class"], ("SHA-256", "x".to_string()));
    }
}
