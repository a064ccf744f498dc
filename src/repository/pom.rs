//! What a repository has for a POM.

use std::sync::Arc;

use crate::maven::RawPom;

/// What a repository has under a POM's name.
#[derive(Clone, Debug)]
pub enum Pom {
    /// A POM.
    Read(Arc<RawPom>),
    /// Something that is none, and why.
    Malformed(String),
}
