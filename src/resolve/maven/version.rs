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
    /// A known qualifier; the release itself is 0.
    Rank(i32),
    /// Any other word, in lower case.
    Word(String),
    /// Digits, without leading zeros.
    Number(String),
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

fn items(text: &str) -> Vec<Item> {
    words(text)
        .into_iter()
        .map(|(word, number, before_number)| {
            if number {
                return Item::Number(word.trim_start_matches('0').to_owned());
            }
            match word.as_str() {
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
        })
        .collect()
}

impl Item {
    fn is_nothing(&self) -> bool {
        matches!(self, Item::Rank(0)) || matches!(self, Item::Number(digits) if digits.is_empty())
    }

    /// Qualifiers, then words, then numbers.
    fn kind(&self) -> u8 {
        match self {
            Item::Rank(_) => 0,
            Item::Word(_) => 1,
            Item::Number(_) => 2,
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

    /// Against the end of the other version.
    fn order_to_end(&self) -> Ordering {
        match self {
            Item::Rank(rank) => rank.cmp(&0),
            Item::Word(_) => Ordering::Greater,
            Item::Number(digits) => digits.len().cmp(&0),
        }
    }
}

/// Zeros before a word or at the end say nothing.
fn trimmed(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for item in items {
        if item.kind() != 2 {
            while out.last().is_some_and(Item::is_nothing) {
                out.pop();
            }
        }
        out.push(item);
    }
    while out.last().is_some_and(Item::is_nothing) {
        out.pop();
    }
    out
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        for index in 0.. {
            let order = match (self.items.get(index), other.items.get(index)) {
                (None, None) => return Ordering::Equal,
                (Some(a), Some(b)) => a.order(b),
                (Some(a), None) => a.order_to_end(),
                (None, Some(b)) => b.order_to_end().reverse(),
            };
            if order != Ordering::Equal {
                return order;
            }
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

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-9a-z.-]{0,8}", b in "[0-9a-z.-]{0,8}", c in "[0-9a-z.-]{0,8}") {
            let (a, b, c) = (Version::new(&a), Version::new(&b), Version::new(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
