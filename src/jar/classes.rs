//! Which entries of a JAR are classes that a class loader finds by name.

/// The name of the class in an entry, with slashes. Those for newer Java
/// versions under META-INF are no classes of their own, and neither are
/// descriptions of packages and modules, which many JARs have under one name.
pub(super) fn class(entry: &str) -> Option<&str> {
    let name = entry.strip_suffix(".class")?;
    let simple = name.rsplit('/').next().unwrap_or(name);
    let counts =
        !name.starts_with("META-INF/") && !matches!(simple, "module-info" | "package-info" | "");
    counts.then_some(name)
}

/// The Java version and the name of a class for newer versions (JAR File
/// Specification, "Multi-release JAR files").
pub(super) fn versioned(entry: &str) -> Option<(u16, &str)> {
    let (release, name) = entry.strip_prefix("META-INF/versions/")?.split_once('/')?;
    let release = release.parse().ok().filter(|release| *release >= 9)?;
    Some((release, class(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_that_a_class_loader_finds_by_name() {
        assert_eq!(class("b/C$1.class"), Some("b/C$1"));
        assert_eq!(class("A.class"), Some("A"));
        for other in [
            "module-info.class",
            "b/package-info.class",
            "META-INF/versions/11/b/C.class",
            "b/readme.txt",
            "b/.class",
        ] {
            assert_eq!(class(other), None, "{other}");
        }
    }

    #[test]
    fn classes_for_newer_versions_have_the_name_of_the_usual_one() {
        let entry = "META-INF/versions/11/b/C.class";
        assert_eq!(versioned(entry), Some((11, "b/C")));
        for other in [
            "META-INF/versions/8/b/C.class",
            "META-INF/versions/x/b/C.class",
            "META-INF/versions/11/module-info.class",
            "b/C.class",
        ] {
            assert_eq!(versioned(other), None, "{other}");
        }
    }
}
