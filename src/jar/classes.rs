//! The names of the classes in a JAR.

use std::fs::File;
use std::path::Path;

use crate::error::{Context, Result};
use crate::image::Digest;
use crate::store::{Bucket, Store};

/// The class names of the JAR at `path`, which has this digest: sorted, with
/// slashes, without `.class`. Those for newer Java versions under META-INF are
/// not counted again, and neither are descriptions of packages and modules,
/// which many JARs have under one name. `shown` is how messages name the JAR.
pub fn classes(store: &Store, path: &Path, digest: &Digest, shown: &str) -> Result<Vec<String>> {
    if let Some(known) = known_classes(store, digest) {
        return Ok(known);
    }
    let names = read(path).doing(|| format!("reading the class names in {shown}"))?;
    store.put(Bucket::Files, &key(digest), &names)?;
    Ok(names)
}

/// The same for a JAR that was looked at before.
pub fn known_classes(store: &Store, digest: &Digest) -> Option<Vec<String>> {
    store.get(Bucket::Files, &key(digest))
}

fn key(digest: &Digest) -> String {
    format!("classes {digest}")
}

fn read(path: &Path) -> Result<Vec<String>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let archive = super::open(file, size)?;
    let mut names: Vec<String> = archive.file_names().filter_map(class).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn class(entry: &str) -> Option<String> {
    let name = entry.strip_suffix(".class")?;
    let simple = name.rsplit('/').next().unwrap_or(name);
    let counts =
        !name.starts_with("META-INF/") && !matches!(simple, "module-info" | "package-info" | "");
    counts.then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn classes_are_those_that_a_class_loader_finds_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jar");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in [
            "b/C$1.class",
            "b/C.class",
            "A.class",
            "module-info.class",
            "b/package-info.class",
            "META-INF/versions/11/b/C.class",
            "b/readme.txt",
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(b"x").unwrap();
        }
        zip.finish().unwrap();
        let store = Store::open(folder.path().join("store"));
        let digest = Digest::of(b"x");
        assert_eq!(known_classes(&store, &digest), None);
        let found = classes(&store, &path, &digest, "x.jar").unwrap();
        assert_eq!(found, ["A", "b/C", "b/C$1"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(known_classes(&store, &digest), Some(found));
    }
}
