//! Is it a JAR?

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::store::{Bucket, Store};

/// [`look`], but not again at what was a JAR before. `shown` is how messages name it.
pub fn check(store: &Store, path: &Path, digest: &Digest, shown: &str) -> Result<()> {
    let key = format!("jar {digest}");
    if store.get::<bool>(Bucket::Files, &key) == Some(true) {
        return Ok(());
    }
    look(path).doing(|| format!("{shown} is not a JAR that can be used"))?;
    store.put(Bucket::Files, &key, &true)
}

/// Checks that the file is a whole JAR whose entries stay inside their folder.
pub fn look(path: &Path) -> Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size == 0 {
        return Err(Error::new("it is empty").hint("is the build that writes it done?"));
    }
    let mut start = Vec::new();
    Read::take(&mut file, 64).read_to_end(&mut start)?;
    if !start.starts_with(b"PK") {
        let text = String::from_utf8_lossy(&start)
            .trim_start()
            .to_ascii_lowercase();
        let error = Error::new("it does not begin as a zip file does");
        return Err(
            if text.starts_with("<!doctype") || text.starts_with("<html") {
                error.hint("it is an HTML page: a proxy or login page instead of the file?")
            } else if text.starts_with("version https://git-lfs") {
                error.hint("it is a Git LFS pointer: run `git lfs pull`")
            } else {
                error
            },
        );
    }
    super::Archive::open(path)?.each(|name, _| {
        let leaves =
            name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
        match leaves {
            false => Ok(()),
            true => Err(Error::new(format!(
                "its entry `{}` leads out of its folder",
                name.escape_default()
            ))
            .hint("whoever made this JAR wants files written elsewhere: do not use it")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn report(bytes: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store"));
        let path = folder.path().join("x.jar");
        std::fs::write(&path, bytes).unwrap();
        check(&store, &path, &Digest::of(bytes), "x.jar")
            .err()
            .map(|error| error.report())
    }

    fn jar(names: &[&str]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(b"x").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn good_jars_pass_and_bad_ones_say_what_they_are() {
        let good = jar(&["a/B.class", "META-INF/MANIFEST.MF"]);
        assert_eq!(report(&good), None);
        for (bytes, word) in [
            (Vec::new(), "empty"),
            (b"hello".to_vec(), "zip"),
            (b"<!DOCTYPE html>".to_vec(), "HTML"),
            (good[..good.len() - 30].to_vec(), "cut off"),
            (jar(&["../../etc/passwd"]), "leads out"),
            (jar(&["/etc/passwd"]), "leads out"),
        ] {
            let text = report(&bytes).expect(word);
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_bomb_of_a_directory_is_refused() {
        let mut bomb = jar(&["a"]);
        let end = bomb.len() - 22;
        bomb[end + 8..end + 12].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        bomb[end + 12..end + 16].copy_from_slice(&0xf000_0000u32.to_le_bytes());
        assert!(report(&bomb).unwrap().contains("claims"));
    }

    proptest::proptest! {
        #[test]
        fn junk_never_panics(junk in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let mut bytes = b"PK".to_vec();
            bytes.extend(junk);
            report(&bytes);
        }
    }
}
