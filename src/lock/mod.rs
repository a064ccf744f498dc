//! `flinkpack.lock`: what was found, pinned.

/// Changes when the same inputs would give other layer bytes.
pub const LAYER_FORMAT: u32 = 1;
