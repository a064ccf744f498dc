//! A file of a repository that is in the store.

use crate::image::Digest;
use crate::maven::Coordinates;

/// Where a file came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The store had it.
    Cache,
    /// `~/.m2/repository` had it.
    LocalRepository,
    /// It was fetched.
    Network,
}

/// A file that is in the store.
#[derive(Clone, Debug)]
pub struct MavenFile {
    /// What it is; of a snapshot the dated version, where there is one.
    pub coordinate: Coordinates,
    /// Its digest: the blob's name in the store.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it came from first, without secrets; empty where only a pin led to it.
    pub url_shown: String,
    /// Where it came from now.
    pub from: Origin,
}
