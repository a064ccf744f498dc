//! Locks by key, held across processes.

use std::fs::{File, OpenOptions};
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
        if let Some(parent) = path.parent() {
            create_folder(parent)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .doing(|| format!("opening the lock {}", path.display()))?;
        file.lock()
            .doing(|| format!("waiting for the lock {}", path.display()))?;
        Ok(KeyLock { _file: file })
    }
}
