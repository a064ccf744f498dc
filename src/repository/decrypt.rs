//! Passwords that Maven encrypted: `{…}`.
//!
//! The form is that of plexus-cipher: base 64 of an 8-byte salt, one byte that
//! counts the filling at the end, and AES-128 in CBC mode with PKCS #7
//! padding; key and start are the two halves of SHA-256 over the pass phrase
//! and the salt. The pass phrase of a server's password is the master
//! password of `settings-security.xml`, whose own is a constant: this hides
//! passwords from a glance, not from an attacker who has both files.

use std::path::{Path, PathBuf};

use aes::Aes128;
use base64::Engine as _;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use sha2::{Digest as _, Sha256};

use super::environment::Environment;
use super::settings_file::{filled, read_bounded};
use super::xml;
use crate::error::{Context, Error, Result};
use crate::fetch::Secret;

const MASTER_PHRASE: &str = "settings.security";

/// `settings-security.xml` may point to another one, and so on.
const MAX_RELOCATIONS: usize = 5;

/// The password that is meant: variables filled in, decrypted.
pub(super) fn password(written: &Secret, environment: &Environment) -> Result<Secret> {
    let written = Secret::new(filled(written.expose(), "password", environment)?);
    match encrypted(written.expose()) {
        Some(inner) => decrypt(inner, environment)
            .doing(|| "decrypting the password")
            .hint(|| "Maven's guide to password encryption says how it is set up"),
        None => Ok(written),
    }
}

/// The part between the first brace that is not escaped and its partner, if
/// `text` has an encrypted part.
fn encrypted(text: &str) -> Option<&str> {
    let plain = |at: usize| !text[..at].ends_with('\\');
    let start = text
        .match_indices('{')
        .map(|(at, _)| at)
        .find(|&at| plain(at))?;
    // `${env.X}` is an expression that was not filled in.
    if text[..start].ends_with('$') {
        return None;
    }
    let end = start
        + text[start..]
            .match_indices('}')
            .map(|(at, _)| at)
            .find(|&at| plain(start + at))?;
    Some(&text[start + 1..end])
}

/// The password that `encrypted` hides.
fn decrypt(encrypted: &str, environment: &Environment) -> Result<Secret> {
    let path = match environment.option("settings.security") {
        Some(path) => PathBuf::from(path),
        None => environment
            .home()
            .ok_or_else(|| Error::new("HOME is not set"))?
            .join(".m2/settings-security.xml"),
    };
    let master = master(&path, environment)?;
    open(encrypted, &master).ok_or_else(|| {
        Error::new(format!(
            "the master password of {} does not open it",
            path.display()
        ))
    })
}

fn master(first: &Path, environment: &Environment) -> Result<Secret> {
    let mut path = first.to_path_buf();
    for _ in 0..MAX_RELOCATIONS {
        let shown = path.display().to_string();
        let text = read_bounded(&path)?.ok_or_else(|| {
            Error::new(format!("there is no {shown}"))
                .hint("`mvn --encrypt-master-password` makes what belongs into it")
        })?;
        let document = xml::parse(&text, &shown)?;
        let root = document.root_element();
        if let Some(other) = xml::text(root, "relocation") {
            path = PathBuf::from(environment.interpolate(other));
            continue;
        }
        let master = xml::text(root, "master")
            .ok_or_else(|| Error::new(format!("{shown} has no <master>")))?;
        let inner = encrypted(master)
            .ok_or_else(|| Error::new(format!("<master> in {shown} is not of the form {{…}}")))?;
        return open(inner, &Secret::new(MASTER_PHRASE))
            .ok_or_else(|| Error::new(format!("<master> in {shown} is damaged")));
    }
    Err(Error::new("too many relocations")).doing(|| format!("reading {}", first.display()))
}

fn open(text: &str, phrase: &Secret) -> Option<Secret> {
    let tight: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(tight)
        .ok()?;
    let (salt, rest) = bytes.split_at_checked(8)?;
    let (filling, rest) = rest.split_first()?;
    let length = rest.len().checked_sub(usize::from(*filling))?;
    let mut content = rest[..length].to_vec();
    let mut hasher = Sha256::new();
    hasher.update(phrase.expose());
    hasher.update(salt);
    let both = hasher.finalize();
    let (key, start) = both.split_at(16);
    let plain = cbc::Decryptor::<Aes128>::new_from_slices(key, start)
        .ok()?
        .decrypt_padded::<Pkcs7>(&mut content)
        .ok()?;
    Some(Secret::new(std::str::from_utf8(plain).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by Maven 3.8.7's own --encrypt-master-password and --encrypt-password.
    const MASTER: &str = "6jFkJnZ1L0UHN+wbzduK2FnochOVWnj3np/krvVHM6Y=";
    const PASSWORD: &str = "d8GRABkvb1sHndZc5DVHdNDpXUO4GyjT2LZFzJHqZgs=";

    #[test]
    fn what_maven_encrypted_is_read() {
        let master = open(MASTER, &Secret::new(MASTER_PHRASE)).unwrap();
        assert_eq!(master.expose(), "master words");
        assert_eq!(open(PASSWORD, &master).unwrap().expose(), "pa55 wörd");
        assert!(open(PASSWORD, &Secret::new("other")).is_none());
    }

    #[test]
    fn the_encrypted_part_may_stand_in_a_comment() {
        assert_eq!(encrypted("expires soon {abc=} call me"), Some("abc="));
        for plain in ["secret", "a\\{b\\}", "{", "}{", "${env.X}"] {
            assert_eq!(encrypted(plain), None, "{plain}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = encrypted(&text);
            let _ = open(&base64::engine::general_purpose::STANDARD.encode(bytes), &Secret::new("x"));
        }
    }
}
