//! Writing a layer: one pass from the files to both digests.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest as _, Sha256};

use super::archive;
use super::known::Known;
use crate::error::{Context, Error, Reason, Result};
use crate::image::Digest;
use crate::image::gzip::Gzip;
use crate::report::Task;
use crate::stage::{Content, Entry, EntryKind};
use crate::store::{BlobWriter, Growing, Store};

/// Files whose first bytes show that they are compressed: zip (and JAR), gzip,
/// zstd, bzip2, xz.
const COMPRESSED: [&[u8]; 5] = [
    b"PK",
    &[0x1f, 0x8b],
    &[0x28, 0xb5, 0x2f, 0xfd],
    b"BZh",
    &[0xfd, b'7', b'z', b'X', b'Z'],
];

/// Whether a file that begins so is stored.
pub(super) fn is_compressed(head: &[u8]) -> bool {
    COMPRESSED.iter().any(|magic| head.starts_with(magic))
}

/// Bytes that are read at once.
pub(super) const CHUNK: usize = 256 << 10;

/// Takes the compressed bytes while they are written.
pub type Follow<'a> = dyn Fn(Growing) -> Result<()> + 'a;

/// The tar stream: hashed beside this thread, and compressed.
struct Stream {
    diff_id: Hashing,
    gzip: Gzip<BlobWriter>,
    hash_content: bool,
}

impl Stream {
    /// Bytes of a file's content, which have a digest of their own too.
    fn write_content(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.hash_content {
            return self.write_all(bytes);
        }
        self.diff_id.send(Piece::Content(bytes.to_vec()))?;
        self.gzip.write_all(bytes)
    }

    /// The content of a file ends.
    fn end_content(&mut self) -> io::Result<()> {
        match self.hash_content {
            true => self.diff_id.send(Piece::End),
            false => Ok(()),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.diff_id.send(Piece::Frame(bytes.to_vec()))?;
        self.gzip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A layer that was written, and has no place yet.
pub(super) struct Written {
    diff_id: Digest,
    blob: BlobWriter,
    /// The digest of each file that was hashed, and its entry's number.
    pub(super) contents: Vec<(usize, Digest)>,
}

impl Written {
    /// Gives the layer its place in the store.
    pub(super) fn commit(self) -> Result<Known> {
        let (digest, size) = self.blob.commit()?;
        Ok(Known {
            digest,
            diff_id: self.diff_id,
            size,
        })
    }
}

/// Writes the layer, and checks that each file is what its entry says.
pub(super) fn write(
    entries: &[Entry],
    store: &Store,
    follow: Option<&Follow<'_>>,
    task: &Task,
) -> Result<Known> {
    let written = pass(entries, store, follow, task)?;
    for (at, found) in &written.contents {
        let entry = &entries[*at];
        if let EntryKind::File {
            sha256, content, ..
        } = &entry.kind
            && found != sha256
        {
            return Err(changed(entry, sha256, content, store));
        }
    }
    written.commit()
}

/// Writes the layer, whatever the files hold.
pub(super) fn pass(
    entries: &[Entry],
    store: &Store,
    follow: Option<&Follow<'_>>,
    task: &Task,
) -> Result<Written> {
    let mut blob = store.new_blob()?;
    if let Some(follow) = follow {
        follow(blob.growing()?)?;
    }
    let mut tar = tar::Builder::new(Stream {
        diff_id: Hashing::begin(),
        gzip: Gzip::new(blob),
        hash_content: true,
    });
    let mut buffer = vec![0; CHUNK];
    let mut files = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        archive::append_header(&mut tar, entry)?;
        if let EntryKind::File {
            sha256,
            size,
            content,
        } = &entry.kind
        {
            // What was not touched since it was hashed need not be hashed again.
            let known = match content {
                Content::Local(path) if store.is_unchanged(path, sha256) => Some(path),
                _ => None,
            };
            let source = open(entry, sha256, content, store)?;
            let stream = tar.get_mut();
            stream.hash_content = known.is_none();
            let copied = copy(source, *size, stream, &mut buffer, task)
                .doing(|| format!("reading {}", entry.reason))?;
            if !copied || known.is_some_and(|path| !store.is_unchanged(path, sha256)) {
                return Err(changed(entry, sha256, content, store));
            }
            if known.is_none() {
                files.push(at);
            }
        }
    }
    tar.get_mut().gzip.set_stored(false)?;
    let stream = tar.into_inner()?;
    let (diff_id, contents) = stream.diff_id.finish()?;
    Ok(Written {
        diff_id,
        blob: stream.gzip.finish()?,
        contents: files.into_iter().zip(contents).collect(),
    })
}

/// Copies a file's content and pads it to a whole block; answers whether it
/// has the announced size.
fn copy(
    mut source: Box<dyn Read>,
    size: u64,
    stream: &mut Stream,
    buffer: &mut [u8],
    task: &Task,
) -> Result<bool> {
    let mut done: u64 = 0;
    loop {
        let read = fill(source.as_mut(), buffer)?;
        if done == 0 {
            stream.gzip.set_stored(is_compressed(&buffer[..read]))?;
        }
        if read == 0 {
            break;
        }
        done += read as u64;
        if done > size {
            return Ok(false);
        }
        stream.write_content(&buffer[..read])?;
        task.advance(read as u64);
    }
    stream.end_content()?;
    let padding = (512 - size % 512) % 512;
    stream.write_all(&[0; 512][..padding as usize])?;
    Ok(done == size)
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

/// A piece of the tar stream.
enum Piece {
    /// Headers and padding.
    Frame(Vec<u8>),
    /// Content of a file.
    Content(Vec<u8>),
    /// The file ends.
    End,
}

/// SHA-256 of the tar stream and of each file in it, on a thread of its own: a
/// layer has many digests, and a machine more than one processor.
struct Hashing {
    pieces: SyncSender<Piece>,
    thread: JoinHandle<(Digest, Vec<Digest>)>,
}

impl Hashing {
    fn begin() -> Hashing {
        let (pieces, incoming) = sync_channel(4);
        let thread = std::thread::spawn(move || {
            let (mut all, mut file) = (Sha256::new(), Sha256::new());
            let mut files = Vec::new();
            for piece in incoming {
                match piece {
                    Piece::Frame(bytes) => all.update(&bytes),
                    Piece::Content(bytes) => {
                        all.update(&bytes);
                        file.update(&bytes);
                    }
                    Piece::End => files.push(Digest::finish(std::mem::take(&mut file))),
                }
            }
            (Digest::finish(all), files)
        });
        Hashing { pieces, thread }
    }

    fn send(&self, piece: Piece) -> io::Result<()> {
        self.pieces
            .send(piece)
            .map_err(|_| io::Error::other("the hashing thread ended early"))
    }

    /// The stream's digest, and each file's in order.
    fn finish(self) -> Result<(Digest, Vec<Digest>)> {
        drop(self.pieces);
        self.thread
            .join()
            .map_err(|_| Error::new("the hashing thread ended by a panic"))
    }
}

pub(super) fn open(
    entry: &Entry,
    sha256: &Digest,
    content: &Content,
    store: &Store,
) -> Result<Box<dyn Read>> {
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
            .because(Reason::CorruptBlob)
            .hint("run the command again: it will be fetched anew")
        }
        _ => Error::new(format!("{} changed while it was read", entry.reason))
            .hint("is a compiler still writing it? run the command again when it is done"),
    }
}
