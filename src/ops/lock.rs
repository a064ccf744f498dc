//! `flinkpack lock`: resolves, and writes or checks the lock file.

use crate::error::{Error, Exit, Result};
use crate::lock::Lock;
use crate::ops::Session;
use crate::ops::build::planned::Planned;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::inputs::{Inputs, Request};
use crate::ops::project::resolved::resolve;

/// Writes the lock file, or with `check` only says what it would change (an
/// error with exit code 3). Answers the changes, a line each.
pub async fn run(session: &Session, request: &Request, check: bool) -> Result<Vec<String>> {
    let changed = ChangedJars::ignored();
    let mut resolved = resolve(session, Inputs::read(request)?, &changed).await?;
    let (path, old_lock) = (resolved.lock_path.clone(), resolved.old_lock.clone());
    let lock = if check {
        resolved.lock()
    } else {
        crate::ops::check::recall(session, &mut resolved);
        let locked = resolved.locked_layers(session)?;
        let planned = Planned::as_locked(resolved, locked);
        planned.make(session, &changed).await?.lock
    };
    let changes = match &old_lock {
        Some(old) => old.differences(&lock),
        None => lock
            .jars
            .iter()
            .map(|jar| format!("{}: {} is new", jar.name, jar.source))
            .collect(),
    };
    if check {
        let current = old_lock.is_some() && changes.is_empty();
        return if current {
            Ok(Vec::new())
        } else {
            Err(stale(&path, &changes, old_lock.as_ref()))
        };
    }
    lock.write(&path)?;
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
