//! `[files]`: anything else, by path.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};

/// A local file, and where it goes.
#[derive(Debug, PartialEq)]
pub struct LocalFile {
    /// The path in the image, without leading slash.
    pub target: String,
    /// The local file.
    pub source: PathBuf,
    /// Permission bits: 0755 where the owner may run the local file, else 0644,
    /// so that the umask of a checkout changes nothing.
    pub mode: u32,
}

/// The files that one row names: itself, or everything below a folder.
pub fn expand(target: &str, source: &Path, mode: Option<u32>) -> Result<Vec<LocalFile>> {
    let mut found = Vec::new();
    walk(target.trim_matches('/'), source, mode, 0, &mut found)?;
    if found.is_empty() {
        return Err(Error::usage(format!(
            "the folder {} has no file",
            source.display()
        )));
    }
    Ok(found)
}

fn walk(
    target: &str,
    source: &Path,
    mode: Option<u32>,
    depth: usize,
    found: &mut Vec<LocalFile>,
) -> Result<()> {
    if depth > 64 {
        return Err(Error::new(format!(
            "{} is nested more than 64 folders deep: is there a link to a folder above?",
            source.display()
        )));
    }
    let meta = fs::metadata(source).doing(|| format!("looking at {}", source.display()))?;
    if meta.is_dir() {
        let mut children: Vec<PathBuf> = fs::read_dir(source)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .doing(|| format!("reading the folder {}", source.display()))?;
        children.sort();
        for child in children {
            let name = child
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| Error::new(format!("{}: the name is not UTF-8", child.display())))?
                .to_string();
            walk(
                &crate::base::facts::join(target, &name),
                &child,
                mode,
                depth + 1,
                found,
            )?;
        }
    } else if meta.is_file() {
        let default = if meta.permissions().mode() & 0o100 != 0 {
            0o755
        } else {
            0o644
        };
        found.push(LocalFile {
            target: target.to_string(),
            source: source.to_path_buf(),
            mode: mode.unwrap_or(default),
        });
    } else {
        return Err(Error::new(format!(
            "{} is neither a file nor a folder",
            source.display()
        )));
    }
    Ok(())
}
