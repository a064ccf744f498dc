//! Coordinates: what is read is written again, and no path leaves its folder.
#![no_main]

use flinkpack::maven::Coordinates;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (text, other) = text.split_once('\n').unwrap_or((text, "1"));
    let coordinate: Coordinates = match text.parse() {
        Ok(coordinate) => coordinate,
        Err(error) => return assert!(!error.why().is_empty() && !error.hint().is_empty()),
    };
    check(&coordinate);
    check(&coordinate.pom());
    check(&coordinate.main_jar());
    match coordinate.with_version(other) {
        Ok(other) => check(&other),
        Err(error) => assert!(!error.why().is_empty() && !error.hint().is_empty()),
    }
});

fn check(coordinate: &Coordinates) {
    let again: Coordinates = coordinate.to_string().parse().expect("what is written");
    assert_eq!(&again, coordinate);
    let path = coordinate.path();
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    assert!(path.split('/').all(is_plain), "{path}");
    let folders = coordinate.group().split('.').count();
    assert_eq!(path.split('/').count(), folders + 3, "{path}");
    assert!(path.ends_with(&coordinate.file_name()));
    assert_eq!(
        coordinate.is_of_snapshot(),
        coordinate.base_version().ends_with("-SNAPSHOT")
    );
}
