//! Files of `~/.m2/repository` and of other folders: read, never written.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

use super::checksum::Sum;
use super::repositories::Repository;
use crate::error::{Context, Error, Reason, Result};
use crate::image::Digest;
use crate::maven::Coordinates;
use crate::store::Store;

/// Where a file of the local repository is, if it may be taken: Maven notes in
/// `_remote.repositories` where each file came from, and a file of a
/// repository that is not asked here is none of ours. What was installed on
/// this machine has an empty id.
pub(super) fn find(
    root: &Path,
    coordinate: &Coordinates,
    repositories: &[Repository],
) -> Option<PathBuf> {
    let path = root.join(coordinate.path());
    if !path.is_file() {
        return None;
    }
    let notes = root.join(coordinate.beside("_remote.repositories"));
    let Ok(text) = std::fs::read_to_string(notes) else {
        return Some(path);
    };
    let name = coordinate.file_name();
    let mut noted = text
        .lines()
        .filter_map(|line| line.trim_end_matches('=').split_once('>'))
        .filter(|(file, _)| *file == name)
        .map(|(_, id)| id)
        .peekable();
    let known = |id: &str| {
        repositories
            .iter()
            .any(|one| one.ids.iter().any(|own| own == id))
    };
    let fits = noted.peek().is_none() || noted.any(|id| id.is_empty() || known(id));
    fits.then_some(path)
}

/// Copies a file into the store; `None` where there is no file. It must be
/// what `pinned` says, and what the `.sha1` file beside it says.
pub(super) async fn keep(
    store: &Store,
    path: PathBuf,
    pinned: Option<Digest>,
) -> Result<Option<(Digest, u64)>> {
    let store = store.clone();
    tokio::task::spawn_blocking(move || copy(&store, &path, pinned))
        .await
        .doing(|| "reading a local file")?
}

fn copy(store: &Store, path: &Path, pinned: Option<Digest>) -> Result<Option<(Digest, u64)>> {
    let shown = || format!("reading {}", path.display());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::from(error).doing(shown())),
    };
    let mut blob = store.new_blob()?;
    let mut sha1 = Sha1::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer).doing(shown)?;
        if count == 0 {
            break;
        }
        sha1.update(&buffer[..count]);
        blob.write_all(&buffer[..count])
            .doing(|| "writing to the cache")?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sha1");
    let wanted = std::fs::read(beside)
        .ok()
        .and_then(|bytes| Sum::of_file(&bytes, "sha1"));
    let found: [u8; 20] = sha1.finalize().into();
    if let Some(Sum::Sha1(wanted)) = wanted
        && wanted != found
    {
        return Err(Error::new(format!(
            "its SHA-1 is {}, but the .sha1 file beside it says {}",
            hex::encode(found),
            hex::encode(wanted)
        ))
        .doing(format!("checking {}", path.display()))
        .because(Reason::DigestMismatch));
    }
    match pinned {
        Some(pin) => {
            let size = blob
                .commit_as(&pin)
                .doing(|| format!("checking {}", path.display()))?;
            Ok(Some((pin, size)))
        }
        None => blob.commit().map(Some),
    }
}
