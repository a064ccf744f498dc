//! `flinkpack.lock`: what was found, pinned. Written in a stable order, made to
//! be read in a diff.

mod check;
mod content;
mod layer;
mod wire;

use std::path::Path;

pub use check::LockedCheck;
pub use content::{
    Lock, LockedBase, LockedJar, LockedMaven, LockedPlatform, LockedProvided, Source,
};
pub use layer::LockedLayer;
pub use wire::{LAYER_FORMAT, VERSION};

use crate::error::{Context, Result};
use crate::store::write_atomically;

/// The lock file's usual name, beside the manifest.
pub const FILE: &str = "flinkpack.lock";

impl Lock {
    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Lock>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing(|| format!("reading {}", path.display())),
        };
        wire::read(&text)
            .doing(|| format!("reading {}", path.display()))
            .map(Some)
    }

    /// The file's text.
    pub fn text(&self) -> Result<String> {
        wire::write(self)
    }

    /// Writes the file, where it would change. Says whether it did.
    pub fn write(&self, path: &Path) -> Result<bool> {
        let text = self.text()?;
        if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
            return Ok(false);
        }
        write_atomically(path, text.as_bytes())?;
        Ok(true)
    }
}
