//! Base images: where they are, what they hold.

pub mod facts;
pub mod label;
pub mod scan;
pub mod tree;
pub mod version;

pub use facts::{BaseFacts, Node, NodeKind};
pub use version::FlinkVersion;
