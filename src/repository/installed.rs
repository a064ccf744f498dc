//! The repository `central`, as the installed Maven defines it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::xml;
use crate::error::{Context, Error, Result};
use crate::jar::{Archive, Inflater};
use crate::store::{Bucket, Store};

/// The documented public mirror that is asked where no Maven is installed.
pub const PUBLIC_MIRROR: &str = "https://maven-central.storage-download.googleapis.com/maven2/";

/// Where Maven's super POM is in its JAR, and the most bytes that it may have.
const SUPER_POM: &str = "org/apache/maven/model/pom-4.0.0.xml";
const MAX_POM: u64 = 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Known {
    url: String,
}

/// The address of `central`: from the super POM of the installed Maven (read
/// once for each JAR and modification time), else [`PUBLIC_MIRROR`].
pub fn central(environment: &Environment, store: &Store) -> Result<String> {
    let Some(jar) = environment
        .maven_home()
        .and_then(|home| model_builder(&home))
    else {
        return Ok(PUBLIC_MIRROR.to_owned());
    };
    let modified = fs::metadata(&jar)
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    let key = format!("central of {} at {}", jar.display(), modified.as_nanos());
    if let Some(known) = store.get::<Known>(Bucket::Maven, &key) {
        return Ok(known.url);
    }
    let url = read_central(&jar)
        .doing(|| format!("looking for the repository `central` in {}", jar.display()))
        .hint(
            || "is the installed Maven whole? else name repositories in [maven] of flinkpack.toml",
        )?;
    store.put(Bucket::Maven, &key, &Known { url: url.clone() })?;
    Ok(url)
}

fn model_builder(home: &Path) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(home.join("lib"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| {
                    name.starts_with("maven-model-builder-") && name.ends_with(".jar")
                })
        })
        .collect();
    found.sort();
    found.pop()
}

fn read_central(jar: &Path) -> Result<String> {
    let archive = Archive::open(jar)?;
    let mut found = None;
    archive.each(|name, place| {
        found = found.or((name == SUPER_POM).then_some(place));
        Ok(())
    })?;
    let mut inflater = Inflater::default();
    let place = found.ok_or_else(|| Error::new(format!("it has no {SUPER_POM}")))?;
    let bytes = archive.read(place, MAX_POM, &mut inflater);
    let bytes = bytes
        .map_err(Error::new)
        .doing(|| format!("reading {SUPER_POM}"))?;
    let text = std::str::from_utf8(bytes).doing(|| format!("reading {SUPER_POM}"))?;
    let document = xml::parse(text, SUPER_POM)?;
    xml::list(document.root_element(), "repositories", "repository")
        .find(|repository| xml::text(*repository, "id") == Some("central"))
        .and_then(|repository| xml::text(repository, "url"))
        .map(str::to_owned)
        .ok_or_else(|| Error::new(format!("{SUPER_POM} has no repository `central`")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn maven(folder: &Path, pom: &str) -> PathBuf {
        let home = folder.join("maven");
        fs::create_dir_all(home.join("lib")).unwrap();
        fs::create_dir_all(home.join("bin")).unwrap();
        fs::write(home.join("bin/mvn"), "").unwrap();
        let jar = fs::File::create(home.join("lib/maven-model-builder-3.8.7.jar")).unwrap();
        let mut zip = zip::ZipWriter::new(jar);
        zip.start_file(SUPER_POM, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(pom.as_bytes()).unwrap();
        zip.finish().unwrap();
        home
    }

    const POM: &str = "<project><repositories><repository><id>central</id><url>https://corp.example.com/m2</url></repository></repositories></project>";

    #[test]
    fn the_maven_on_the_path_says_where_central_is_and_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = maven(folder.path(), POM);
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(home.join("bin/mvn"), bin.join("mvn")).unwrap();
        let environment = Environment::of([("PATH", bin.to_str().unwrap())]);
        let store = Store::open(folder.path().join("store"));
        let url = "https://corp.example.com/m2";
        assert_eq!(central(&environment, &store).unwrap(), url);

        // Other bytes under the same name and time: the first reading counts.
        let jar = home.join("lib/maven-model-builder-3.8.7.jar");
        let time = fs::metadata(&jar).unwrap().modified().unwrap();
        fs::write(&jar, "no zip").unwrap();
        fs::File::options()
            .append(true)
            .open(&jar)
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert_eq!(central(&environment, &store).unwrap(), url);

        fs::File::options()
            .append(true)
            .open(&jar)
            .unwrap()
            .set_modified(UNIX_EPOCH)
            .unwrap();
        let error = central(&environment, &store).unwrap_err().report();
        assert!(error.contains("maven-model-builder-3.8.7.jar"), "{error}");
    }

    #[test]
    fn without_maven_it_is_the_public_mirror() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::of([("PATH", folder.path().to_str().unwrap())]);
        let store = Store::open(folder.path().join("store"));
        assert_eq!(central(&environment, &store).unwrap(), PUBLIC_MIRROR);
    }

    #[test]
    fn a_super_pom_without_central_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let home = maven(folder.path(), "<project/>");
        let environment = Environment::of([("MAVEN_HOME", home.to_str().unwrap())]);
        let store = Store::open(folder.path().join("store"));
        assert!(
            central(&environment, &store)
                .unwrap_err()
                .report()
                .contains("no repository `central`")
        );
    }
}
