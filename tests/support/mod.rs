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
pub mod tinyproxy;
pub mod tls;
pub mod tokens;
