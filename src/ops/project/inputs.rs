//! What a build is asked for, and the files that it is made from.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::manifest::Manifest;

/// What was asked for that decides an image.
#[derive(Clone, Debug)]
pub struct Request {
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Another base than the manifest's.
    pub base: Option<String>,
    /// Other platforms than the manifest's.
    pub platforms: Vec<String>,
    /// Whether the lock file must hold everything already.
    pub locked: bool,
    /// Names to find anew, whatever the lock file has; empty names mean all.
    pub upgrade: Option<Vec<String>>,
}

/// A request with the manifest and the lock file that belong to it.
pub struct Inputs {
    /// The request.
    pub request: Request,
    /// The manifest.
    pub manifest: Manifest,
    /// The lock file's path.
    pub lock_path: PathBuf,
    /// The lock file, where there is one.
    pub old_lock: Option<Lock>,
}

impl Inputs {
    /// Reads the files.
    pub fn read(request: &Request) -> Result<Inputs> {
        let manifest = Manifest::read(&request.manifest)?;
        let lock_path = lock_path(&request.manifest);
        let old_lock = Lock::read(&lock_path)?;
        if request.locked && old_lock.is_none() {
            return Err(
                Error::new(format!("--locked, and there is no {}", lock_path.display()))
                    .hint("`flinkpack lock` writes it; keep it in version control"),
            );
        }
        Ok(Inputs {
            request: request.clone(),
            manifest,
            lock_path,
            old_lock,
        })
    }
}

/// The lock file that belongs to a manifest: `flinkpack.lock` beside
/// `flinkpack.toml`, `NAME.lock` beside `NAME.toml`.
pub fn lock_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("lock")
}
