//! The texts of signatures, in a file of their own: they are most of what a JAR's
//! facts would be, and messages need a few of them.
//!
//! The file: how many there are, their CRC-32s in order, where each text ends,
//! the texts. Numbers have four bytes, the lowest first. A text that has not the
//! CRC-32 it is kept under was damaged, so no other sum is needed.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::table::Table;

/// No signature is longer: its two parts have 64 KiB each at most.
const MAX_TEXT: u32 = 1 << 18;

/// Texts of the signatures of a JAR.
#[derive(Debug)]
pub struct Texts {
    file: File,
    count: u32,
}

impl Texts {
    /// What is before the texts in the file. The CRC-32s are in order, each with
    /// its text.
    pub(super) fn head(crcs: &[u32], texts: &Table) -> Vec<u8> {
        let mut bytes = (crcs.len() as u32).to_le_bytes().to_vec();
        bytes.reserve(crcs.len() * 8);
        for number in crcs.iter().chain(&texts.ends) {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    /// Of a file; `None` where it is none.
    pub(super) fn open(file: File) -> Option<Texts> {
        let mut texts = Texts { file, count: 0 };
        texts.count = texts.number(0)?;
        Some(texts)
    }

    fn number(&self, at: u64) -> Option<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, at * 4).ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    /// The text with this CRC-32.
    pub fn get(&self, crc: u32) -> Option<String> {
        let count = u64::from(self.count);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.number(1 + middle)? < crc {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let start = match low {
            0 => 0,
            _ => self.number(count + low)?,
        };
        let length = self.number(1 + count + low)?.checked_sub(start)?;
        let mut text = vec![0; length.min(MAX_TEXT) as usize];
        let at = (1 + count * 2) * 4 + u64::from(start);
        self.file.read_exact_at(&mut text, at).ok()?;
        (crc32fast::hash(&text) == crc).then(|| String::from_utf8(text).ok())?
    }
}
