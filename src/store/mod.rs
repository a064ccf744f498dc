//! The store: what flinkpack keeps between runs (see the crate documentation
//! for its folders).
//!
//! Everything is written to a temporary file beside its place and renamed into
//! it, so a process killed anywhere leaves either the whole thing or nothing.
//! Anything may be deleted at any time.

mod blob;
mod file;
mod growing;
mod large;
mod local_blob;
mod lock;
mod temporary;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use blob::BlobWriter;
pub use file::OnChange;
pub use growing::Growing;
pub use local_blob::{CheckedReader, LayerBytes, LocalBlob};
pub use lock::KeyLock;

use crate::error::{Context, Error, Result};
use crate::image::Digest;

/// What the buckets hold, in folders whose names carry the version of
/// their form: another version is another folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Hash of a layer's inputs → layer; registry and layer → a repository that got it.
    Layers,
    /// Digest of a base → its facts.
    Bases,
    /// URL → blob.
    Maven,
    /// What was built last, by project, and what the layer of a JAR was made of then.
    Builds,
    /// Path, size, mtime and inode of a file → its digest.
    Files,
    /// Repository and blob → an upload that was not finished.
    Uploads,
    /// Digest of a JAR → what its classes declare and refer to.
    Jars,
    /// Hash of everything that was checked → findings.
    Checks,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Bucket; 8] = [
        Bucket::Layers,
        Bucket::Bases,
        Bucket::Maven,
        Bucket::Builds,
        Bucket::Files,
        Bucket::Uploads,
        Bucket::Jars,
        Bucket::Checks,
    ];

    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Bucket::Layers => "layers/v2",
            Bucket::Bases => "bases/v2",
            Bucket::Maven => "maven/v2",
            Bucket::Builds => "builds/v2",
            Bucket::Files => "files/v3",
            Bucket::Uploads => "uploads/v1",
            Bucket::Jars => "jars/v5",
            Bucket::Checks => "checks/v1",
        }
    }
}

/// Bytes before the content of an entry: its SHA-256 in hex.
const SUM: usize = 64;

/// A store in one folder, shared by any number of processes.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    /// What is older counts as absent.
    since: Option<SystemTime>,
}

impl Store {
    /// The folder that `FLINKPACK_CACHE_DIR`, else `XDG_CACHE_HOME`, else
    /// `HOME` names.
    pub fn default_root() -> Result<PathBuf> {
        let folder = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        folder("FLINKPACK_CACHE_DIR")
            .or_else(|| folder("XDG_CACHE_HOME").map(|dir| dir.join("flinkpack")))
            .or_else(|| folder("HOME").map(|dir| dir.join(".cache/flinkpack")))
            .ok_or_else(|| {
                Error::new("there is no place for the cache: neither FLINKPACK_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set")
                    .hint("set FLINKPACK_CACHE_DIR to a folder that can be written")
            })
    }

    /// Opens the store in `root`; the folder is made when something is written.
    pub fn open(root: impl Into<PathBuf>) -> Store {
        Store {
            root: root.into(),
            since: None,
        }
    }

    /// The same store, in which everything that is there now counts as absent.
    pub fn fresh(self) -> Store {
        Store {
            since: Some(SystemTime::now()),
            ..self
        }
    }

    fn is_current(&self, path: &Path) -> bool {
        match self.since {
            None => true,
            Some(since) => fs::metadata(path)
                .and_then(|meta| meta.modified())
                .is_ok_and(|modified| modified >= since),
        }
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the blob of this digest is, if it is there.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// The size of the blob in bytes, if the store has it.
    pub fn blob_size(&self, digest: &Digest) -> Option<u64> {
        let path = self.blob_path(digest);
        let meta = fs::metadata(&path).ok()?;
        if !meta.is_file() || !self.is_current(&path) {
            return None;
        }
        note_use(&path, &meta);
        Some(meta.len())
    }

    /// Opens a blob for reading. The caller checks what it reads against the
    /// digest, and calls [`Store::forget_blob`] where it differs.
    pub fn open_blob(&self, digest: &Digest) -> Result<fs::File> {
        let path = self.blob_path(digest);
        fs::File::open(&path)
            .doing(|| format!("opening {} in the cache", path.display()))
            .hint(|| "the cache may have been pruned meanwhile: run the command again")
    }

    /// A small blob, whole and checked; `None` if the store has it not. A
    /// corrupted one is deleted and counts as absent.
    pub fn read_blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.blob_size(digest)?;
        let bytes = fs::read(self.blob_path(digest)).ok()?;
        if Digest::of(&bytes) == *digest {
            return Some(bytes);
        }
        self.forget_blob(digest);
        None
    }

    /// Deletes a blob whose bytes are not what its digest says.
    pub fn forget_blob(&self, digest: &Digest) {
        let _ = fs::remove_file(self.blob_path(digest));
    }

    /// Begins a blob, hashed as it goes; it gets its place by [`BlobWriter::commit`].
    pub fn new_blob(&self) -> Result<BlobWriter> {
        BlobWriter::begin(self.clone(), true)
    }

    /// Begins a blob that whoever writes it checks; it gets its place by
    /// [`BlobWriter::commit_checked`].
    pub fn new_checked_blob(&self) -> Result<BlobWriter> {
        BlobWriter::begin(self.clone(), false)
    }

    /// Keeps `bytes`, and says their digest.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.blob_size(&digest) == Some(bytes.len() as u64) {
            return Ok(digest);
        }
        let mut blob = self.new_blob()?;
        blob.write_all(bytes).doing(|| "writing to the cache")?;
        Ok(blob.commit()?.0)
    }

    /// What `bucket` holds under `key`. What cannot be read, or is not as it was
    /// written, counts as absent: it is only a cache.
    pub fn get<T: DeserializeOwned>(&self, bucket: Bucket, key: &str) -> Option<T> {
        self.summed(&self.entry_path(bucket, key, "json"), |json| {
            serde_json::from_slice(json).ok()
        })
    }

    /// What [`Store::put_large`] has written, as `read` makes of it.
    pub fn get_large<T>(
        &self,
        bucket: Bucket,
        key: &str,
        read: impl FnOnce(&mut dyn Read) -> Option<T>,
    ) -> Option<T> {
        let path = self.entry_path(bucket, key, "bin");
        if !self.is_current(&path) {
            return None;
        }
        large::read(&path, read)
    }

    /// Whether there is something to get; it may still prove broken.
    pub fn has_large(&self, bucket: Bucket, key: &str) -> bool {
        let path = self.entry_path(bucket, key, "bin");
        self.is_current(&path) && path.exists()
    }

    /// The file that [`Store::put_file`] has written.
    pub fn open_file(&self, bucket: Bucket, key: &str) -> Option<fs::File> {
        let path = self.entry_path(bucket, key, "file");
        self.is_current(&path).then(|| fs::File::open(path).ok())?
    }

    fn summed<T>(&self, path: &Path, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if !self.is_current(path) {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let (sum, content) = bytes.split_at_checked(SUM)?;
        (Digest::of(content).hex().as_bytes() == sum)
            .then(|| read(content))
            .flatten()
    }

    /// Forgets what `bucket` holds under `key`.
    pub fn remove(&self, bucket: Bucket, key: &str) {
        let _ = fs::remove_file(self.entry_path(bucket, key, "json"));
    }

    /// Keeps `value` under `key`.
    pub fn put<T: Serialize>(&self, bucket: Bucket, key: &str, value: &T) -> Result<()> {
        let json = serde_json::to_vec(value).doing(|| "encoding a cache entry")?;
        let mode = match bucket {
            // The address of an upload may be all that it takes to write to it.
            Bucket::Uploads => 0o600,
            _ => temporary::MODE,
        };
        self.put_summed(&self.entry_path(bucket, key, "json"), &json, mode)
    }

    /// Keeps what `write` writes under `key`: for what is large, and has a form of
    /// its own.
    pub fn put_large(
        &self,
        bucket: Bucket,
        key: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
    ) -> Result<()> {
        let path = self.entry_path(bucket, key, "bin");
        large::put_summed(&self.temporary()?, &path, write)
    }

    /// The same for a file of which parts are read; whoever does so checks them.
    pub fn put_file(
        &self,
        bucket: Bucket,
        key: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
    ) -> Result<()> {
        let path = self.entry_path(bucket, key, "file");
        large::put(&self.temporary()?, &path, write)
    }

    fn put_summed(&self, path: &Path, content: &[u8], mode: u32) -> Result<()> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let sum = Digest::of(content).hex();
        let parts = [sum.as_bytes(), content];
        put_in_place(&self.temporary()?, path, &parts, mode, false)
            .doing(|| format!("writing {}", path.display()))
    }

    /// Waits for, and takes, the lock of `key` among all processes and threads.
    pub fn lock(&self, key: &str) -> Result<KeyLock> {
        KeyLock::take(&self.lock_path(key))
    }

    /// The lock of `key`, unless another process or thread has it.
    pub fn try_lock(&self, key: &str) -> Result<Option<KeyLock>> {
        KeyLock::try_take(&self.lock_path(key))
    }

    /// A folder for temporary files on the store's own file system.
    pub fn temporary(&self) -> Result<PathBuf> {
        static SWEPT: std::sync::Once = std::sync::Once::new();
        let folder = self.root.join("tmp");
        create_folder(&folder)?;
        SWEPT.call_once(|| temporary::sweep(&folder, ""));
        Ok(folder)
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        let name = Digest::of(key.as_bytes()).hex();
        self.root.join("locks").join(name)
    }

    fn entry_path(&self, bucket: Bucket, key: &str, form: &str) -> PathBuf {
        let name = Digest::of(key.as_bytes()).hex();
        self.root
            .join(bucket.folder())
            .join(format!("{name}.{form}"))
    }
}

/// How exactly it is known when a blob was used last.
const USE: Duration = Duration::from_secs(600);

/// Notes that a blob is in use, so that pruning spares it: a blob may be of use
/// without being read, and many file systems do not count reads. Only a help.
fn note_use(path: &Path, meta: &fs::Metadata) {
    let now = SystemTime::now();
    let is_noted = |time: SystemTime| now.duration_since(time).unwrap_or_default() < USE;
    if meta.accessed().is_ok_and(is_noted) || meta.modified().is_ok_and(is_noted) {
        return;
    }
    let times = fs::FileTimes::new().set_accessed(now);
    let _ = fs::File::open(path).and_then(|file| file.set_times(times));
}

/// Makes a folder and its parents.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).doing(|| format!("creating the folder {}", path.display()))
}

/// What the names of temporary files outside of the store begin with.
const PREFIX: &str = ".flinkpack-";

/// Deletes what earlier processes left in `folder` when they were killed.
pub fn sweep(folder: &Path) {
    temporary::sweep(folder, PREFIX);
}

/// A temporary file in `folder`, for what gets its place there. What earlier
/// processes left there when they were killed goes.
pub fn temporary_file(folder: &Path) -> Result<tempfile::NamedTempFile> {
    temporary::sweep(folder, PREFIX);
    temporary::create(folder, PREFIX)
}

/// An error where `path` is something that must not be replaced by a file: a
/// folder, a device, a pipe.
pub fn check_replaceable(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Err(Error::new(format!(
            "{} is a folder, and a file was to be written there",
            path.display()
        ))),
        Ok(meta) if !meta.is_file() => Err(Error::new(format!(
            "{} is a device or a pipe, and would be replaced by a file",
            path.display()
        ))
        .hint("name a file; `--format json` writes the result to stdout")),
        _ => Ok(()),
    }
}

/// Writes a file so that readers see the old or the new content, never a part.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    check_replaceable(path)?;
    create_folder(folder)?;
    temporary::sweep(folder, PREFIX);
    put_in_place(folder, path, &[bytes], temporary::MODE, true)
        .doing(|| format!("writing {}", path.display()))
}

/// The same, by way of a temporary file in `folder`; what the user owns waits
/// for the disk, what the cache holds does not.
fn put_in_place(
    folder: &Path,
    path: &Path,
    parts: &[&[u8]],
    mode: u32,
    durably: bool,
) -> Result<()> {
    let mut file = temporary::create(folder, PREFIX)?;
    if mode != temporary::MODE {
        let mode = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(mode)?;
    }
    for part in parts {
        file.write_all(part)?;
    }
    if durably {
        file.as_file().sync_data()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_found_by_its_digest_and_a_corrupted_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let digest = store.write_blob(b"flink").unwrap();
        assert_eq!(store.read_blob(&digest).unwrap(), b"flink");
        fs::write(store.blob_path(&digest), b"flunk").unwrap();
        assert_eq!(store.read_blob(&digest), None);
        assert_eq!(store.blob_size(&digest), None, "it was deleted");
    }

    #[test]
    fn what_is_no_file_is_not_replaced_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = write_atomically(&socket, b"x").unwrap_err();
        assert!(error.report().contains("device"), "{error}");
        assert!(!fs::metadata(&socket).unwrap().is_file());
        assert!(write_atomically(folder.path(), b"x").is_err());
    }

    #[test]
    fn entries_come_back_and_broken_ones_count_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        store.put(Bucket::Files, "a/b", &vec![1, 2]).unwrap();
        assert_eq!(store.get::<Vec<u8>>(Bucket::Files, "a/b"), Some(vec![1, 2]));
        fs::write(store.entry_path(Bucket::Files, "a/b", "json"), b"{").unwrap();
        assert_eq!(store.get::<Vec<u8>>(Bucket::Files, "a/b"), None);
    }
}
