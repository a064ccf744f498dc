//! `flinkpack base`: base images that projects share.

pub mod build;
mod context;
