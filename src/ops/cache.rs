//! `flinkpack cache`: size, place; prune.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::error::{Context, Result};
use crate::store::Store;

/// The folders of the cache.
const PARTS: [&str; 11] = [
    "blobs", "layers", "bases", "maven", "builds", "files", "jars", "checks", "uploads", "tmp",
    LOCKS,
];

const LOCKS: &str = "locks";

/// How long what was used stays when a build prunes: no build takes longer.
pub const SPARED: Duration = Duration::from_secs(3600);

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
    for name in PARTS {
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

/// What goes when the cache is pruned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// What was not used for so long; everything, where that is zero.
    pub unused: Option<Duration>,
    /// What was used least lately, until so many bytes are left.
    pub max_size: Option<u64>,
    /// What was used within this time stays, whatever the size: a build that
    /// runs meanwhile may need it.
    pub spared: Duration,
}

/// Deletes by these rules. Lock files stay, since deleting one would let two
/// processes in. A build that runs meanwhile finds a blob gone, says so, and is
/// right when it runs again.
pub fn prune(store: &Store, rules: &Rules) -> Result<Pruned> {
    let now = SystemTime::now();
    let mut pruned = Pruned::default();
    let mut left = Vec::new();
    for name in PARTS.iter().filter(|name| **name != LOCKS) {
        visit(&store.root().join(name), &mut |path, meta| {
            let used = meta.accessed().or_else(|_| meta.modified())?;
            let idle = now.duration_since(used.max(meta.modified()?));
            let idle = idle.unwrap_or_default();
            match rules.unused.is_some_and(|unused| idle >= unused) {
                true => pruned.delete(path, meta.len())?,
                false => left.push((idle, meta.len(), path.to_path_buf())),
            }
            Ok(())
        })?;
    }
    let Some(most) = rules.max_size else {
        return Ok(pruned);
    };
    let mut size: u64 = left.iter().map(|(_, size, _)| size).sum();
    left.sort_by(|a, b| b.cmp(a));
    for (idle, bytes, path) in left {
        if size <= most || idle < rules.spared {
            break;
        }
        let doing = || format!("deleting {}", path.display());
        pruned.delete(&path, bytes).doing(doing)?;
        size -= bytes;
    }
    Ok(pruned)
}

impl Pruned {
    fn delete(&mut self, path: &Path, bytes: u64) -> std::io::Result<()> {
        match fs::remove_file(path) {
            Ok(()) => {
                self.files += 1;
                self.bytes += bytes;
                Ok(())
            }
            // Another process may be pruning too.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
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

/// `500M`, `20G`: bytes, in powers of 1024.
pub fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let wrong = || format!("`{text}` is not a size such as 500M or 20G");
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let number = number.parse::<u64>().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("17"), Ok(17));
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        for wrong in [
            "",
            "G",
            "1X",
            "-1",
            "1.5G",
            "99999999999T",
            "bib",
            "1mi",
            "1Gbb",
        ] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
