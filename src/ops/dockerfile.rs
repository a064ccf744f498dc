//! A Dockerfile of this machine, and the files of its build context.

use std::fs;
use std::path::{Component, Path};

use crate::dockerfile::{self, Listed, Recipe};
use crate::error::{Context, Error, Result};

/// No Dockerfile is larger.
const MAX_DOCKERFILE: u64 = 256 << 10;
/// Files of the build context that are looked at.
const MAX_FILES: usize = 20_000;

/// Reads the Dockerfile at `path`; the build context is the folder that it is in.
pub fn read(path: &Path) -> Result<Recipe> {
    let doing = || format!("reading {}", path.display());
    let size = fs::metadata(path).doing(doing)?.len();
    if size > MAX_DOCKERFILE {
        return Err(Error::usage(format!(
            "it has {size} bytes; of a Dockerfile {MAX_DOCKERFILE} are read"
        )))
        .doing(doing);
    }
    let text = fs::read_to_string(path).doing(doing)?;
    dockerfile::read(&text, &|pattern| list(context(path), pattern))
        .map_err(Error::usage)
        .doing(doing)
}

/// The build context of a Dockerfile.
pub fn context(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The files of the build context that a path or pattern means; those of a folder
/// go without its name, as COPY has it.
fn list(context: &Path, pattern: &str) -> Vec<Listed> {
    let pattern = pattern.trim_start_matches('/');
    let stays = Path::new(pattern)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let whole = format!(
        "{}/{pattern}",
        glob::Pattern::escape(&context.display().to_string())
    );
    let whole = match context.as_os_str().is_empty() {
        true => format!("./{pattern}"),
        false => whole,
    };
    let Ok(found) = glob::glob(&whole) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for path in found.flatten().filter(|_| stays) {
        let in_folder = path.is_dir();
        let root = match in_folder {
            true => path.clone(),
            false => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        };
        let mut todo = vec![path];
        while let Some(path) = todo.pop() {
            if out.len() >= MAX_FILES {
                return out;
            }
            // Links may lead in circles, and out of the context.
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link {
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                todo.extend(entries.map(|entry| entry.path()));
            } else if path.is_file() {
                let inside = path.strip_prefix(context).unwrap_or(&path);
                let below = path.strip_prefix(&root).unwrap_or(&path);
                out.push(Listed {
                    path: inside.display().to_string(),
                    below: below.display().to_string(),
                    in_folder,
                });
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}
