//! Results as people read them, and as programs do: a file for each kind of result.

pub mod cache;
pub mod check;
pub mod delivery;
pub mod forecast;
pub mod inspection;
pub mod layers;
pub mod plugins;
pub mod tree;

/// `1 file`, `3 files`.
pub fn count(number: usize, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}
