//! Temporary files, and what is left of them by processes that were killed.
//!
//! A temporary file is locked by its writer. One without a holder, and older
//! than the moment between its creation and its lock, is nobody's.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use crate::error::{Context, Result};

/// How old a file without a holder must be.
const AGE: Duration = Duration::from_secs(60);

/// Who may read what is written: everybody, as far as the folder lets them.
pub(super) const MODE: u32 = 0o644;

/// A temporary file in `folder`, held by this process.
pub(super) fn create(folder: &Path, prefix: &str) -> Result<NamedTempFile> {
    let file = tempfile::Builder::new()
        .prefix(prefix)
        .permissions(fs::Permissions::from_mode(MODE))
        .tempfile_in(folder)
        .doing(|| format!("creating a file in {}", folder.display()))?;
    // Without locks (some network file systems) nothing is ever swept.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Deletes what is nobody's, of the files whose names begin with `prefix`. What
/// cannot be deleted stays: the next one tries.
pub(super) fn sweep(folder: &Path, prefix: &str) {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(prefix.as_bytes())
        {
            continue;
        }
        let is_old = fs::symlink_metadata(&path)
            .and_then(|meta| meta.modified())
            .is_ok_and(|time| now.duration_since(time).unwrap_or_default() > AGE);
        if !is_old {
            continue;
        }
        let is_held = match File::open(&path) {
            Ok(file) => !matches!(file.try_lock(), Ok(())),
            Err(_) => true,
        };
        if !is_held {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_holder_or_is_young_stays() {
        let folder = tempfile::tempdir().unwrap();
        let held = create(folder.path(), "blob-").unwrap();
        let (old, young) = (folder.path().join("old"), folder.path().join("young"));
        for path in [&old, &young] {
            fs::write(path, "x").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * AGE;
        for file in [
            held.as_file(),
            &File::options().write(true).open(&old).unwrap(),
        ] {
            file.set_modified(long_ago).unwrap();
        }
        sweep(folder.path(), "nothing-");
        assert!(old.exists());
        sweep(folder.path(), "");
        assert!(held.path().exists() && young.exists());
        assert!(!old.exists());
    }
}
