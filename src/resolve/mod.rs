//! From what a manifest names to JARs in the store.

pub mod catalogue;
pub mod maven;
