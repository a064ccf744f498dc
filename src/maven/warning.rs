//! What is odd, and does not stop a resolution.

use super::gav::Gav;

/// What is odd, and did not stop a resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No repository has a dependency's POM: it counts as one without
    /// dependencies.
    MissingPom {
        /// Of what.
        gav: Gav,
        /// Whether the root itself needs it.
        is_direct: bool,
    },
    /// A POM makes no sense: it counts as one without dependencies.
    InvalidPom {
        /// Which.
        gav: Gav,
        /// What is wrong with it.
        why: String,
    },
}
