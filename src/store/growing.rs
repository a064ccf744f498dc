//! Reading a blob while it is written.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of which a reader is told at once.
const STEP: u64 = 256 << 10;

/// How far the writer is.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Open,
    Whole,
    Abandoned,
}

struct Growth {
    state: Mutex<(u64, End)>,
    changed: Condvar,
}

impl Growth {
    fn state(&self) -> MutexGuard<'_, (u64, End)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side. Dropped before [`Grower::end`], it lets the reader fail.
pub(super) struct Grower(Arc<Growth>);

/// The bytes of a blob that is still written: a read waits for the writer, and fails
/// where that one gives up. It never holds the writer up.
pub struct Growing {
    file: File,
    at: u64,
    growth: Arc<Growth>,
}

impl Grower {
    /// Both sides of a file that is empty.
    pub(super) fn of(file: File) -> (Grower, Growing) {
        let growth = Arc::new(Growth {
            state: Mutex::new((0, End::Open)),
            changed: Condvar::new(),
        });
        let growing = Growing {
            file,
            at: 0,
            growth: growth.clone(),
        };
        (Grower(growth), growing)
    }

    /// The file has so many bytes. Few more are not told of: waking the reader takes
    /// longer than reading them.
    pub(super) fn grown(&self, size: u64) {
        let mut state = self.0.state();
        if size - state.0 >= STEP {
            state.0 = size;
            self.0.changed.notify_one();
        }
    }

    /// The file has so many bytes, and gets no more.
    pub(super) fn end(self, size: u64) {
        *self.0.state() = (size, End::Whole);
    }
}

impl Drop for Grower {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.1 == End::Open {
            state.1 = End::Abandoned;
        }
        self.0.changed.notify_one();
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.growth.state();
        while state.0 == self.at && state.1 == End::Open {
            let waited = self.growth.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let (size, end) = *state;
        drop(state);
        if size == self.at && end == End::Abandoned {
            return Err(io::Error::other("whoever writes the blob gave up"));
        }
        let most = buffer
            .len()
            .min(usize::try_from(size - self.at).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::image::Digest;
    use crate::store::Store;

    #[test]
    fn a_reader_gets_all_while_it_is_written_and_after() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        for pause in [Duration::ZERO, Duration::from_millis(2)] {
            let mut blob = store.new_blob().unwrap();
            let mut growing = blob.growing().unwrap();
            let reader = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                growing.read_to_end(&mut bytes).map(|_| bytes)
            });
            for piece in 0..40u8 {
                blob.write_all(&vec![piece; 10_001]).unwrap();
                std::thread::sleep(pause);
            }
            let (digest, size) = blob.commit().unwrap();
            let read = reader.join().unwrap().unwrap();
            assert_eq!(read.len() as u64, size);
            assert_eq!(Digest::of(&read), digest);
        }
    }

    #[test]
    fn a_writer_that_gives_up_is_an_error_for_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let mut blob = store.new_blob().unwrap();
        let mut growing = blob.growing().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            growing.read_to_end(&mut bytes)
        });
        blob.write_all(&[1; 300_000]).unwrap();
        drop(blob);
        let error = reader.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("gave up"), "{error}");
    }
}
