//! What a JAR is: a zip file that can be used, and the classes in it. Looked at
//! once a content, whatever its name.

mod build;
mod check;
mod class_file;
mod classes;
mod facts;
mod learn;
mod name;
mod packed;
mod read;
#[cfg(test)]
pub mod samples;
mod signature;
mod signed;
mod table;
mod texts;

pub use check::check;
pub use class_file::{ClassFile, parse as parse_class};
pub use facts::{Answer, Class, Extras, JarFacts, Reference, Service, Versioned};
pub use learn::{classes, is_known, known, known_classes, learn, texts};
pub use name::{Name, Numbered};
pub use signature::Signature;
pub use texts::Texts;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::error::{Context, Error, Result};

/// More entries than any JAR has, by an order of magnitude.
const MAX_ENTRIES: usize = 2_000_000;
/// A central directory larger than this is made to fill the memory.
const MAX_DIRECTORY: u64 = 128 << 20;

/// Reads the central directory, whose size is looked at before.
fn open(mut file: File, size: u64) -> Result<zip::ZipArchive<BufReader<File>>> {
    check_directory(&mut file, size)?;
    archive(BufReader::new(file))
}

/// An error where the central directory claims more than there can be.
fn check_directory(file: &mut File, size: u64) -> Result<()> {
    let directory = directory_size(file, size)?;
    if directory > MAX_DIRECTORY.min(size) {
        return Err(Error::new(format!(
            "its central directory claims {directory} bytes"
        )));
    }
    Ok(())
}

fn archive<R: Read + Seek>(reader: R) -> Result<zip::ZipArchive<R>> {
    let archive = zip::ZipArchive::new(reader)
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
