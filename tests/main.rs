//! All integration tests, in one binary.

mod registry;
mod support;
