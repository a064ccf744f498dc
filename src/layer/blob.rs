//! Writing a layer: one pass from the files to both digests.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::{Known, archive};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::image::gzip::Gzip;
use crate::report::Task;
use crate::stage::{Content, Entry, EntryKind};
use crate::store::{BlobWriter, Store};

/// Files whose first bytes show that they are compressed: zip (and JAR), gzip,
/// zstd, bzip2, xz.
const COMPRESSED: [&[u8]; 5] = [
    b"PK",
    &[0x1f, 0x8b],
    &[0x28, 0xb5, 0x2f, 0xfd],
    b"BZh",
    &[0xfd, b'7', b'z', b'X', b'Z'],
];

/// The tar stream: hashed, then compressed. Shared with the writer of entries,
/// which switches the compression.
struct Stream {
    diff_id: Sha256,
    gzip: Gzip<BlobWriter>,
}

struct Shared(Rc<RefCell<Stream>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.0.borrow_mut();
        stream.diff_id.update(bytes);
        stream.gzip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn write(entries: &[Entry], store: &Store, task: &Task) -> Result<Known> {
    let stream = Rc::new(RefCell::new(Stream {
        diff_id: Sha256::new(),
        gzip: Gzip::new(store.new_blob()?),
    }));
    let mut tar = tar::Builder::new(Shared(stream.clone()));
    for entry in entries {
        let EntryKind::File {
            sha256,
            size,
            content,
        } = &entry.kind
        else {
            archive::append(&mut tar, entry, io::empty())?;
            continue;
        };
        let mut source = open(entry, sha256, content, store)?;
        let mut start = [0; 8];
        let known = read_start(source.as_mut(), &mut start)
            .doing(|| format!("reading {}", entry.reason))?;
        let stored = COMPRESSED
            .iter()
            .any(|magic| start[..known].starts_with(magic));
        stream.borrow_mut().gzip.set_stored(stored)?;
        let mut checked = Checked {
            inner: io::Cursor::new(start[..known].to_vec()).chain(source),
            hasher: Sha256::new(),
            size: 0,
            task,
        };
        // One byte more than announced is enough to see that it grew.
        archive::append(&mut tar, entry, (&mut checked).take(*size))
            .doing(|| format!("reading {}", entry.reason))?;
        let grown = checked.read(&mut [0])? > 0;
        if grown || checked.size != *size || Digest::finish(checked.hasher) != *sha256 {
            return Err(changed(entry, sha256, content, store));
        }
    }
    stream.borrow_mut().gzip.set_stored(false)?;
    drop(tar.into_inner()?);
    let stream = Rc::try_unwrap(stream)
        .map_err(|_| Error::new("the layer's stream is still in use"))?
        .into_inner();
    let (digest, size) = stream.gzip.finish()?.commit()?;
    Ok(Known {
        digest,
        diff_id: Digest::finish(stream.diff_id),
        size,
    })
}

fn open(entry: &Entry, sha256: &Digest, content: &Content, store: &Store) -> Result<Box<dyn Read>> {
    Ok(match content {
        Content::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
        Content::Store => Box::new(store.open_blob(sha256)?),
        Content::Local(path) => {
            Box::new(File::open(path).doing(|| format!("opening {}", path.display()))?)
        }
        Content::Absent => {
            return Err(Error::new(format!(
                "the bytes of /{} were not fetched",
                entry.path
            )));
        }
    })
}

fn read_start(source: &mut dyn Read, start: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < start.len() {
        match source.read(&mut start[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn changed(entry: &Entry, sha256: &Digest, content: &Content, store: &Store) -> Error {
    match content {
        Content::Store => {
            store.forget_blob(sha256);
            Error::new(format!(
                "the cache's copy of {} is corrupted; it was deleted",
                entry.reason
            ))
            .tagged("corrupt-blob")
            .hint("run the command again: it will be fetched anew")
        }
        _ => Error::new(format!("{} changed while it was read", entry.reason))
            .hint("is a compiler still writing it? run the command again when it is done"),
    }
}

struct Checked<'a, R> {
    inner: R,
    hasher: Sha256,
    size: u64,
    task: &'a Task,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.size += read as u64;
        self.task.advance(read as u64);
        Ok(read)
    }
}
