//! What a resolution must know, and what it is told.

use std::collections::HashSet;
use std::sync::Arc;

use super::gav::Gav;
use super::pom::RawPom;

/// Something that must be known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A POM.
    Pom(Gav),
    /// All versions of an artifact.
    Versions {
        /// Its group.
        group: Arc<str>,
        /// Its name.
        artifact: Arc<str>,
    },
}

/// What is known now.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The POM.
    Pom(Arc<RawPom>),
    /// A POM that cannot be read, and why.
    Malformed(String),
    /// No repository has it.
    Missing,
    /// The versions, in any order.
    Versions(Vec<String>),
}

/// Each once.
pub(super) fn unique(requests: Vec<Request>) -> Vec<Request> {
    let mut seen = HashSet::new();
    requests
        .into_iter()
        .filter(|request| seen.insert(request.clone()))
        .collect()
}
