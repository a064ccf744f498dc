//! Coordinates in the address of a repository's file.

use super::Coordinates;

impl Coordinates {
    /// The coordinates of a file in a Maven repository, by its address: folders of the
    /// group, artifact and version, and a file that is named by the last two.
    pub fn of_address(url: &str) -> Option<Coordinates> {
        let (_, rest) = url.split_once("://")?;
        let path = rest.split(['?', '#']).next()?;
        let mut parts: Vec<&str> = path.split('/').skip(1).collect();
        let (file, version, artifact) = (parts.pop()?, parts.pop()?, parts.pop()?);
        if artifact.is_empty() || file != format!("{artifact}-{version}.jar") {
            return None;
        }
        // Repositories lie below folders of their own, which are no part of a group.
        let roots = [
            "maven2",
            "m2",
            "releases",
            "maven-public",
            "public",
            "maven",
        ];
        let start = parts.iter().rposition(|part| roots.contains(part));
        let group = parts[start.map_or(0, |at| at + 1)..].join(".");
        Coordinates::jar(&group, artifact, version).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_repositorys_file_is_a_coordinate() {
        for (url, wanted) in [
            (
                "https://r.test/maven2/org/apache/flink/k/1.0-1.20/k-1.0-1.20.jar",
                Some("org.apache.flink:k:1.0-1.20"),
            ),
            (
                "https://n.test/repository/maven-public/a/b/1/b-1.jar?x",
                Some("a:b:1"),
            ),
            ("https://r.test/maven2/b/1/c-1.jar", None),
            ("https://r.test/x.jar", None),
        ] {
            let found = Coordinates::of_address(url).map(|one| one.to_string());
            assert_eq!(found.as_deref(), wanted, "{url}");
        }
    }
}
