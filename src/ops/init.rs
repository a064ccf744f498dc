//! `flinkpack init`: a manifest to begin with.

use std::path::Path;

use crate::error::{Context, Error, Result};

/// The manifest that `init` writes.
pub const TEMPLATE: &str = include_str!("init.toml");

/// Writes the manifest, unless there is one.
pub fn run(path: &Path) -> Result<()> {
    if path.exists() {
        return Err(Error::new(format!("{} is there already", path.display()))
            .hint("it stays as it is; delete it first, or name another file with --manifest"));
    }
    crate::store::write_atomically(path, TEMPLATE.as_bytes()).doing(|| "writing a first manifest")
}
