//! `flinkpack lock`: resolves, and writes or checks the lock file.

use crate::error::{Error, Exit, Result};
use crate::lock::Lock;
use crate::ops::Session;
use crate::ops::build::locked_layers::Trusted;
use crate::ops::build::resolved::{Inputs, find};

/// Writes the lock file, or with `check` only says what it would change (an
/// error with exit code 3). Answers the changes, a line each.
pub async fn run(session: &Session, inputs: &Inputs, check: bool) -> Result<Vec<String>> {
    let mut found = find(session, inputs).await?;
    let lock = if check {
        found.lock()
    } else {
        crate::ops::check::recall(session, &mut found);
        // What the lock file says of a layer still holds while its inputs do.
        found.make(session, &Trusted::All).await?.lock
    };
    let changes = match &found.old_lock {
        Some(old) => old.differences(&lock),
        None => lock
            .jars
            .iter()
            .map(|jar| format!("{}: {} is new", jar.name, jar.source))
            .collect(),
    };
    if check {
        let current = found.old_lock.is_some() && changes.is_empty();
        return if current {
            Ok(Vec::new())
        } else {
            Err(stale(&found.lock_path, &changes, found.old_lock.as_ref()))
        };
    }
    lock.write(&found.lock_path)?;
    Ok(changes)
}

fn stale(path: &std::path::Path, changes: &[String], old: Option<&Lock>) -> Error {
    let message = match old {
        None => format!("there is no {}", path.display()),
        Some(_) => format!(
            "{} is not up to date:\n  {}",
            path.display(),
            changes.join("\n  ")
        ),
    };
    Error::new(message).exit_with(Exit::Found).hint(match old {
        None => "`flinkpack lock` writes it; keep it in version control",
        Some(_) => "`flinkpack lock` brings it up to date",
    })
}
