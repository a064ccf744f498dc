//! Digests of files, remembered by what their metadata says.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Bucket, Store};
use crate::error::{Context, Result};
use crate::image::Digest;

/// What a file's metadata says: where all of it is the same, so is the content.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    inode: u64,
    device: u64,
}

/// A file that was read.
#[derive(Serialize, Deserialize)]
struct Seen {
    stamp: Stamp,
    digest: Digest,
    /// Whether a change after that would show in its stamp.
    settled: bool,
}

/// Is told of a file that changed since it was read last; may answer its digest and size
/// in bytes.
pub type OnChange<'a> = dyn Fn(&Path) -> Option<(Digest, u64)> + 'a;

/// File systems count time in steps of up to two seconds (FAT).
const COARSE: Duration = Duration::from_secs(2);

/// Where times have more digits than that, the step is the kernel's tick, which
/// is 10 ms at most.
const FINE: Duration = Duration::from_millis(20);

impl Stamp {
    fn of(path: &Path) -> Result<Stamp> {
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
    /// surely show.
    fn is_settled(&self) -> bool {
        let is_fine = |(_, nanoseconds): (i64, i64)| nanoseconds % 1_000_000 != 0;
        let step = match is_fine(self.ctime) && is_fine(self.mtime) {
            true => FINE,
            false => COARSE,
        };
        let since = |(seconds, nanoseconds): (i64, i64)| {
            let time = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            now.checked_sub(time)
        };
        [self.ctime, self.mtime]
            .into_iter()
            .all(|time| since(time).is_some_and(|since| since > step))
    }
}

impl Store {
    /// A file's digest and size in bytes; read only where its stamp changed,
    /// which `on_change` is told of first: it may read the file itself, and say what it
    /// found. Blocks.
    pub fn file_digest(&self, path: &Path, on_change: &OnChange<'_>) -> Result<(Digest, u64)> {
        let doing = || format!("reading {}", path.display());
        let whole = fs::canonicalize(path).doing(doing)?;
        let stamp = Stamp::of(&whole)?;
        let known = self.seen(&whole, &stamp);
        if let Some(Seen { digest, .. }) = known.as_ref().filter(|seen| seen.settled) {
            return Ok((*digest, stamp.size));
        }
        let settled = stamp.is_settled();
        // What was read too soon after it changed is most likely what it was.
        let found = match known {
            Some(_) => None,
            None => on_change(&whole),
        };
        let (digest, size) = match found {
            Some(found) => found,
            None => hash(&whole).doing(doing)?,
        };
        if stamp == Stamp::of(&whole)? {
            let seen = Seen {
                stamp,
                digest,
                settled,
            };
            self.put(Bucket::Files, &key(&whole), &seen)?;
        }
        Ok((digest, size))
    }

    /// Whether the file is, for certain, the one that had this digest: known
    /// without reading it.
    pub fn is_unchanged(&self, path: &Path, digest: &Digest) -> bool {
        let known = || {
            let whole = fs::canonicalize(path).ok()?;
            self.seen(&whole, &Stamp::of(&whole).ok()?)
        };
        known().is_some_and(|seen| seen.settled && seen.digest == *digest)
    }

    fn seen(&self, whole: &Path, stamp: &Stamp) -> Option<Seen> {
        let seen: Seen = self.get(Bucket::Files, &key(whole))?;
        (seen.stamp == *stamp).then_some(seen)
    }
}

fn hash(path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut file = BufReader::with_capacity(256 << 10, File::open(path)?);
    let mut hasher = Hashing(Sha256::new(), 0);
    std::io::copy(&mut file, &mut hasher)?;
    Ok((Digest::finish(hasher.0), hasher.1))
}

fn key(whole: &Path) -> String {
    format!("digest {}", whole.display())
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
    fn a_changed_file_has_another_digest_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store"));
        let path = folder.path().join("x");
        let digest = || store.file_digest(&path, &|_| None).unwrap().0;
        // As fast as it goes, so that changes fall into one tick of the clock.
        for turn in 0..2000 {
            let text = format!("{turn:04}");
            fs::write(&path, &text).unwrap();
            assert_eq!(digest(), Digest::of(text.as_bytes()));
        }
        std::thread::sleep(FINE * 2);
        let last = digest();
        assert!(!store.is_unchanged(&path, &Digest::of(b"other")));
        let fine = fs::metadata(&path).unwrap().mtime_nsec() % 1_000_000 != 0;
        assert_eq!(store.is_unchanged(&path, &last), fine);
        fs::write(&path, "another").unwrap();
        assert!(!store.is_unchanged(&path, &last));
    }

    #[test]
    fn a_file_that_was_read_too_soon_is_read_again_but_did_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store"));
        let path = folder.path().join("x");
        let told = std::cell::Cell::new(0);
        let tell = |_: &Path| {
            told.set(told.get() + 1);
            None
        };
        fs::write(&path, "one").unwrap();
        for _ in 0..3 {
            store.file_digest(&path, &tell).unwrap();
        }
        assert_eq!(told.get(), 1);
        fs::write(&path, "other").unwrap();
        store.file_digest(&path, &tell).unwrap();
        assert_eq!(told.get(), 2);
    }
}
