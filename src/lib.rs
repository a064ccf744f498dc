//! flinkpack: from flinkpack.toml to a Flink image that runs.

pub mod error;
pub mod fetch;
pub mod image;
pub mod registry;
pub mod report;
pub mod sink;
pub mod store;
