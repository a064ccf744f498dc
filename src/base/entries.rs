//! Entries of a tar that anybody may have written.
//!
//! A name too long for its header stands in an entry of its own, which is read
//! into memory whole (PAX, POSIX.1-2001; GNU's `@LongLink`). It may be as long as
//! its writer likes, and take next to no room in a compressed layer: so what is
//! read between one entry and the next is bounded.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::error::{Context, Error, Result};

/// Bytes that names and attributes of one entry may take.
const MAX_HEADERS: u64 = 1 << 20;
/// Entries that an archive may have: ten times what the largest images hold.
const MAX_ENTRIES: usize = 4_000_000;

const DOING: &str = "reading an entry of a tar";

/// A reader that ends in an error after so many bytes.
pub struct Bounded<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the name and attributes of an entry take more than {MAX_HEADERS} bytes"),
            ));
        }
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.reader.read(&mut buffer[..most])?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

/// Visits the entries in their order, until one breaks off.
pub fn each<R: Read>(
    reader: R,
    mut visit: impl FnMut(&mut tar::Entry<'_, Bounded<R>>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let left = Rc::new(Cell::new(MAX_HEADERS));
    let mut archive = tar::Archive::new(Bounded {
        reader,
        left: left.clone(),
    });
    let mut count = 0;
    for entry in archive.entries().doing(|| DOING)? {
        let mut entry = entry.doing(|| DOING)?;
        count += 1;
        if count > MAX_ENTRIES {
            return Err(Error::new(format!(
                "it has more than {MAX_ENTRIES} entries"
            )));
        }
        left.set(u64::MAX);
        // What the visitor leaves of the content is passed over on the way to the next.
        let content = entry.header().entry_size()?;
        let broken = visit(&mut entry)?;
        left.set(content.saturating_add(MAX_HEADERS));
        if broken.is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: tar::EntryType, size: u64) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    fn names(reader: impl Read) -> Result<usize> {
        let mut count = 0;
        each(reader, |_| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    #[test]
    fn names_without_end_are_refused_before_they_are_read() {
        for kind in [
            tar::EntryType::GNULongName,
            tar::EntryType::GNULongLink,
            tar::EntryType::XHeader,
        ] {
            let endless = header(kind, 1 << 40);
            let reader = endless.as_slice().chain(io::repeat(b'x'));
            let error = names(reader).unwrap_err().report();
            assert!(
                error.contains("more than 1048576 bytes"),
                "{kind:?}: {error}"
            );
        }
    }

    #[test]
    fn content_may_be_large_and_left_unread() {
        let size = 3 * MAX_HEADERS;
        let mut bytes = header(tar::EntryType::Regular, size);
        bytes.resize(bytes.len() + size as usize, 0);
        bytes.extend(header(tar::EntryType::Regular, 0));
        bytes.resize(bytes.len() + 1024, 0);
        assert_eq!(names(bytes.as_slice()).unwrap(), 2);
    }
}
