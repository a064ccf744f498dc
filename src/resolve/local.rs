//! Local JARs: paths and globs, and their digests.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::manifest::nearest_name;
use crate::store::{Bucket, Store};

/// The files that a path or glob names, sorted.
pub fn find(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    if !pattern.contains(['*', '?', '[']) {
        let path = folder.join(pattern);
        look(&path, pattern)?;
        return Ok(vec![path]);
    }
    let whole = folder.join(pattern);
    let whole = whole
        .to_str()
        .ok_or_else(|| Error::usage(format!("`{pattern}` is not UTF-8")))?;
    let mut found = Vec::new();
    let matches = glob::glob(whole).doing(|| format!("`{pattern}` is not a glob"))?;
    for path in matches {
        let path = path.doing(|| format!("looking for {pattern}"))?;
        look(&path, &path.display().to_string())?;
        found.push(path);
    }
    if found.is_empty() {
        return Err(
            Error::new(format!("no file matches {pattern}")).hint(format!(
                "patterns are taken from the manifest's folder, {}",
                shown_folder(folder)
            )),
        );
    }
    found.sort();
    Ok(found)
}

fn shown_folder(folder: &Path) -> String {
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    whole.display().to_string()
}

fn look(path: &Path, shown: &str) -> Result<()> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Ok(target) = fs::read_link(path) {
                return Err(Error::new(format!(
                    "{shown} is a link to {}, which does not exist",
                    target.display()
                ))
                .hint("is it built?"));
            }
            let mut out = Error::new(format!("{shown} does not exist"));
            if let Some(near) = nearest(path) {
                let near = Path::new(shown).with_file_name(near);
                out = out.hint(format!("did you mean {}?", near.display()));
            } else {
                out = out.hint("is it built? paths are taken from the manifest's folder");
            }
            return Err(out);
        }
        Err(error) => return Err(error).doing(|| format!("looking at {shown}")),
    };
    if meta.is_dir() {
        return Err(Error::new(format!("{shown} is a folder, not a JAR"))
            .hint(format!("`{shown}/*.jar` takes all JARs in it")));
    }
    if !meta.is_file() {
        return Err(Error::new(format!("{shown} is not a regular file")));
    }
    Ok(())
}

fn nearest(path: &Path) -> Option<String> {
    let names: Vec<String> = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".jar"))
        .collect();
    nearest_name(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )
    .map(str::to_string)
}

/// What a file's metadata says: where all of it is the same, so is the content.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    inode: u64,
    device: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(path: &Path) -> Result<Stamp> {
        let meta = fs::metadata(path).doing(|| format!("looking at {}", path.display()))?;
        Ok(Stamp {
            size: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
        })
    }

    /// Whether the file was changed so long ago that another change would
    /// surely show: file systems count time in steps of up to two seconds.
    fn is_settled(&self) -> bool {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |now| now.as_secs() as i64);
        now - self.ctime.0.max(self.mtime.0) > 2
    }
}

/// A file's digest and size; read only where its stamp changed. Blocks.
pub fn digest(store: &Store, path: &Path) -> Result<(Digest, u64)> {
    let doing = || format!("reading {}", path.display());
    let whole = fs::canonicalize(path).doing(doing)?;
    let key = format!("digest {}", whole.display());
    let stamp = Stamp::of(&whole)?;
    if let Some((known, digest)) = store.get::<(Stamp, Digest)>(Bucket::Files, &key)
        && known == stamp
    {
        return Ok((digest, stamp.size));
    }
    let mut file = File::open(&whole).doing(doing)?;
    let mut hasher = Hashing(Sha256::new(), 0);
    std::io::copy(
        &mut std::io::BufReader::with_capacity(256 << 10, &mut file),
        &mut hasher,
    )
    .doing(doing)?;
    let (digest, size) = (Digest::finish(hasher.0), hasher.1);
    if stamp.is_settled() && stamp == Stamp::of(&whole)? {
        store.put(Bucket::Files, &key, &(stamp, digest))?;
    }
    Ok((digest, size))
}

struct Hashing(Sha256, u64);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        self.1 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_sorted_and_what_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jar", "a.jar", "c.txt"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names: Vec<_> = find(folder.path(), "*.jar")
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.jar", "b.jar"]);
        let report = |pattern: &str| find(folder.path(), pattern).unwrap_err().report();
        assert!(report("*.zip").contains("no file matches"));
        assert!(report("aa.jar").contains("did you mean a.jar?"));
        assert!(report(".").contains("folder"));
    }

    #[test]
    fn a_changed_file_has_another_digest_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store"));
        let path = folder.path().join("x");
        fs::write(&path, "one").unwrap();
        assert_eq!(digest(&store, &path).unwrap().0, Digest::of(b"one"));
        fs::write(&path, "two").unwrap();
        assert_eq!(digest(&store, &path).unwrap().0, Digest::of(b"two"));
    }
}
