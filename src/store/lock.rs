//! Locks by key, held across processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::create_folder;
use crate::error::{Context, Result};

/// A held lock; dropping it lets the next one in. The lock file stays, since
/// unlinking it would let two holders in.
pub struct KeyLock {
    _file: File,
}

impl KeyLock {
    pub(super) fn take(path: &Path) -> Result<KeyLock> {
        let file = open(path)?;
        file.lock()
            .doing(|| format!("waiting for the lock {}", path.display()))?;
        Ok(KeyLock { _file: file })
    }

    /// `None` where somebody holds it.
    pub(super) fn try_take(path: &Path) -> Result<Option<KeyLock>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(KeyLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).doing(|| format!("taking the lock {}", path.display()))
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        create_folder(parent)?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .doing(|| format!("opening the lock {}", path.display()))
}
