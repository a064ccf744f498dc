//! `flinkpack init`: a manifest to begin with.

mod from_dockerfile;

use std::path::Path;

use crate::error::{Context, Error, Result};

/// The manifest that `init` writes.
pub const TEMPLATE: &str = include_str!("init.toml");

/// Writes the manifest, unless there is one: that which replaces a Dockerfile, or
/// one to begin with.
pub fn run(path: &Path, dockerfile: Option<&Path>) -> Result<()> {
    if path.exists() {
        return Err(Error::new(format!("{} is there already", path.display()))
            .hint("it stays as it is; delete it first, or name another file with --manifest"));
    }
    let text = match dockerfile {
        Some(dockerfile) => crate::ops::init::from_dockerfile::text(path, dockerfile)?,
        None => TEMPLATE.to_string(),
    };
    crate::store::write_atomically(path, text.as_bytes()).doing(|| "writing a first manifest")
}
