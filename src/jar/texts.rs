//! The texts of signatures, in a file of their own: they are most of what a JAR's
//! facts would be, and messages need a few of them.
//!
//! The file: the texts, one after the other as they were met; then for each, in the
//! order of their CRC-32s, its CRC-32, where it starts and how long it is; then how
//! many there are. Numbers have four bytes, the lowest first. A text that has not the
//! CRC-32 it is kept under was damaged, so no other sum is needed.

use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::name::Numbered;
use super::signature::Signature;

/// No signature is longer: its two parts have 64 KiB each at most.
const MAX_TEXT: u32 = 1 << 18;

/// Texts on their way into the file, each once.
pub(super) struct TextsWriter<'w> {
    out: &'w mut (dyn Write + Send),
    at: u32,
    /// Start and length by CRC-32.
    known: Numbered<u32, (u32, u32)>,
}

impl<'w> TextsWriter<'w> {
    pub(super) fn new(out: &'w mut (dyn Write + Send)) -> TextsWriter<'w> {
        TextsWriter {
            out,
            at: 0,
            known: Numbered::default(),
        }
    }

    /// Keeps the text of a signature with this CRC-32.
    pub(super) fn add(&mut self, crc: u32, signature: Signature<'_>) -> io::Result<()> {
        let Entry::Vacant(free) = self.known.entry(crc) else {
            return Ok(());
        };
        let start = self.at;
        for part in signature.parts() {
            self.out.write_all(part.as_bytes())?;
            // Whoever reads the JAR sees to it that they are fewer than 4 GiB.
            self.at = self.at.saturating_add(part.len() as u32);
        }
        free.insert((start, self.at - start));
        Ok(())
    }

    /// Writes what is behind the texts: there is nothing to add after that.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let known = std::mem::take(&mut self.known);
        let mut all: Vec<(u32, (u32, u32))> = known.into_iter().collect();
        all.sort_unstable();
        for (crc, (start, length)) in &all {
            for number in [crc, start, length] {
                self.out.write_all(&number.to_le_bytes())?;
            }
        }
        self.out.write_all(&(all.len() as u32).to_le_bytes())
    }
}

/// Texts of the signatures of a JAR.
#[derive(Debug)]
pub struct Texts {
    file: File,
    count: u64,
    /// Where the list of them begins.
    list: u64,
}

impl Texts {
    /// Of a file; `None` where it is none.
    pub(super) fn open(file: File) -> Option<Texts> {
        let end = file.metadata().ok()?.len().checked_sub(4)?;
        let [count] = numbers(&file, end)?;
        let count = u64::from(count);
        let list = end.checked_sub(count * 12)?;
        Some(Texts { file, count, list })
    }

    /// The text with this CRC-32.
    pub fn get(&self, crc: u32) -> Option<String> {
        let row = |number: u64| numbers::<3>(&self.file, self.list + number * 12);
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match row(middle)?[0] < crc {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let [_, start, length] = row(low)?;
        let mut text = vec![0; length.min(MAX_TEXT) as usize];
        self.file.read_exact_at(&mut text, u64::from(start)).ok()?;
        (crc32fast::hash(&text) == crc).then(|| String::from_utf8(text).ok())?
    }
}

fn numbers<const N: usize>(file: &File, at: u64) -> Option<[u32; N]> {
    let mut bytes = [[0; 4]; N];
    file.read_exact_at(bytes.as_flattened_mut(), at).ok()?;
    Some(bytes.map(u32::from_le_bytes))
}
