//! flinkpack: from flinkpack.toml to a Flink image that runs.

pub mod base;
pub mod catalogue;
pub mod error;
pub mod fetch;
pub mod image;
pub mod manifest;
pub mod report;
pub mod resolve;
pub mod stage;
pub mod store;
