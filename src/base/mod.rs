//! Base images: where they are, what they hold.

pub mod export;
pub mod facts;
pub mod label;
pub mod scan;
pub mod spec;
pub mod tree;
pub mod version;

pub use facts::{BaseFacts, Node, NodeKind};
pub use version::FlinkVersion;
