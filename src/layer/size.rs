//! How large a layer will be, before it is written.

use std::io::{self, Read, Write};

use super::{archive, blob};
use crate::error::{Context, Result};
use crate::image::gzip::Gzip;
use crate::stage::{Content, Entry, EntryKind};
use crate::store::Store;

/// A file that is deflated must be read for its size; more than this many bytes
/// are not read twice.
const MOST_DEFLATED: u64 = blob::CHUNK as u64;

/// The size in bytes of the layer's compressed form: stored files only add
/// their length and what frames it. `None` where a file's bytes are not at hand
/// or take long to compress.
pub(super) fn packed(entries: &[Entry], store: &Store) -> Result<Option<u64>> {
    let mut tar = tar::Builder::new(Sizing(Gzip::new(Count(0))));
    for entry in entries {
        archive::append_header(&mut tar, entry)?;
        let EntryKind::File {
            sha256,
            size,
            content,
        } = &entry.kind
        else {
            continue;
        };
        if matches!(content, Content::Absent) {
            return Ok(None);
        }
        let mut head = Vec::new();
        blob::open(entry, sha256, content, store)?
            .take(MOST_DEFLATED)
            .read_to_end(&mut head)
            .doing(|| format!("reading {}", entry.reason))?;
        let gzip = &mut tar.get_mut().0;
        if blob::is_compressed(&head) {
            gzip.skip_stored(*size)?;
        } else if *size > MOST_DEFLATED {
            return Ok(None);
        } else {
            // At once, as it is written later: how bytes are cut shows in what
            // they deflate to.
            gzip.set_stored(false)?;
            gzip.write_all(&head)?;
        }
        let padding = size.next_multiple_of(512) - size;
        gzip.write_all(&[0; 512][..padding as usize])?;
    }
    tar.get_mut().0.set_stored(false)?;
    Ok(Some(tar.into_inner()?.0.finish()?.0))
}

struct Sizing(Gzip<Count>);

impl Write for Sizing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::{Digest, LayerKind};
    use crate::report::Report;

    fn entry(at: usize, bytes: Vec<u8>) -> Entry {
        Entry {
            path: format!("opt/flink/{}/{at}", "long/".repeat(at * 7)),
            kind: EntryKind::File {
                sha256: Digest::of(&bytes),
                size: bytes.len() as u64,
                content: Content::Bytes(bytes),
            },
            mode: 0o644,
            uid: 9999,
            gid: 9999,
            mtime: 1,
            reason: "a test".to_string(),
            layer: LayerKind::Connector,
            artifact: "a".to_string(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_is_the_size_that_is_written(
            files in proptest::collection::vec((any::<bool>(), 0usize..200_000, any::<u8>()), 0..5),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path());
            let entries: Vec<Entry> = files
                .iter()
                .enumerate()
                .map(|(at, (jar, size, seed))| {
                    let mut bytes: Vec<u8> = (0..*size)
                        .map(|i| (i * usize::from(*seed) / 7 % 253) as u8)
                        .collect();
                    if *jar && *size > 1 {
                        bytes[..2].copy_from_slice(b"PK");
                    }
                    entry(at, bytes)
                })
                .collect();
            let size = packed(&entries, &store).unwrap();
            let task = Report::silent().start(crate::report::Phase::Layer, "x", None);
            let (sent, copied) = std::sync::mpsc::channel();
            let follow = |mut growing: crate::store::Growing| {
                let sent = sent.clone();
                std::thread::spawn(move || {
                    let mut copy = Vec::new();
                    growing.read_to_end(&mut copy).unwrap();
                    sent.send(copy).unwrap();
                });
                Ok(())
            };
            let written = blob::write(&entries, &store, Some(&follow), &task).unwrap();
            prop_assert_eq!(size, Some(written.size));
            prop_assert_eq!(Digest::of(&copied.recv().unwrap()), written.digest);
        }
    }
}
