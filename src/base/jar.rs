//! Taking one JAR out of a base.

use std::io::{self, Read};

use super::scan::{clean, decompress};
use super::{Base, Sources, materialise};
use crate::daemon::read_ahead;
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::report::Phase;
use crate::store::Store;

/// Brings a file of the base into the store and says its digest and size. The
/// path has no leading slash; it must be in the facts.
pub async fn extract(sources: &Sources<'_>, base: &Base, path: &str) -> Result<(Digest, u64)> {
    let doing = || format!("taking /{path} out of the base {}", base.reference);
    let node = base
        .facts
        .nodes
        .get(path)
        .ok_or_else(|| Error::new("it is not there").doing(doing()))?;
    if let Some(digest) = &node.sha256
        && sources.store.blob_size(digest) == Some(node.size)
    {
        return Ok((*digest, node.size));
    }
    let task = sources
        .report
        .start(Phase::Base, format!("taking {path} out"), Some(node.size));
    let (wanted, store, expected) = (path.to_string(), sources.store.clone(), node.sha256);
    let found = match (base.daemon_id, sources.daemon) {
        (Some(image), Some(daemon)) => {
            let download = daemon
                .download(&image.to_string(), &format!("/{path}"))
                .await?;
            let reader = read_ahead(download.bytes);
            // The daemon's archive names the file alone.
            let name = path.rsplit('/').next().unwrap_or(path).to_string();
            let found =
                tokio::task::spawn_blocking(move || take(reader, &name, &store, expected)).await?;
            daemon.remove_container(&download.container).await?;
            found
        }
        _ => {
            let layer = base
                .layers
                .get(node.layer)
                .ok_or_else(|| Error::new("its layer is unknown"))?;
            let reader = materialise::open_layer(sources, layer).await?;
            tokio::task::spawn_blocking(move || {
                take(decompress(reader)?, &wanted, &store, expected)
            })
            .await?
        }
    };
    let (digest, size) = found.doing(doing)?;
    task.advance(size);
    task.finish("taken");
    Ok((digest, size))
}

fn take(
    reader: impl Read,
    wanted: &str,
    store: &Store,
    expected: Option<Digest>,
) -> Result<(Digest, u64)> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if clean(&entry.path_bytes())? != wanted || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut blob = store.new_blob()?;
        io::copy(&mut entry, &mut blob)?;
        return match expected {
            Some(expected) => Ok((expected, blob.commit_as(&expected)?)),
            None => blob.commit(),
        };
    }
    Err(Error::new("the layer does not hold it"))
}
