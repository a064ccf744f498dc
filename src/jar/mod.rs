//! What a JAR is: a zip file that can be used, and the classes in it. Looked at
//! once a content, whatever its name.

mod check;
mod classes;

pub use check::check;
pub use classes::{classes, known_classes};

use std::fs::File;
use std::io::{BufReader, Read};

use crate::error::{Context, Error, Result};

/// More entries than any JAR has, by an order of magnitude.
const MAX_ENTRIES: usize = 2_000_000;
/// A central directory larger than this is made to fill the memory.
const MAX_DIRECTORY: u64 = 128 << 20;

/// Reads the central directory, whose size is looked at before.
fn open(mut file: File, size: u64) -> Result<zip::ZipArchive<BufReader<File>>> {
    let directory = directory_size(&mut file, size)?;
    if directory > MAX_DIRECTORY.min(size) {
        return Err(Error::new(format!(
            "its central directory claims {directory} bytes"
        )));
    }
    let archive = zip::ZipArchive::new(BufReader::new(file))
        .doing(|| "its end is missing or broken")
        .hint(|| "was it cut off while it was copied or downloaded?")?;
    if archive.len() > MAX_ENTRIES {
        return Err(Error::new(format!("it claims {} entries", archive.len())));
    }
    Ok(archive)
}

/// The size of the central directory as the end record says, in bytes; 0 where
/// there is no record to be found (the zip library says why, later). Source:
/// APPNOTE.TXT 4.3.16.
fn directory_size(file: &mut File, size: u64) -> Result<u64> {
    use std::io::{Seek, SeekFrom};
    let tail = size.min(22 + 65_535);
    file.seek(SeekFrom::End(-(tail as i64)))?;
    let mut bytes = Vec::new();
    Read::take(&mut *file, tail).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let record = bytes
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .and_then(|at| bytes.get(at + 12..at + 16));
    Ok(match record {
        // All ones: the numbers are in the zip64 record.
        Some([0xff, 0xff, 0xff, 0xff]) | None => 0,
        Some(field) => u64::from(u32::from_le_bytes([field[0], field[1], field[2], field[3]])),
    })
}
