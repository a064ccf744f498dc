//! The entries of a zip file, one by one: nothing is kept of them but what the
//! caller keeps, however many there are.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use libdeflater::{DecompressionError, Decompressor};
use rawzip::{CompressionMethod, FileReader, ReaderAt, ZipArchive, ZipVerification};

use crate::error::{Context, Error, Result};

/// More entries than any JAR has, by an order of magnitude.
const MAX_ENTRIES: usize = 2_000_000;

/// A zip file.
pub struct Archive {
    zip: ZipArchive<FileReader>,
    size: u64,
}

/// Where an entry's content is, and what the directory says of it.
#[derive(Clone, Copy, Debug)]
pub struct EntryContent {
    way: rawzip::ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Size of the content in bytes.
    pub size: u64,
}

/// What is needed to read entries, kept from one to the next.
pub struct Inflater {
    packed: Vec<u8>,
    bytes: Vec<u8>,
    state: Decompressor,
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater {
            packed: Vec::new(),
            bytes: Vec::new(),
            state: Decompressor::new(),
        }
    }
}

impl Archive {
    /// Opens it; an error where its end is not that of a zip file.
    pub fn open(path: &Path) -> Result<Archive> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::from_file(file, &mut buffer)
            .doing(|| "its end is missing or broken")
            .hint(|| "was it cut off while it was copied or downloaded?")?;
        Ok(Archive { zip, size })
    }

    /// Tells the name and place of every entry, in the order of the directory. A
    /// name that is no UTF-8 has U+FFFD where it is not.
    pub fn each(
        &self,
        mut tell: impl FnMut(Cow<'_, str>, EntryContent) -> Result<()>,
    ) -> Result<()> {
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut entries = self.zip.entries(&mut buffer);
        let mut count = 0;
        while let Some(entry) = entries.next_entry().doing(|| "its directory is broken")? {
            count += 1;
            if count > MAX_ENTRIES {
                return Err(Error::new(format!("it has over {MAX_ENTRIES} entries")));
            }
            let place = EntryContent {
                way: entry.wayfinder(),
                method: entry.compression_method(),
                is_encrypted: entry.flags().is_encrypted(),
                crc: entry.crc32(),
                size: entry.uncompressed_size_hint(),
            };
            let path = entry.file_path();
            tell(String::from_utf8_lossy(path.as_bytes()), place)?;
        }
        // Fewer than there are is what tools write that count with 16 bits.
        let claimed = self.zip.entries_hint();
        match claimed > count as u64 {
            true => Err(Error::new(format!(
                "its directory claims {claimed} entries, and has {count}"
            ))),
            false => Ok(()),
        }
    }

    /// The content of an entry that has up to `most` bytes, whose size and CRC-32 are
    /// those of the directory; else why it cannot be read.
    pub fn read<'i>(
        &self,
        place: EntryContent,
        most: u64,
        inflater: &'i mut Inflater,
    ) -> std::result::Result<&'i [u8], String> {
        if place.is_encrypted {
            return Err("it is encrypted".to_string());
        }
        let entry = self.zip.get_entry(place.way).map_err(text)?;
        let (start, end) = entry.compressed_data_range();
        let length = end.saturating_sub(start);
        // Deflate stores what it cannot make smaller.
        if place.size > most || length > most + (most >> 8) + 1024 {
            return Err("it is too large".to_string());
        }
        if end > self.size {
            return Err("it is cut off".to_string());
        }
        let Inflater {
            packed,
            bytes,
            state,
        } = inflater;
        let packed = room(packed, length as usize);
        let reader = self.zip.get_ref();
        reader.read_exact_at(packed, start).map_err(text)?;
        let bytes = match place.method {
            CompressionMethod::STORE => packed,
            CompressionMethod::DEFLATE => {
                // One more, so that what is larger than it says shows.
                let room = room(bytes, place.size as usize + 1);
                let count =
                    state
                        .deflate_decompress(packed, room)
                        .map_err(|error| match error {
                            DecompressionError::InsufficientSpace => "it is larger than it says",
                            DecompressionError::BadData => "it is cut off or damaged",
                        })?;
                &mut room[..count]
            }
            method => return Err(format!("it is packed by method {method}")),
        };
        let found = ZipVerification {
            crc: crc32fast::hash(bytes),
            uncompressed_size: bytes.len() as u64,
        };
        let claim = entry.reader().claim_verifier();
        claim.valid(found).map_err(text)?;
        Ok(bytes)
    }
}

/// The first bytes of a buffer that never shrinks: zeroing it each time would cost as
/// much as unpacking a class.
fn room(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
