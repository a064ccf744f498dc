//! Keeping what passes through, for the next time.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::image::Digest;
use crate::store::{BlobWriter, Store};

/// Writes a blob into the store while it passes, in any number of requests, some
/// of which may be repeated. It only saves a download: where something is in
/// its way, nothing is kept.
pub(super) struct Tee {
    store: Store,
    digest: Digest,
    size: u64,
    writer: Mutex<Writer>,
}

enum Writer {
    Before,
    Open(Box<BlobWriter>),
    Over,
}

/// One request's part of it.
pub(super) struct Passage {
    tee: Arc<Tee>,
    at: u64,
    /// Whether its last piece comes only if all are right, and all came this way.
    is_checked: bool,
}

impl Tee {
    pub fn new(store: &Store, digest: Digest, size: u64) -> Tee {
        Tee {
            store: store.clone(),
            digest,
            size,
            writer: Mutex::new(Writer::Before),
        }
    }

    /// The bytes from `from` to `to` will pass.
    pub fn passage(self: &Arc<Tee>, from: u64, to: u64) -> Passage {
        Passage {
            tee: Arc::clone(self),
            at: from,
            is_checked: from == 0 && to == self.size,
        }
    }

    fn begin(&self, is_checked: bool) -> Writer {
        // Hashing it here, too, would take as long again.
        let begun = match is_checked {
            true => self.store.new_checked_blob(),
            false => self.store.new_blob(),
        };
        begun.map_or(Writer::Over, |begun| Writer::Open(Box::new(begun)))
    }
}

impl Passage {
    /// The next piece passes.
    pub fn take(&mut self, piece: &[u8]) {
        let tee = &self.tee;
        let position = self.at;
        self.at += piece.len() as u64;
        let mut writer = tee.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*writer, Writer::Before) {
            *writer = tee.begin(self.is_checked);
        }
        let Writer::Open(open) = &mut *writer else {
            return;
        };
        let there = open.size();
        self.is_checked &= there == position;
        if self.at <= there {
            return;
        }
        let new = there
            .checked_sub(position)
            .and_then(|known| piece.get(usize::try_from(known).ok()?..));
        let is_written = new.is_some_and(|new| open.write_all(new).is_ok());
        if is_written && self.at < tee.size {
            return;
        }
        if let Writer::Open(whole) = std::mem::replace(&mut *writer, Writer::Over)
            && is_written
        {
            // Other content than its digest says is not kept.
            let _ = match self.is_checked {
                true => whole.commit_checked(&tee.digest),
                false => whole.commit_as(&tee.digest),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &[u8] = b"0123456789";

    fn tee(store: &Store) -> Arc<Tee> {
        Arc::new(Tee::new(store, Digest::of(BYTES), 10))
    }

    fn pass(tee: &Arc<Tee>, bytes: &[u8], from: usize, to: usize) {
        tee.passage(from as u64, to as u64).take(&bytes[from..to]);
    }

    #[test]
    fn what_passed_in_parts_is_kept_and_what_has_a_gap_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let gap = tee(&store);
        pass(&gap, BYTES, 0, 4);
        pass(&gap, BYTES, 5, 10);
        let other = tee(&store);
        pass(&other, b"012345678X", 0, 4);
        pass(&other, b"012345678X", 4, 10);
        assert_eq!(store.blob_size(&Digest::of(BYTES)), None);
        let parts = tee(&store);
        for (from, to) in [(0, 4), (2, 6), (0, 3), (6, 10)] {
            pass(&parts, BYTES, from, to);
        }
        assert_eq!(store.read_blob(&Digest::of(BYTES)).as_deref(), Some(BYTES));
    }

    #[test]
    fn only_what_a_request_gave_as_a_whole_need_not_be_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let (digest, wrong) = (Digest::of(BYTES), b"xxxx456789");
        // A first request broke off, and gave other bytes.
        for rest in [0, 4] {
            let broken = tee(&store);
            broken.passage(0, 10).take(&wrong[..4]);
            let mut again = broken.passage(rest, 10);
            for piece in BYTES[rest as usize..].chunks(3) {
                again.take(piece);
            }
            assert_eq!(store.blob_size(&digest), None, "from {rest}");
            let resumed = tee(&store);
            resumed.passage(0, 10).take(&BYTES[..4]);
            pass(&resumed, BYTES, rest as usize, 10);
            assert_eq!(store.read_blob(&digest).as_deref(), Some(BYTES));
            store.forget_blob(&digest);
        }
        let whole = tee(&store);
        let mut only = whole.passage(0, 10);
        BYTES.chunks(3).for_each(|piece| only.take(piece));
        assert_eq!(store.read_blob(&digest).as_deref(), Some(BYTES));
    }
}
