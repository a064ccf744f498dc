//! Texts that must not be shown.

use std::fmt;

/// A password or token. It prints as `…`, whatever asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the request that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with this secret blotted out, should a server repeat it.
    pub fn scrub(&self, text: &str) -> String {
        // Blotting out every "a" would spoil the text and hide nothing.
        if self.0.len() < 4 {
            return text.to_string();
        }
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
