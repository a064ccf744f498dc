//! All integration tests, in one binary.

mod architecture;
mod cli;
mod directions;
mod e2e;
mod maven;
mod registry;
mod support;
