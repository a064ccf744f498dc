//! Names of classes with the hashes that they are looked for by, and hash tables
//! for what is a number already.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Odd, and another one in each process: nobody can make names or numbers that
/// fall into one place of a table.
static FACTOR: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

/// A class's name, with slashes, and its hash. Two names with one hash count as
/// the same: among a million names there are such by a chance of one in 10⁷.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The name.
    pub text: &'a str,
    /// Its hash, the same as long as the process lives.
    pub hash: u64,
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Name<'a> {
        let hash = hash(text);
        Name { text, hash }
    }
}

/// The hash of a name.
pub(super) fn hash(text: &str) -> u64 {
    let factor = *FACTOR;
    let mut hash = text.len() as u64;
    let mut add = |word: u64| {
        hash = (hash ^ word).wrapping_mul(factor);
        hash ^= hash >> 29;
    };
    let mut words = text.as_bytes().chunks_exact(8);
    for word in &mut words {
        add(u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    let rest = words.remainder();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    add(u64::from_le_bytes(last));
    add(factor.rotate_left(32));
    hash
}

/// A table by numbers.
pub type Numbered<K, V> = HashMap<K, V, Scatter>;

/// Hashes numbers by one multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scatter;

impl BuildHasher for Scatter {
    type Hasher = Scattered;

    fn build_hasher(&self) -> Scattered {
        Scattered(0)
    }
}

/// A number being hashed.
#[derive(Clone, Copy, Debug)]
pub struct Scattered(u64);

impl Hasher for Scattered {
    fn finish(&self) -> u64 {
        // The upper bits of a product are the good ones, and tables take the lower.
        self.0.rotate_left(32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(*FACTOR);
        self.0 ^= self.0 >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_other_hashes() {
        let mut names: Vec<String> = (0..50_000).map(|at| format!("org/acme/C{at}")).collect();
        names.extend((0..200).map(|length| "a".repeat(length)));
        names.extend((1..9).map(|length| "\0".repeat(length)));
        let mut hashes: Vec<u64> = names.iter().map(|name| hash(name)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), names.len());
        assert_eq!(Name::from("a/B").hash, hash("a/B"));
    }
}
