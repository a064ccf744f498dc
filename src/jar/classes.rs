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
}
