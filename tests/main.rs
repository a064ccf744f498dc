//! All integration tests, in one binary.

mod maven;
mod registry;
mod support;
