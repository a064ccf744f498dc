//! Where images go.

pub mod daemon;
