//! Keeping what passes through, for the next time.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::image::Digest;
use crate::store::{BlobWriter, Store};

/// Writes a blob into the store while it passes, in any number of requests, some
/// of which may be repeated. It only saves a download: where something is in
/// its way, nothing is kept.
pub(super) struct Tee {
    digest: Digest,
    size: u64,
    writer: Mutex<Option<BlobWriter>>,
}

impl Tee {
    pub fn new(store: &Store, digest: Digest, size: u64) -> Tee {
        Tee {
            digest,
            size,
            writer: Mutex::new(store.new_blob().ok()),
        }
    }

    /// A piece that begins at `position` passes.
    pub fn pass(&self, position: u64, piece: &[u8]) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = writer.as_mut() else { return };
        let at = open.size();
        let end = position + piece.len() as u64;
        if end <= at {
            return;
        }
        let new = at
            .checked_sub(position)
            .and_then(|known| piece.get(usize::try_from(known).ok()?..));
        let written = new.is_some_and(|new| open.write_all(new).is_ok());
        if !written || end >= self.size {
            let done = writer.take().filter(|_| written);
            // Other content than its digest says is not kept.
            let _ = done.map(|writer| writer.commit_as(&self.digest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_in_parts_is_kept_and_what_has_a_gap_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path());
        let bytes = b"0123456789";
        let digest = Digest::of(bytes);
        let tee = || Tee::new(&store, digest, 10);
        let gap = tee();
        gap.pass(0, &bytes[..4]);
        gap.pass(5, &bytes[5..]);
        let other = tee();
        other.pass(0, b"012345678X");
        assert_eq!(store.blob_size(&digest), None);
        let parts = tee();
        for (from, to) in [(0, 4), (2, 6), (0, 3), (6, 10)] {
            parts.pass(from, &bytes[from as usize..to]);
        }
        assert_eq!(store.read_blob(&digest).as_deref(), Some(&bytes[..]));
    }
}
