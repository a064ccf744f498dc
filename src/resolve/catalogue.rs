//! Releases of catalogue entries for a base.

use super::Repositories;
use crate::base::BaseFacts;
use crate::catalogue::{Entry, SelectError, Selected, Wanted};
use crate::error::{Error, Result};
use crate::report::Report;

/// Picks the release of an entry for a base.
pub async fn select(
    entry: &Entry,
    version: &str,
    facts: &BaseFacts,
    _maven: &Repositories,
    _report: &Report,
) -> Result<Selected> {
    let wanted = match version {
        "auto" => Wanted::Auto,
        version => Wanted::Version(version),
    };
    entry
        .select(wanted, facts.flink.as_str(), Some(&facts.scala))
        .map_err(error)
}

/// An error where this Flink never had the entry, or has dropped it.
pub fn exists(entry: &Entry, facts: &BaseFacts) -> Result<()> {
    entry.exists(facts.flink.as_str()).map_err(error)
}

fn error(error: SelectError) -> Error {
    let hint = error.hint();
    let out = Error::usage(error.to_string());
    match hint {
        Some(hint) => out.hint(hint),
        None => out,
    }
}
