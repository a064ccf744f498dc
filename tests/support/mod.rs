//! Servers and helpers that several tests use.

pub mod base;
pub mod daemon;
pub mod docker;
pub mod faults;
pub mod flink;
pub mod http;
pub mod images;
pub mod maven;
pub mod project;
pub mod registry;
pub mod routes;
pub mod tokens;
