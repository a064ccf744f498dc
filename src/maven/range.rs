//! What a dependency's version text asks for: a version, which others may
//! override, or ranges, which are hard.

use super::version::Version;

/// A version text, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionConstraint {
    /// A recommendation.
    Soft,
    /// One of these ranges must hold it.
    Ranges(Vec<Range>),
    /// `LATEST` or `RELEASE`: the newest there is, or the newest that is no
    /// snapshot.
    Newest {
        /// Whether snapshots count.
        snapshots: bool,
    },
}

/// One range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    lower: Option<(Version, bool)>,
    upper: Option<(Version, bool)>,
}

impl VersionConstraint {
    /// Reads a version text. The error says what is wrong with a range.
    pub fn parse(text: &str) -> Result<VersionConstraint, &'static str> {
        match text {
            "LATEST" => return Ok(VersionConstraint::Newest { snapshots: true }),
            "RELEASE" => return Ok(VersionConstraint::Newest { snapshots: false }),
            _ => {}
        }
        let mut ranges = Vec::new();
        let mut rest = text;
        while rest.starts_with(['[', '(']) {
            let end = rest.find([']', ')']).ok_or("it has no end")?;
            ranges.push(Range::parse(&rest[..=end])?);
            rest = rest[end + 1..].trim();
            rest = rest.strip_prefix(',').map_or(rest, str::trim);
        }
        match (ranges.is_empty(), rest.is_empty()) {
            (true, _) => Ok(VersionConstraint::Soft),
            (false, true) => Ok(VersionConstraint::Ranges(ranges)),
            (false, false) => Err("something stands behind the range"),
        }
    }

    /// Whether it is hard and leaves this version out.
    pub fn excludes(&self, version: &Version) -> bool {
        match self {
            VersionConstraint::Ranges(ranges) => {
                !ranges.iter().any(|range| range.contains(version))
            }
            _ => false,
        }
    }

    /// The one version of `[1.2]`, which no repository need be asked for.
    pub fn single(&self) -> Option<&str> {
        match self {
            VersionConstraint::Ranges(ranges) => match ranges.as_slice() {
                [
                    Range {
                        lower: Some((lower, true)),
                        upper: Some((upper, true)),
                    },
                ] if lower.as_str() == upper.as_str() => Some(lower.as_str()),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Range {
    fn parse(text: &str) -> Result<Range, &'static str> {
        let (from, to) = (text.starts_with('['), text.ends_with(']'));
        let inner = &text[1..text.len() - 1];
        let Some((lower, upper)) = inner.split_once(',') else {
            if !(from && to) {
                return Err("a single version stands in []");
            }
            let version = inner.trim();
            let bound = |text: &str| Some((Version::new(text), true));
            return Ok(match version.strip_suffix('*') {
                Some(prefix) if prefix.ends_with('.') => Range {
                    lower: bound(&format!("{prefix}min")),
                    upper: bound(&format!("{prefix}max")),
                },
                _ => Range {
                    lower: bound(version),
                    upper: bound(version),
                },
            });
        };
        let (lower, upper) = (lower.trim(), upper.trim());
        if upper.contains(',') {
            return Err("a range has two bounds");
        }
        let bound = |text: &str, inclusive| match text {
            "" => None,
            text => Some((Version::new(text), inclusive)),
        };
        let range = Range {
            lower: bound(lower, from),
            upper: bound(upper, to),
        };
        match (&range.lower, &range.upper) {
            (Some((lower, _)), Some((upper, _))) if upper < lower => {
                Err("its upper bound is before its lower one")
            }
            _ => Ok(range),
        }
    }

    fn contains(&self, version: &Version) -> bool {
        let above = self
            .lower
            .as_ref()
            .is_none_or(|(bound, inclusive)| bound < version || (*inclusive && bound == version));
        let below = self
            .upper
            .as_ref()
            .is_none_or(|(bound, inclusive)| version < bound || (*inclusive && bound == version));
        above && below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        for (text, inside, outside) in [
            ("[1,2)", "1 1.0 1.9.9 2-SNAPSHOT", "0.9 2 2.0"),
            ("(1,2]", "1.1 2 2.0", "1 2.0.1"),
            ("(,1.0]", "0 1", "1.0.1"),
            ("[1.5,)", "1.5 99", "1.4"),
            ("[1.2]", "1.2 1.2.0", "1.2.1 1.1"),
            ("[1.2.*]", "1.2 1.2.9 1.2-alpha", "1.3 1.1"),
            ("(,1],[3,)", "1 3 4", "2"),
        ] {
            let wanted = VersionConstraint::parse(text).unwrap();
            for version in inside.split(' ') {
                assert!(!wanted.excludes(&Version::new(version)), "{text} {version}");
            }
            for version in outside.split(' ') {
                assert!(wanted.excludes(&Version::new(version)), "{text} {version}");
            }
        }
        assert_eq!(VersionConstraint::parse("1.2"), Ok(VersionConstraint::Soft));
        assert_eq!(
            VersionConstraint::parse("[1.2]").unwrap().single(),
            Some("1.2")
        );
        for text in ["[1", "[2,1]", "(1)", "[1,2,3]", "[1,2]x"] {
            assert!(VersionConstraint::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\](),.0-9a-z*-]{0,20}") {
            let _ = VersionConstraint::parse(&text);
        }
    }
}
