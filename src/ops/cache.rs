//! `flinkpack cache`: size, place; prune.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::error::{Context, Result};
use crate::store::Store;

/// What the cache holds.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Its folder.
    pub place: String,
    /// Each part: name, files, bytes.
    pub parts: Vec<Part>,
    /// Bytes in all.
    pub bytes: u64,
}

/// A part of the cache.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// The folder's name.
    pub name: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was deleted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pruned {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Measures the cache.
pub fn size(store: &Store) -> Result<Size> {
    let mut parts = Vec::new();
    for name in [
        "blobs", "layers", "bases", "maven", "builds", "files", "jars", "checks", "uploads",
        "locks", "tmp",
    ] {
        let mut part = Part {
            name: name.to_string(),
            files: 0,
            bytes: 0,
        };
        visit(&store.root().join(name), &mut |_, meta| {
            part.files += 1;
            part.bytes += meta.len();
            Ok(())
        })?;
        if part.files > 0 {
            parts.push(part);
        }
    }
    Ok(Size {
        place: store.root().display().to_string(),
        bytes: parts.iter().map(|part| part.bytes).sum(),
        parts,
    })
}

/// Deletes what was not used for `unused`; everything, where that is zero.
/// Lock files stay, since deleting one would let two processes in. A build that
/// runs meanwhile finds a blob gone, says so, and is right when it runs again.
pub fn prune(store: &Store, unused: Duration) -> Result<Pruned> {
    let now = SystemTime::now();
    let mut pruned = Pruned::default();
    for name in [
        "blobs", "layers", "bases", "maven", "builds", "files", "jars", "checks", "uploads", "tmp",
    ] {
        visit(&store.root().join(name), &mut |path, meta| {
            let used = meta
                .accessed()
                .or_else(|_| meta.modified())?
                .max(meta.modified()?);
            let idle = now.duration_since(used).unwrap_or_default();
            if idle >= unused {
                match fs::remove_file(path) {
                    Ok(()) => {
                        pruned.files += 1;
                        pruned.bytes += meta.len();
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?;
    }
    Ok(pruned)
}

fn visit(
    folder: &Path,
    each: &mut dyn FnMut(&Path, &fs::Metadata) -> std::io::Result<()>,
) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing(|| format!("reading {}", folder.display())),
    };
    for entry in entries {
        let path = entry?.path();
        // Another process may be pruning too.
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            visit(&path, each)?;
        } else {
            each(&path, &meta).doing(|| format!("looking at {}", path.display()))?;
        }
    }
    Ok(())
}

/// `30d`, `12h`, `45m`, `0`.
pub fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "d"),
    };
    let seconds: u64 = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(format!("`{text}` is not a time such as 30d, 12h or 45m")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is not a time such as 30d, 12h or 45m"))
}
