//! Writing a layer: one pass from the files to both digests.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest as _, Sha256};

use super::gzip::Gzip;
use super::{Known, archive};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
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

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// The tar stream: hashed beside this thread, and compressed.
struct Stream {
    diff_id: Hashing,
    gzip: Gzip<BlobWriter>,
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.diff_id.update(bytes)?;
        self.gzip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn write(entries: &[Entry], store: &Store, task: &Task) -> Result<Known> {
    let mut tar = tar::Builder::new(Stream {
        diff_id: Hashing::begin(),
        gzip: Gzip::new(store.new_blob()?),
    });
    let mut buffer = vec![0; CHUNK];
    for entry in entries {
        archive::append_header(&mut tar, entry)?;
        if let EntryKind::File {
            sha256,
            size,
            content,
        } = &entry.kind
        {
            let source = open(entry, sha256, content, store)?;
            let copied = copy(source, *size, tar.get_mut(), &mut buffer, task)
                .doing(|| format!("reading {}", entry.reason))?;
            if copied != Some(*sha256) {
                return Err(changed(entry, sha256, content, store));
            }
        }
    }
    tar.get_mut().gzip.set_stored(false)?;
    let stream = tar.into_inner()?;
    let diff_id = stream.diff_id.finish()?;
    let (digest, size) = stream.gzip.finish()?.commit()?;
    Ok(Known {
        digest,
        diff_id,
        size,
    })
}

/// Copies a file's content and pads it to a whole block; answers its digest,
/// or `None` where the content has not the announced size.
fn copy(
    mut source: Box<dyn Read>,
    size: u64,
    stream: &mut Stream,
    buffer: &mut [u8],
    task: &Task,
) -> Result<Option<Digest>> {
    let mut hasher = Sha256::new();
    let mut done: u64 = 0;
    loop {
        let read = fill(source.as_mut(), buffer)?;
        if done == 0 {
            let stored = COMPRESSED
                .iter()
                .any(|magic| buffer[..read].starts_with(magic));
            stream.gzip.set_stored(stored)?;
        }
        if read == 0 {
            break;
        }
        done += read as u64;
        if done > size {
            return Ok(None);
        }
        hasher.update(&buffer[..read]);
        stream.write_all(&buffer[..read])?;
        task.advance(read as u64);
    }
    let padding = (512 - size % 512) % 512;
    stream.write_all(&[0; 512][..padding as usize])?;
    Ok((done == size).then(|| Digest::finish(hasher)))
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// SHA-256 on a thread of its own: a layer has two digests, and a machine more
/// than one processor.
struct Hashing {
    chunks: SyncSender<Vec<u8>>,
    thread: JoinHandle<Digest>,
    gathered: Vec<u8>,
}

impl Hashing {
    fn begin() -> Hashing {
        let (chunks, incoming) = sync_channel::<Vec<u8>>(2);
        let thread = std::thread::spawn(move || {
            let mut hasher = Sha256::new();
            for chunk in incoming {
                hasher.update(&chunk);
            }
            Digest::finish(hasher)
        });
        Hashing {
            chunks,
            thread,
            gathered: Vec::with_capacity(CHUNK),
        }
    }

    fn update(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = rest.len().min(CHUNK - self.gathered.len());
            self.gathered.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if self.gathered.len() == CHUNK {
                self.send()?;
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.gathered, Vec::with_capacity(CHUNK));
        self.chunks
            .send(chunk)
            .map_err(|_| io::Error::other("the hashing thread ended early"))
    }

    fn finish(mut self) -> Result<Digest> {
        self.send()?;
        drop(self.chunks);
        self.thread
            .join()
            .map_err(|_| Error::new("the hashing thread ended by a panic"))
    }
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
