//! What is said when no repository has a file.

use crate::error::{Error, Reason};
use crate::maven::Coordinates;
use crate::maven::Version;

/// The error that names every repository that was asked, and the versions
/// nearest to the wanted one.
pub(super) fn error(coordinate: &Coordinates, asked: &[String], versions: &[String]) -> Error {
    let error = Error::new(match asked {
        [] => format!("there is no repository to ask for {coordinate}"),
        [one] => format!("{coordinate} is not in {one}"),
        many => format!(
            "{coordinate} is in none of these repositories: {}",
            many.join(", ")
        ),
    })
    .because(Reason::NotFound);
    let name = format!("{}:{}", coordinate.group(), coordinate.artifact());
    if versions.is_empty() {
        return error.hint(format!(
            "no repository knows {name}: is it written right? a repository of your own belongs into [maven] repositories"
        ));
    }
    if versions
        .iter()
        .any(|version| version == coordinate.version())
    {
        return error.hint(format!(
            "{name} has the version {}, but not this file of it: check classifier and extension",
            coordinate.version()
        ));
    }
    error.hint(format!(
        "{name} has these versions near it: {}",
        nearest(versions, coordinate.version()).join(", ")
    ))
}

/// Up to three versions before and after the wanted one, of a sorted list.
fn nearest<'v>(versions: &'v [String], wanted: &str) -> Vec<&'v str> {
    const SIDE: usize = 3;
    let wanted = Version::new(wanted);
    let at = versions.partition_point(|version| Version::new(version) < wanted);
    let first = at.saturating_sub(SIDE);
    let last = (at + SIDE).min(versions.len());
    versions[first..last].iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_named() {
        let versions: Vec<String> = (1..=9).map(|n| format!("1.{n}")).collect();
        assert_eq!(
            nearest(&versions, "1.5.1"),
            ["1.3", "1.4", "1.5", "1.6", "1.7", "1.8"]
        );
        assert_eq!(nearest(&versions, "0"), ["1.1", "1.2", "1.3"]);
        assert_eq!(nearest(&versions, "9"), ["1.7", "1.8", "1.9"]);
    }
}
