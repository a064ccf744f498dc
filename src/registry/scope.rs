//! Scopes: what a token allows (Docker's "Token Scope Documentation").

use std::sync::Arc;

/// For reading from a repository.
pub(super) fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

/// For reading from a repository and writing to it.
pub(super) fn push_scope(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

/// The rights to the first repository, and the one to delete in it, which Docker's
/// registry wants for an upload, too. Many users have no such right, so it is asked
/// for only after a push's own token was refused.
pub(super) fn deleting(scopes: &[String]) -> Arc<[String]> {
    let first = scopes.first().map(|own| format!("{own},delete"));
    first.into_iter().collect()
}

/// The repository that a call is about, which its first scope names: a user may
/// have credentials for a part of a registry.
pub(super) fn repository(scopes: &[String]) -> &str {
    scopes
        .first()
        .and_then(|scope| scope.strip_prefix("repository:")?.rsplit_once(':'))
        .map_or("", |(repository, _)| repository)
}
