//! The members of a tar archive and where their bytes are, without trust in
//! what the archive says of itself.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::{EntryType, Header, PaxExtensions};

use crate::error::{Context, Error, Result};

const BLOCK: u64 = 512;

/// Members that an archive of images may have.
const MOST: usize = 100_000;

/// Bytes of a header that extends another one.
const EXTENSION: u64 = 64 << 10;

/// Where a member's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Position in the archive.
    pub offset: u64,
    /// How many there are.
    pub size: u64,
}

/// Lists the plain files in the tar archive `path`.
pub fn members(path: &Path) -> Result<HashMap<String, Member>> {
    let file = File::open(path).doing(|| format!("opening {}", path.display()))?;
    let length = file.metadata()?.len();
    let mut input = BufReader::new(file);
    refuse_compressed(&mut input)?;
    let mut found = HashMap::new();
    let mut at = 0;
    let mut next = Extensions::default();
    for _ in 0..MOST {
        let mut header = Header::new_old();
        match input.read_exact(header.as_mut_bytes()) {
            Ok(()) => {}
            // Some writers leave out the zero blocks at the end.
            Err(_) if at == length => return Ok(found),
            Err(error) => return Err(Error::from(error).doing("the archive ends too early")),
        }
        at += BLOCK;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(found);
        }
        check(&header)?;
        let kind = header.entry_type();
        let extension = matches!(
            kind,
            EntryType::XHeader
                | EntryType::XGlobalHeader
                | EntryType::GNULongName
                | EntryType::GNULongLink
        );
        let size = match next.size.filter(|_| !extension) {
            Some(size) => size,
            None => header.entry_size().doing(|| "reading the archive")?,
        };
        let end = size
            .checked_next_multiple_of(BLOCK)
            .and_then(|padded| padded.checked_add(at))
            .filter(|_| size <= length.saturating_sub(at))
            .ok_or_else(|| Error::new("the archive ends too early: a member is longer than it"))?;
        if extension {
            next.read(kind, &mut input, size)?;
        } else {
            let extensions = std::mem::take(&mut next);
            let name = match extensions.name {
                Some(name) => name,
                None => String::from_utf8_lossy(&header.path_bytes()).into_owned(),
            };
            let name = name.strip_prefix("./").unwrap_or(&name).to_string();
            match kind {
                EntryType::Regular | EntryType::Continuous => {
                    let member = Member { offset: at, size };
                    if found.insert(name.clone(), member).is_some() {
                        return Err(Error::new(format!("the archive has two members `{name}`")));
                    }
                }
                EntryType::GNUSparse => {
                    return Err(Error::new(format!(
                        "the member `{name}` is a sparse file, which is not read"
                    )));
                }
                // Folders and links hold no blobs.
                _ => {}
            }
        }
        at = end;
        input.seek(SeekFrom::Start(at))?;
    }
    Err(Error::new(format!(
        "the archive has more than {MOST} members"
    )))
}

fn refuse_compressed(input: &mut BufReader<File>) -> Result<()> {
    let mut magic = [0; 4];
    let read = input.read(&mut magic)?;
    input.seek(SeekFrom::Start(0))?;
    let tool = match magic.get(..read).unwrap_or_default() {
        [0x1f, 0x8b, ..] => "gunzip",
        [0x28, 0xb5, 0x2f, 0xfd] => "unzstd",
        [b'B', b'Z', b'h', ..] => "bunzip2",
        [0xfd, b'7', b'z', b'X'] => "unxz",
        _ => return Ok(()),
    };
    Err(
        Error::new("the archive is compressed; it is read in place, so it has to be a plain tar")
            .hint(format!("unpack it with {tool}")),
    )
}

fn check(header: &Header) -> Result<()> {
    let bytes = header.as_bytes();
    // The checksum counts its own eight bytes as spaces.
    let sum: u32 = bytes[..148]
        .iter()
        .chain(&bytes[156..])
        .map(|byte| u32::from(*byte))
        .sum::<u32>()
        + 8 * 32;
    if header.cksum().ok() != Some(sum) {
        return Err(Error::new("this is not a tar archive, or it is damaged"));
    }
    Ok(())
}

/// What extension headers say of the member after them.
#[derive(Default)]
struct Extensions {
    name: Option<String>,
    size: Option<u64>,
}

impl Extensions {
    fn read(&mut self, kind: EntryType, input: &mut impl Read, size: u64) -> Result<()> {
        if size > EXTENSION {
            return Err(Error::new(format!(
                "the archive has a header of {size} bytes"
            )));
        }
        let mut bytes = Vec::new();
        input.take(size).read_to_end(&mut bytes)?;
        match kind {
            EntryType::GNULongName => {
                let end = bytes
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(bytes.len());
                self.name = Some(String::from_utf8_lossy(&bytes[..end]).into_owned());
            }
            EntryType::XHeader => {
                for extension in PaxExtensions::new(&bytes) {
                    let extension = extension.doing(|| "reading the archive")?;
                    let (Ok(key), Ok(value)) = (extension.key(), extension.value()) else {
                        continue;
                    };
                    match key {
                        "path" => self.name = Some(value.to_string()),
                        "size" => self.size = value.parse().ok(),
                        key if key.starts_with("GNU.sparse.") => {
                            return Err(Error::new(
                                "the archive has sparse files, which are not read",
                            ));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
