//! Large entries, written and read without being in memory as a whole.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{PREFIX, SUM, create_folder, temporary};
use crate::error::{Context, Result};
use crate::image::Digest;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 128 << 10;

/// Gives `path` what `write` writes.
pub(super) fn put(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    in_place(folder, path, |file| write(file))
}

/// The same, with the sum of all that before it.
pub(super) fn put_summed(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    in_place(folder, path, |file| {
        file.write_all(&[0; SUM])?;
        let mut summing = Summing {
            inner: &mut *file,
            hasher: Sha256::new(),
        };
        write(&mut summing)?;
        let sum = Digest::finish(summing.hasher).hex();
        file.rewind()?;
        file.write_all(sum.as_bytes())?;
        Ok(())
    })
}

type Output = BufWriter<tempfile::NamedTempFile>;

fn in_place(
    folder: &Path,
    path: &Path,
    write: impl FnOnce(&mut Output) -> Result<()>,
) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    if let Some(parent) = path.parent() {
        create_folder(parent)?;
    }
    let mut file = BufWriter::with_capacity(BUFFER, temporary::create(folder, PREFIX)?);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error);
    let kept = file.doing(doing)?.persist(path);
    kept.map_err(|error| error.error).doing(doing)?;
    Ok(())
}

/// What `read` makes of a summed file that is as it was written, and that it reads to
/// the end.
pub(super) fn read<T>(path: &Path, read: impl FnOnce(&mut dyn Read) -> Option<T>) -> Option<T> {
    let mut file = File::open(path).ok()?;
    let mut sum = [0; SUM];
    file.read_exact(&mut sum).ok()?;
    let mut summing = Summing {
        inner: file,
        hasher: Sha256::new(),
    };
    let found = read(&mut summing)?;
    let is_end = matches!(summing.inner.read(&mut [0]), Ok(0));
    let is_whole = Digest::finish(summing.hasher).hex().as_bytes() == sum;
    (is_end && is_whole).then_some(found)
}

/// Hashes what goes through.
struct Summing<T> {
    inner: T,
    hasher: Sha256,
}

impl<T: Write> Write for Summing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_was_written_or_not_read_to_the_end_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large/x");
        let content = vec![7; 3 * BUFFER];
        put_summed(folder.path(), &path, |out| Ok(out.write_all(&content)?)).unwrap();
        let all = |from: &mut dyn Read| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        assert_eq!(super::read(&path, all), Some(content));
        assert_eq!(super::read(&path, |from| from.read(&mut [0]).ok()), None);
        let whole = std::fs::read(&path).unwrap();
        for at in [0, SUM, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(super::read(&path, all), None, "byte {at}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(super::read(&path, all), None);
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large/x");
        let failing = |out: &mut (dyn Write + Send)| {
            out.write_all(b"half")?;
            Err(crate::error::Error::new("no more"))
        };
        assert!(put(folder.path(), &path, failing).is_err());
        assert!(put_summed(folder.path(), &path, failing).is_err());
        assert!(!path.exists());
        let left = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(left.count(), 1, "the folder that the file goes into");
    }
}
