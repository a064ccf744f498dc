//! What can be wrong with a resolution.

use super::Gav;

/// Why a resolution has no result. A path names the coordinates that led there,
/// from the root's dependency on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The POM of a parent or an imported BOM is nowhere.
    #[error("{missing}, the {relation} of {of}, is in no repository{}", via(.path))]
    MissingModel {
        /// What is missing.
        missing: String,
        /// `parent`, or `imported BOM`.
        relation: &'static str,
        /// The POM that names it.
        of: String,
        /// What led there.
        path: Vec<String>,
    },
    /// A range that no known version is in.
    #[error("no version of {group}:{artifact} is in {range}{}", via(.path))]
    NoVersion {
        /// The group.
        group: String,
        /// The artifact.
        artifact: String,
        /// The range as written, or `LATEST`, `RELEASE`.
        range: String,
        /// What led there.
        path: Vec<String>,
    },
    /// A version that begins as a range and is none.
    #[error("`{range}` of {group}:{artifact} is not a range of versions: {why}{}", via(.path))]
    BadRange {
        /// The group.
        group: String,
        /// The artifact.
        artifact: String,
        /// The text.
        range: String,
        /// What is wrong with it.
        why: &'static str,
        /// What led there.
        path: Vec<String>,
    },
    /// Ranges that exclude each other.
    #[error("no version of {artifact} suits everyone who needs it: {}", .wanted.join("; "))]
    Unsolvable {
        /// `group:artifact`, with classifier and extension where they matter.
        artifact: String,
        /// Each range or version that is wanted, with the path to it.
        wanted: Vec<String>,
    },
    /// Relocations that lead back.
    #[error("{from} was relocated in a circle{}", via(.path))]
    RelocationCycle {
        /// Where it begins.
        from: Gav,
        /// What led there.
        path: Vec<String>,
    },
    /// The root's own declarations make no sense.
    #[error("{why}")]
    Root {
        /// What is wrong with them.
        why: String,
    },
    /// More of something than real projects have.
    #[error("the dependencies have more than {limit} {what}{}", via(.path))]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
        /// What led there.
        path: Vec<String>,
    },
}

fn via(path: &[String]) -> String {
    match path {
        [] => String::new(),
        path => format!(" (needed by {})", path.join(" > ")),
    }
}
