//! flinkpack: from flinkpack.toml to a Flink image that runs.

pub mod base;
pub mod catalogue;
pub mod cli;
pub mod daemon;
pub mod error;
pub mod fetch;
pub mod image;
pub mod layer;
pub mod lock;
pub mod manifest;
pub mod ops;
pub mod registry;
pub mod report;
pub mod resolve;
pub mod sink;
pub mod stage;
pub mod store;
