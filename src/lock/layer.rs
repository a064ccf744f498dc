//! A layer in the lock file.

use serde::{Deserialize, Serialize};

use crate::image::Digest;

/// What a layer came to, so that a registry can be asked for it before its JARs
/// are fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedLayer {
    /// Its name: that of its JAR, or of the kind of several.
    pub name: String,
    /// Digest of the compressed bytes: what its JARs have as `layer`.
    pub digest: Digest,
    /// Digest of the uncompressed tar, which the image configuration names.
    pub diff_id: Digest,
    /// Size of the compressed bytes.
    pub size: u64,
    /// Binds the digests to what the layer is made of. Lines that were edited by
    /// hand, or merged from two branches, do not fit it, and are not used.
    pub seal: Digest,
}

impl LockedLayer {
    /// The record of a layer; `inputs` stands for everything that decides its
    /// bytes.
    pub fn new(name: &str, inputs: &str, digest: Digest, diff_id: Digest, size: u64) -> Self {
        LockedLayer {
            name: name.to_string(),
            digest,
            diff_id,
            size,
            seal: seal(inputs, &digest, &diff_id, size),
        }
    }

    /// Whether this was written for these inputs, and not changed since.
    pub fn is_of(&self, inputs: &str) -> bool {
        self.seal == seal(inputs, &self.digest, &self.diff_id, self.size)
    }
}

fn seal(inputs: &str, digest: &Digest, diff_id: &Digest, size: u64) -> Digest {
    Digest::of(format!("{inputs}\n{digest}\n{diff_id}\n{size}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_and_the_inputs_are_bound() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let right = LockedLayer::new("kafka", "inputs", a, b, 7);
        assert!(right.is_of("inputs"));
        assert!(!right.is_of("others"));
        for wrong in [
            LockedLayer {
                digest: b,
                ..right.clone()
            },
            LockedLayer {
                diff_id: a,
                ..right.clone()
            },
            LockedLayer {
                size: 8,
                ..right.clone()
            },
            LockedLayer {
                seal: a,
                ..right.clone()
            },
        ] {
            assert!(!wrong.is_of("inputs"), "{wrong:?}");
        }
    }
}
