//! Facts as bytes: lists of numbers, four bytes each, that are copied rather than
//! decoded. Reading 50 MB of them takes some hundredths of a second, and no second
//! time their memory.
//!
//! Each part has its length in bytes before it: the names, the lists in the order
//! of [`lists`], then answers and extras.

use std::io::{self, Read, Write};

use super::facts::{Answer, Extras, JarFacts};
use super::table::Table;
use crate::error::{Context, Result};

/// Bytes that are copied at once.
const CHUNK: usize = 1 << 16;
/// Bytes that are made room for before they were seen: a length may be damaged.
const MAX_TRUSTED: u64 = 64 << 20;

/// Every list of numbers, in the order of the file.
fn lists(facts: &mut JarFacts) -> [&mut Vec<u32>; 13] {
    let JarFacts {
        names,
        classes,
        references,
        ..
    } = facts;
    [
        &mut names.ends,
        &mut classes.crcs,
        &mut classes.releases,
        &mut classes.sizes,
        &mut classes.forms,
        &mut classes.types_ends,
        &mut classes.members_ends,
        &mut classes.uses_ends,
        &mut classes.types,
        &mut classes.members,
        &mut classes.uses,
        &mut references.owners,
        &mut references.signatures,
    ]
}

/// Writes the facts.
pub(super) fn write(facts: &mut JarFacts, out: &mut dyn Write) -> Result<()> {
    begin(out, facts.names.text.len())?;
    out.write_all(facts.names.text.as_bytes())?;
    for list in lists(facts) {
        begin(out, list.len() * 4)?;
        let mut bytes = Vec::with_capacity(CHUNK);
        for numbers in list.chunks(CHUNK / 4) {
            bytes.clear();
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            out.write_all(&bytes)?;
        }
    }
    let rest = (&facts.answers, &facts.extras, facts.references.inside);
    let rest = postcard::to_stdvec(&rest).doing(|| "encoding a cache entry")?;
    begin(out, rest.len())?;
    out.write_all(&rest)?;
    Ok(())
}

fn begin(out: &mut dyn Write, length: usize) -> Result<()> {
    Ok(out.write_all(&(length as u64).to_le_bytes())?)
}

/// What [`write`] has written; `None` where it is something else.
pub(super) fn read(from: &mut dyn Read) -> Option<JarFacts> {
    let mut facts = JarFacts::default();
    facts.names.text = String::from_utf8(part(from)?).ok()?;
    for list in lists(&mut facts) {
        *list = numbers(from)?;
    }
    let rest: (Vec<Answer>, Extras, u32) = postcard::from_bytes(&part(from)?).ok()?;
    (facts.answers, facts.extras, facts.references.inside) = rest;
    facts.finish();
    Some(facts)
}

/// The names of the usual classes alone.
pub(super) fn read_names(from: &mut dyn Read) -> Option<Vec<String>> {
    let mut names = Table {
        text: String::from_utf8(part(from)?).ok()?,
        ends: numbers(from)?,
    };
    let (classes, releases) = (numbers(from)?.len(), numbers(from)?.len());
    io::copy(from, &mut io::sink()).ok()?;
    names.ends.truncate(classes.saturating_sub(releases));
    Some(names.iter().map(str::to_string).collect())
}

fn length(from: &mut dyn Read) -> Option<u64> {
    let mut length = [0; 8];
    from.read_exact(&mut length).ok()?;
    Some(u64::from_le_bytes(length))
}

fn part(from: &mut dyn Read) -> Option<Vec<u8>> {
    let length = length(from)?;
    let mut bytes = Vec::with_capacity(length.min(MAX_TRUSTED) as usize);
    from.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}

fn numbers(from: &mut dyn Read) -> Option<Vec<u32>> {
    let mut left = length(from)?;
    let mut numbers = Vec::with_capacity((left.min(MAX_TRUSTED) / 4) as usize);
    let mut bytes = [0; CHUNK];
    while left > 0 {
        let bytes = bytes.get_mut(..left.min(CHUNK as u64) as usize)?;
        from.read_exact(bytes).ok()?;
        let (some, []) = bytes.as_chunks::<4>() else {
            return None;
        };
        numbers.extend(some.iter().map(|one| u32::from_le_bytes(*one)));
        left -= bytes.len() as u64;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> JarFacts {
        let mut facts = JarFacts::default();
        let mut names = Table::default();
        for name in ["a/A", "b/B", "c/C"] {
            names.push(&[name]);
        }
        facts.names = names;
        for (at, list) in lists(&mut facts).into_iter().enumerate().skip(1) {
            *list = vec![at as u32, 7];
        }
        facts.classes.releases = vec![11];
        facts.references.inside = 1;
        facts.extras.main_class = Some("a.A".into());
        facts.finish();
        facts
    }

    #[test]
    fn facts_come_back_and_cut_ones_do_not() {
        let mut bytes = Vec::new();
        write(&mut facts(), &mut bytes).unwrap();
        assert_eq!(read(&mut bytes.as_slice()), Some(facts()));
        assert_eq!(read_names(&mut bytes.as_slice()).unwrap(), ["a/A"]);
        for end in 0..bytes.len() {
            assert_eq!(read(&mut &bytes[..end]), None, "{end} bytes");
        }
    }
}
