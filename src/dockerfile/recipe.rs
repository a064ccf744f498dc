//! What is read of a Dockerfile.

use std::collections::BTreeMap;

use super::rootfs::Rootfs;

/// What is read of a Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// The image that the last stage stands on in the end.
    pub base: String,
    /// The files.
    pub rootfs: Rootfs,
    /// What ENV sets.
    pub env: BTreeMap<String, String>,
    /// Defaults of ARG.
    pub args: BTreeMap<String, String>,
    /// What LABEL sets.
    pub labels: BTreeMap<String, String>,
    /// The words of CMD, where it is a list.
    pub command: Vec<String>,
    /// What was left alone.
    pub left: Vec<Left>,
}

/// Something that was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its line, from 1.
    pub line: usize,
    /// The beginning of its text.
    pub text: String,
    /// Why, in a few words.
    pub why: String,
}
