//! What is known of a layer without its bytes.

use serde::{Deserialize, Serialize};

use crate::image::Digest;

/// What the store knows of a layer whose inputs it has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    /// Digest of the compressed bytes.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Size of the compressed bytes.
    pub size: u64,
}
