//! The order of versions, as Maven's resolver has it (GenericVersion): numbers
//! by value, known qualifiers by rank, anything else by its letters.

use std::cmp::Ordering;

/// A version with its order. Equal are also versions that only differ in
/// trailing zeros: `1.0` and `1`.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// `min` at the end: before everything.
    Min,
    /// A known qualifier; the release itself is 0.
    Rank(i32),
    /// Any other word, in lower case.
    Word(String),
    /// Digits, without leading zeros.
    Number(String),
    /// `max` at the end: after everything.
    Max,
}

impl Version {
    /// Any text is a version.
    pub fn new(text: &str) -> Version {
        Version {
            text: text.to_owned(),
            items: trimmed(items(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The versions, ascending; equal ones in the order in which they come. Maven's
/// order goes in circles for odd versions (`o`, the empty one, `a`), which the
/// sorting of the standard library does not put up with.
pub fn sorted<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Version> {
    let versions: Vec<Version> = texts.into_iter().map(Version::new).collect();
    let mut parts: Vec<Vec<Version>> = versions.chunks(PART).map(inserted).collect();
    while parts.len() > 1 {
        let mut halves = parts.into_iter();
        parts = Vec::new();
        while let Some(first) = halves.next() {
            parts.push(match halves.next() {
                Some(second) => merged(first, second),
                None => first,
            });
        }
    }
    parts.pop().unwrap_or_default()
}

/// What is sorted by inserting: above it that would take long.
const PART: usize = 1024;

fn inserted(versions: &[Version]) -> Vec<Version> {
    let mut out: Vec<Version> = Vec::with_capacity(versions.len());
    for version in versions {
        let at = out.partition_point(|known| known <= version);
        out.insert(at, version.clone());
    }
    out
}

fn merged(first: Vec<Version>, second: Vec<Version>) -> Vec<Version> {
    let mut out = Vec::with_capacity(first.len() + second.len());
    let mut first = first.into_iter().peekable();
    for version in second {
        while let Some(known) = first.next_if(|known| *known <= version) {
            out.push(known);
        }
        out.push(version);
    }
    out.extend(first);
    out
}

/// Whether a version is a release: not an alpha, a candidate, a preview or a snapshot.
pub fn is_stable(version: &str) -> bool {
    const EARLY: [&str; 10] = [
        "alpha",
        "beta",
        "milestone",
        "rc",
        "cr",
        "snapshot",
        "preview",
        "dev",
        "ea",
        "test",
    ];
    words(version)
        .iter()
        .all(|(word, is_number, next_is_number)| {
            *is_number
                || !(EARLY.contains(&word.as_str())
                    || (*next_is_number && matches!(word.as_str(), "a" | "b" | "m" | "pre")))
        })
}

/// The words and numbers of a version, each with whether it is a number and
/// whether a number follows without a sign between.
fn words(text: &str) -> Vec<(String, bool, bool)> {
    let mut out: Vec<(String, bool, bool)> = Vec::new();
    for part in text.split(['.', '-', '_', '+', '~']) {
        let mut fresh = true;
        for c in part.chars() {
            let digit = c.is_ascii_digit();
            match out.last_mut() {
                Some((word, number, _)) if !fresh && *number == digit => {
                    word.extend(c.to_lowercase())
                }
                last => {
                    if let Some((_, number, next)) = last
                        && !fresh
                        && !*number
                    {
                        *next = digit;
                    }
                    out.push((c.to_lowercase().collect(), digit, false));
                }
            }
            fresh = false;
        }
    }
    out
}

/// Cuts at `.`, `-` and `_`, and where digits meet letters; nothing between two
/// signs is a zero.
fn items(text: &str) -> Vec<Item> {
    let text = if text.is_empty() { "0" } else { text };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let is_sign = |c: char| matches!(c, '.' | '-' | '_');
        let end = rest
            .find(|c: char| is_sign(c) || c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let token = &rest[..end];
        rest = &rest[end..];
        let before_number = !digits && rest.starts_with(|c: char| c.is_ascii_digit());
        if rest.starts_with(is_sign) {
            rest = &rest[1..];
        }
        out.push(item(token, digits, before_number, rest.is_empty()));
    }
    out
}

fn item(token: &str, digits: bool, before_number: bool, is_last: bool) -> Item {
    if token.is_empty() || digits {
        return Item::Number(token.trim_start_matches('0').to_owned());
    }
    let word = token.to_lowercase();
    match word.as_str() {
        "min" if is_last => Item::Min,
        "max" if is_last => Item::Max,
        "a" if before_number => Item::Rank(-5),
        "b" if before_number => Item::Rank(-4),
        "m" if before_number => Item::Rank(-3),
        "alpha" => Item::Rank(-5),
        "beta" => Item::Rank(-4),
        "milestone" => Item::Rank(-3),
        "cr" | "rc" => Item::Rank(-2),
        "snapshot" => Item::Rank(-1),
        "ga" | "final" | "release" => Item::Rank(0),
        "sp" => Item::Rank(1),
        _ => Item::Word(word),
    }
}

impl Item {
    /// Whether it stands where a number may: words and qualifiers do not.
    fn is_number(&self) -> bool {
        !matches!(self, Item::Rank(_) | Item::Word(_))
    }

    /// Qualifiers, then words, then numbers.
    fn kind(&self) -> u8 {
        match self {
            Item::Min => 0,
            Item::Rank(_) => 1,
            Item::Word(_) => 2,
            Item::Number(_) => 3,
            Item::Max => 4,
        }
    }

    fn order(&self, other: &Item) -> Ordering {
        match (self, other) {
            (Item::Rank(a), Item::Rank(b)) => a.cmp(b),
            (Item::Word(a), Item::Word(b)) => a.cmp(b),
            (Item::Number(a), Item::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    /// Against nothing.
    fn order_to_end(&self) -> Ordering {
        match self {
            Item::Min => Ordering::Less,
            Item::Rank(rank) => rank.cmp(&0),
            Item::Word(_) | Item::Max => Ordering::Greater,
            Item::Number(digits) => digits.len().cmp(&0),
        }
    }
}

/// What counts nothing goes: at the end, and at the end of each run of numbers
/// or of words that another of its kind begins.
fn trimmed(items: Vec<Item>) -> Vec<Item> {
    let mut keep = vec![true; items.len()];
    let mut run = None;
    let mut is_last = true;
    let mut ends_run = true;
    for at in (1..items.len()).rev() {
        let is_number = items[at].is_number();
        if run != Some(is_number) {
            run = Some(is_number);
            ends_run = true;
        }
        if ends_run
            && (is_last || items[at - 1].is_number() == is_number)
            && items[at].order_to_end() == Ordering::Equal
        {
            keep[at] = false;
        } else {
            is_last = false;
            ends_run = false;
        }
    }
    let mut keep = keep.into_iter();
    items
        .into_iter()
        .filter(|_| keep.next().unwrap_or(true))
        .collect()
}

/// The order of what is left against nothing; `kind` says which kind of item
/// still counts.
fn order_of_rest(items: &[Item], kind: Option<bool>) -> Ordering {
    for item in items {
        if kind.is_some_and(|kind| kind != item.is_number()) {
            break;
        }
        let order = item.order_to_end();
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let mut number = true;
        for index in 0.. {
            let (a, b) = match (self.items.get(index), other.items.get(index)) {
                (None, None) => return Ordering::Equal,
                (Some(_), None) => return order_of_rest(&self.items[index..], None),
                (None, Some(_)) => return order_of_rest(&other.items[index..], None).reverse(),
                (Some(a), Some(b)) => (a, b),
            };
            if a.is_number() != b.is_number() {
                return match number == a.is_number() {
                    true => order_of_rest(&self.items[index..], Some(number)),
                    false => order_of_rest(&other.items[index..], Some(number)).reverse(),
                };
            }
            let order = a.order(b);
            if order != Ordering::Equal {
                return order;
            }
            number = a.is_number();
        }
        Ordering::Equal
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order() {
        let sorted = [
            "1-alpha",
            "1-beta2",
            "1-m1",
            "1-rc1",
            "1-rc2",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-xyz",
            "1.0.1",
            "1.1",
            "1.9",
            "1.10",
            "2.0-preview1",
            "3.3.0-1.19",
            "3.3.0-1.20",
            "3.4.0-1.19",
        ];
        for pair in sorted.windows(2) {
            assert!(Version::new(pair[0]) < Version::new(pair[1]), "{pair:?}");
        }
        assert_eq!(Version::new("1.0"), Version::new("1"));
        assert_eq!(Version::new("1.0-final"), Version::new("1.00"));
    }

    #[test]
    fn stable_are_releases_only() {
        for version in [
            "1.20.5",
            "3.3.0-1.20",
            "1.2.9_flink-1.18",
            "42.7.4.jre7",
            "1.13-vvr-4.0.7",
            "1.0-final",
        ] {
            assert!(is_stable(version), "{version}");
        }
        for version in [
            "2.0-preview1",
            "1.0-rc1",
            "1.0.0.Beta1",
            "1-SNAPSHOT",
            "1.0-M2",
            "1.0-alpha-1",
            "1.0-a1",
            "1.0-pre1",
        ] {
            assert!(!is_stable(version), "{version}");
        }
    }

    #[test]
    fn many_are_sorted_soon() {
        let texts: Vec<String> = (0..60_000).rev().map(|at| format!("1.{at}")).collect();
        let sorted = sorted(texts.iter().map(String::as_str));
        assert!(sorted.is_sorted());
        assert_eq!(sorted.len(), texts.len());
    }

    #[test]
    fn long_ones_are_read_soon() {
        let long = "1.0.a.".repeat(100_000);
        assert_eq!(Version::new(&long), Version::new(&long.replace(".0", "")));
    }

    proptest! {
        #[test]
        fn it_has_two_sides(a in "[0-9a-z.-]{0,8}", b in "[0-9a-z.-]{0,8}") {
            let (a, b) = (Version::new(&a), Version::new(&b));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        }

        #[test]
        fn any_versions_are_sorted(texts in proptest::collection::vec("[0-9a-z.-]{0,4}", 0..60)) {
            let sorted = sorted(texts.iter().map(String::as_str));
            prop_assert_eq!(sorted.len(), texts.len());
        }
    }
}
