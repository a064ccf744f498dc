//! All integration tests, in one binary.

mod e2e;
mod maven;
mod registry;
mod support;
