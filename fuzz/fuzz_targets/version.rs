//! Versions have an order, and ranges hold what lies between their bounds.
#![no_main]

use std::cmp::Ordering;

use flinkpack::maven::{Version, VersionConstraint, is_stable, version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let texts: Vec<&str> = text.splitn(3, '\n').collect();
    let versions: Vec<Version> = texts.iter().map(|text| Version::new(text)).collect();
    for (text, a) in texts.iter().zip(&versions) {
        assert_eq!(a.as_str(), *text);
        assert_eq!(a.cmp(a), Ordering::Equal);
        is_stable(text);
        for b in &versions {
            assert_eq!(a.cmp(b), b.cmp(a).reverse());
            assert_eq!(a == b, a.cmp(b) == Ordering::Equal);
        }
        let Ok(wanted) = VersionConstraint::parse(text) else {
            continue;
        };
        if let Some(single) = wanted.single() {
            assert!(!wanted.excludes(&Version::new(single)));
        }
        let is_hard = matches!(wanted, VersionConstraint::Ranges(_));
        for b in &versions {
            assert!(is_hard || !wanted.excludes(b));
        }
    }
    let sorted = version::sorted(texts.iter().copied());
    assert_eq!(sorted.len(), texts.len());
    // Maven's order goes in circles for odd versions only.
    if texts.iter().all(|text| is_usual(text)) {
        for (at, a) in sorted.iter().enumerate() {
            for b in &sorted[at..] {
                assert!(a <= b, "{} {}", a.as_str(), b.as_str());
            }
        }
        if let [first, .., last] = &sorted[..] {
            let range = format!("[{},{}]", first.as_str(), last.as_str());
            let range = VersionConstraint::parse(&range).expect("a range");
            assert!(sorted.iter().all(|version| !range.excludes(version)));
            let range = format!("({},{})", first.as_str(), last.as_str());
            let range = VersionConstraint::parse(&range).expect("a range");
            assert!(range.excludes(first) && range.excludes(last));
        }
    }
});

/// Numbers with dots between, and perhaps one word with a number behind it:
/// `1.20.5`, `2.0-rc1`, `1-SNAPSHOT`.
fn is_usual(text: &str) -> bool {
    let (numbers, word) = text.split_once('-').unwrap_or((text, "x"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    numbers.split('.').all(is_number)
        && !letters.is_empty()
        && letters.bytes().all(|b| b.is_ascii_alphabetic())
}
