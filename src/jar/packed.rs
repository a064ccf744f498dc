//! Facts as bytes: lists of numbers, four bytes each, that are copied rather than
//! decoded. Reading 50 MB of them takes some hundredths of a second.
//!
//! Each part has its length in bytes before it: the names, the lists in the order
//! of [`lists`], then answers and extras.

use super::facts::{Answer, Extras, JarFacts};

/// Every list of numbers, in the order of the file.
fn lists(facts: &mut JarFacts) -> [&mut Vec<u32>; 12] {
    let JarFacts {
        names,
        classes,
        references,
        ..
    } = facts;
    [
        &mut names.ends,
        &mut classes.crcs,
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

/// The facts as bytes.
pub(super) fn write(facts: &mut JarFacts) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = Vec::new();
    let begin = |bytes: &mut Vec<u8>, length: usize| {
        bytes.extend((length as u64).to_le_bytes());
    };
    begin(&mut bytes, facts.names.text.len());
    bytes.extend(facts.names.text.as_bytes());
    for list in lists(facts) {
        begin(&mut bytes, list.len() * 4);
        list.iter()
            .for_each(|number| bytes.extend(number.to_le_bytes()));
    }
    let rest = (&facts.answers, &facts.extras, facts.references.inside);
    let rest = postcard::to_stdvec(&rest)?;
    begin(&mut bytes, rest.len());
    bytes.extend(rest);
    Ok(bytes)
}

/// What [`write`] has written; `None` where it is something else.
pub(super) fn read(bytes: &[u8]) -> Option<JarFacts> {
    let mut left = bytes;
    let mut facts = JarFacts::default();
    facts.names.text = str::from_utf8(part(&mut left)?).ok()?.to_string();
    for list in lists(&mut facts) {
        let (numbers, []) = part(&mut left)?.as_chunks::<4>() else {
            return None;
        };
        *list = numbers.iter().map(|one| u32::from_le_bytes(*one)).collect();
    }
    let rest: (Vec<Answer>, Extras, u32) = postcard::from_bytes(part(&mut left)?).ok()?;
    (facts.answers, facts.extras, facts.references.inside) = rest;
    facts.finish();
    Some(facts)
}

/// The class names alone.
pub(super) fn read_names(bytes: &[u8]) -> Option<Vec<String>> {
    let mut left = bytes;
    let mut facts = JarFacts::default();
    facts.names.text = str::from_utf8(part(&mut left)?).ok()?.to_string();
    let (ends, _) = part(&mut left)?.as_chunks::<4>();
    let classes = part(&mut left)?.len() / 4;
    facts.names.ends = ends
        .iter()
        .take(classes)
        .map(|one| u32::from_le_bytes(*one))
        .collect();
    Some(facts.names.iter().map(str::to_string).collect())
}

fn part<'a>(left: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u64::from_le_bytes(*left.split_off(..8)?.first_chunk()?);
    left.split_off(..usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jar::table::Table;

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
        facts.references.inside = 1;
        facts.extras.main_class = Some("a.A".into());
        facts.finish();
        facts
    }

    #[test]
    fn facts_come_back_and_cut_ones_do_not() {
        let bytes = write(&mut facts()).unwrap();
        assert_eq!(read(&bytes), Some(facts()));
        assert_eq!(read_names(&bytes).unwrap(), ["a/A", "b/B"]);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "{end} bytes");
        }
    }
}
