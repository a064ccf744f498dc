//! A Flink minor: the first two numbers of a Flink version.

use std::fmt;

/// `1.20` of `1.20.5`; ordered by number, so that 1.9 comes before 1.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Minor(u32, u32);

impl Minor {
    /// Reads exactly `MAJOR.MINOR`.
    pub(super) fn parse(text: &str) -> Option<Minor> {
        let (major, minor) = text.split_once('.')?;
        Some(Minor(number(major)?, number(minor)?))
    }

    /// How far it is from another one, to compare distances: a major version
    /// is farther than any number of minors.
    pub(super) fn distance(self, other: Minor) -> i64 {
        let place = |minor: Minor| i64::from(minor.0) * 1000 + i64::from(minor.1);
        (place(self) - place(other)).abs()
    }

    /// The minor of a full Flink version: `1.20.5`, `2.0-preview1`, `1.20`.
    pub(super) fn of_version(version: &str) -> Option<Minor> {
        let (major, rest) = version.split_once('.')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if !matches!(rest[end..].chars().next(), None | Some('.' | '-')) {
            return None;
        }
        Some(Minor(number(major)?, number(&rest[..end])?))
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Digits alone: `u32::from_str` would also take a sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_ordered_by_number() {
        let order: Vec<_> = ["1.9", "1.10", "1.20", "2.0"].map(Minor::parse).into();
        assert!(order.is_sorted() && order.iter().all(Option::is_some));
    }

    #[test]
    fn versions_have_minors() {
        for (version, minor) in [
            ("1.20.5", Some("1.20")),
            ("1.20", Some("1.20")),
            ("2.0-preview1", Some("2.0")),
            ("1.8.3-SNAPSHOT", Some("1.8")),
            ("1", None),
            ("1.x", None),
            ("1.2x", None),
            ("+1.2", None),
            ("", None),
        ] {
            let found = Minor::of_version(version).map(|minor| minor.to_string());
            assert_eq!(found.as_deref(), minor, "{version}");
        }
        assert_eq!(Minor::parse("1.20.5"), None);
    }
}
