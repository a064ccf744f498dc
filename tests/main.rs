//! All integration tests, in one binary.

mod architecture;
mod cli;
mod maven;
mod registry;
mod support;
