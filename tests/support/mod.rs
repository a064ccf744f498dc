//! Servers and helpers that several tests use.

pub mod maven;
