//! gzip as flinkpack writes it: stored blocks for what is compressed already,
//! a real level for the rest, as concatenated members (RFC 1952 §2.2).
//!
//! JARs gain 5 % at level 6 and cost twenty times the time, so their bytes are
//! stored. The stored blocks are written here, not by a library, so that their
//! digests depend on nothing but the input.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};

/// The largest stored block (RFC 1951 §3.2.4: 16 bits of length).
const BLOCK: usize = 65_535;

/// gzip header: no name, no time, unknown system (RFC 1952 §2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Part of what makes a layer's bytes: another level is another layer format.
const LEVEL: u32 = 6;

enum Member<W: Write> {
    Stored(Stored<W>),
    Deflated(GzEncoder<W>),
    /// Only while one member is exchanged for another.
    Between,
}

/// Writes one gzip stream whose parts are stored or deflated.
pub struct Gzip<W: Write> {
    member: Member<W>,
}

impl<W: Write> Gzip<W> {
    /// Begins with a deflated part.
    pub fn new(out: W) -> Gzip<W> {
        Gzip {
            member: Member::Deflated(deflated(out)),
        }
    }

    /// Chooses how what follows is written.
    pub fn set_stored(&mut self, stored: bool) -> io::Result<()> {
        let is_stored = matches!(self.member, Member::Stored(_));
        if is_stored == stored {
            return Ok(());
        }
        let out = finish(std::mem::replace(&mut self.member, Member::Between))?;
        self.member = if stored {
            Member::Stored(Stored::begin(out)?)
        } else {
            Member::Deflated(deflated(out))
        };
        Ok(())
    }

    /// Goes on as if `count` stored bytes had been written: only for a sink that
    /// counts, since neither the bytes nor their checksum are there.
    pub fn skip_stored(&mut self, count: u64) -> io::Result<()> {
        self.set_stored(true)?;
        match &mut self.member {
            Member::Stored(stored) => stored.skip(count),
            _ => Err(io::Error::other("an earlier write failed")),
        }
    }

    /// Ends the stream.
    pub fn finish(self) -> io::Result<W> {
        finish(self.member)
    }
}

fn deflated<W: Write>(out: W) -> GzEncoder<W> {
    GzBuilder::new()
        .operating_system(255)
        .write(out, Compression::new(LEVEL))
}

fn finish<W: Write>(member: Member<W>) -> io::Result<W> {
    match member {
        Member::Stored(stored) => stored.finish(),
        Member::Deflated(encoder) => encoder.finish(),
        Member::Between => Err(io::Error::other("an earlier write failed")),
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.member {
            Member::Stored(stored) => stored.write(bytes),
            Member::Deflated(encoder) => encoder.write(bytes),
            Member::Between => Err(io::Error::other("an earlier write failed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Stored<W: Write> {
    out: W,
    block: Vec<u8>,
    crc: crc32fast::Hasher,
    size: u32,
}

impl<W: Write> Stored<W> {
    fn begin(mut out: W) -> io::Result<Stored<W>> {
        out.write_all(&HEADER)?;
        Ok(Stored {
            out,
            block: Vec::with_capacity(BLOCK),
            crc: crc32fast::Hasher::new(),
            size: 0,
        })
    }

    fn block(out: &mut W, bytes: &[u8], last: bool) -> io::Result<()> {
        let length = bytes.len() as u16;
        let [a, b] = length.to_le_bytes();
        let [c, d] = (!length).to_le_bytes();
        out.write_all(&[u8::from(last), a, b, c, d])?;
        out.write_all(bytes)
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        static ZEROS: [u8; BLOCK] = [0; BLOCK];
        let mut left = count;
        while left > 0 {
            let piece = left.min(BLOCK as u64 - self.block.len() as u64) as usize;
            self.block.extend_from_slice(&ZEROS[..piece]);
            left -= piece as u64;
            if self.block.len() == BLOCK {
                Stored::block(&mut self.out, &self.block, false)?;
                self.block.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        Stored::block(&mut self.out, &self.block, true)?;
        self.out.write_all(&self.crc.finalize().to_le_bytes())?;
        self.out.write_all(&self.size.to_le_bytes())?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Stored<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.crc.update(bytes);
        self.size = self.size.wrapping_add(bytes.len() as u32);
        let mut rest = bytes;
        if !self.block.is_empty() {
            let taken = rest.len().min(BLOCK - self.block.len());
            self.block.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if self.block.len() == BLOCK {
                Stored::block(&mut self.out, &self.block, false)?;
                self.block.clear();
            }
        }
        while rest.len() >= BLOCK {
            Stored::block(&mut self.out, &rest[..BLOCK], false)?;
            rest = &rest[BLOCK..];
        }
        self.block.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::io::Read;

    fn pack(parts: &[(bool, Vec<u8>)], chunk: usize) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new());
        for (stored, bytes) in parts {
            gzip.set_stored(*stored).unwrap();
            for piece in bytes.chunks(chunk) {
                gzip.write_all(piece).unwrap();
            }
        }
        gzip.finish().unwrap()
    }

    proptest::proptest! {
        #[test]
        fn what_went_in_comes_out_however_it_was_cut(
            parts in proptest::collection::vec((proptest::bool::ANY, 0usize..150_000), 0..5),
            chunk in 1usize..70_000,
        ) {
            let chunk = chunk.max(100);
            let parts: Vec<(bool, Vec<u8>)> = parts
                .iter()
                .map(|(stored, size)| (*stored, (0..*size).map(|i| (i * 7 % 251) as u8).collect()))
                .collect();
            let packed = pack(&parts, chunk);
            let mut back = Vec::new();
            MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut back).unwrap();
            proptest::prop_assert_eq!(back, parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>());
            let stored: Vec<_> = parts.iter().filter(|(stored, _)| *stored).cloned().collect();
            proptest::prop_assert_eq!(pack(&stored, chunk), pack(&stored, 1 << 20));
        }
    }

    #[test]
    fn the_bytes_are_pinned() {
        let packed = pack(
            &[(true, b"jar".to_vec()), (false, b"text text text".to_vec())],
            10,
        );
        assert_eq!(
            crate::image::Digest::of(&packed).to_string(),
            PINNED,
            "other bytes for the same input: raise LAYER_FORMAT"
        );
    }

    const PINNED: &str = "sha256:cab12f2d42ce65b2ecb0805ed918de795b924eead74f085a8742eb36a04bbdcb";
}
