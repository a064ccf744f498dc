//! Servers and helpers that several tests use.

pub mod authority;
pub mod base;
pub mod daemon;
pub mod docker;
pub mod dockerd;
pub mod faults;
pub mod flink;
pub mod hosts;
pub mod http;
pub mod images;
pub mod maven;
pub mod nginx;
pub mod podman;
pub mod process;
pub mod project;
pub mod registry;
pub mod routes;
pub mod signer;
pub mod tinyproxy;
pub mod tls;
pub mod tokens;

/// Class files, as the crate's own tests make them.
#[path = "../../src/jar/samples.rs"]
#[allow(dead_code)]
pub mod classes;
