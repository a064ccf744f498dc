//! flinkpack: from flinkpack.toml to a Flink image that runs.

pub mod error;
pub mod fetch;
pub mod image;
pub mod report;
pub mod store;
