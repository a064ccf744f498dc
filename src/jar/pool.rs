//! The bytes of a class file, front to back, and its constant pool (JVMS 4.4). Nothing
//! is decoded that nobody asks for: of most constants only the place is needed.

use std::cell::Cell;

use super::signature::Signature;

/// Why a class file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Broken {
    #[error("it does not begin as a class file does")]
    Start,
    #[error("it is cut off")]
    End,
    #[error("its constant pool has an unknown tag, {0}")]
    Tag(u8),
    #[error("constant {0} is not of the kind that it is used as")]
    Constant(u16),
    #[error("a name is not UTF-8")]
    Name,
    #[error("its names are too long")]
    Long,
}

/// Bytes that are read from front to back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken::End)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Broken::End)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Broken> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Broken> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_be_bytes(self.array()?))
    }
}

/// Tags of constants (JVMS table 4.4-A).
const UTF8: u8 = 1;
const CLASS: u8 = 7;
const STRING: u8 = 8;
const FIELD: u8 = 9;
const INTERFACE_METHOD: u8 = 11;
const NAME_AND_TYPE: u8 = 12;

/// Bytes of the texts that one class file may ask for, each counted as often as it does:
/// a small one can name a long one many times. No real one comes near.
pub(super) const MAX_TEXTS: u64 = 64 << 20;

/// The constants of a class file.
pub(super) struct Pool<'a> {
    /// From each constant's tag on; empty where the number is none.
    constants: Vec<&'a [u8]>,
    /// Bytes of texts that were asked for so far.
    asked: Cell<u64>,
}

impl<'a> Pool<'a> {
    /// Reads over the constants.
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Pool<'a>, Broken> {
        let count = usize::from(from.u16()?);
        let mut constants: Vec<&[u8]> = Vec::with_capacity(count + 1);
        constants.push(&[]);
        while constants.len() < count {
            constants.push(from.0);
            let length = match from.u8()? {
                UTF8 => usize::from(from.u16()?),
                3 | 4 | FIELD..=NAME_AND_TYPE | 17 | 18 => 4,
                5 | 6 => {
                    // They count twice.
                    constants.push(&[]);
                    8
                }
                CLASS | STRING | 16 | 19 | 20 => 2,
                15 => 3,
                tag => return Err(Broken::Tag(tag)),
            };
            from.take(length)?;
        }
        let asked = Cell::new(0);
        Ok(Pool { constants, asked })
    }

    /// What is behind the tag of a constant that has this one.
    fn constant(&self, number: u16, tag: u8) -> Result<Cursor<'a>, Broken> {
        match self.constants.get(usize::from(number)) {
            Some([found, rest @ ..]) if *found == tag => Ok(Cursor(rest)),
            _ => Err(Broken::Constant(number)),
        }
    }

    pub(super) fn text(&self, number: u16) -> Result<&'a str, Broken> {
        let mut constant = self.constant(number, UTF8)?;
        let length = constant.u16()?;
        self.asked.set(self.asked.get() + u64::from(length));
        if self.asked.get() > MAX_TEXTS {
            return Err(Broken::Long);
        }
        let bytes = constant.take(usize::from(length))?;
        str::from_utf8(bytes).map_err(|_| Broken::Name)
    }

    /// Bytes of the texts that were asked for, at most [`MAX_TEXTS`].
    pub(super) fn asked(&self) -> u64 {
        self.asked.get()
    }

    /// The name of a class.
    pub(super) fn class(&self, number: u16) -> Result<&'a str, Broken> {
        self.text(self.constant(number, CLASS)?.u16()?)
    }

    /// The text of a string.
    pub(super) fn string(&self, number: u16) -> Result<&'a str, Broken> {
        self.text(self.constant(number, STRING)?.u16()?)
    }

    /// A name and a type.
    pub(super) fn signature(&self, number: u16) -> Result<Signature<'a>, Broken> {
        let mut constant = self.constant(number, NAME_AND_TYPE)?;
        Ok(Signature {
            name: self.text(constant.u16()?)?,
            descriptor: self.text(constant.u16()?)?,
        })
    }

    /// The numbers of the classes that it names.
    pub(super) fn classes(&self) -> impl Iterator<Item = u16> {
        let numbered = (0..=u16::MAX).zip(&self.constants);
        numbered
            .filter_map(|(number, constant)| (constant.first() == Some(&CLASS)).then_some(number))
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.constants.len()
    }

    /// Whether this is the text.
    pub(super) fn is(&self, number: u16, text: &str) -> bool {
        let Ok(mut found) = self.constant(number, UTF8) else {
            return false;
        };
        found
            .u16()
            .is_ok_and(|length| usize::from(length) == text.len())
            && found.take(text.len()) == Ok(text.as_bytes())
    }

    /// The fields and methods that code names: numbers of their class and signature.
    pub(super) fn members(&self) -> impl Iterator<Item = (u16, u16)> {
        self.constants.iter().filter_map(|constant| match constant {
            [FIELD..=INTERFACE_METHOD, a, b, c, d, ..] => {
                Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
            }
            _ => None,
        })
    }
}
