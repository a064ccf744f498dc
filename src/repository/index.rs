//! What the store remembers of Maven files, and whether its bytes are right.

use serde::{Deserialize, Serialize};

use super::client::Maven;
use crate::error::Result;
use crate::image::Digest;
use crate::store::{Bucket, Store};

/// A file that the store has, or had.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Indexed {
    pub digest: Digest,
    pub size: u64,
    /// The address as it may be shown.
    pub url: String,
    /// The version whose file it is, for a snapshot the dated one.
    #[serde(default)]
    pub version: Option<String>,
}

impl Maven {
    /// What the store has under this key, with its bytes checked.
    pub(super) async fn indexed(&self, key: &str) -> Option<Indexed> {
        let known: Indexed = self.store().get(Bucket::Maven, key)?;
        self.has(&known.digest).await.then_some(known)
    }

    /// Remembers a file.
    pub(super) fn index(&self, key: &str, digest: Digest, size: u64, url: &str) -> Result<()> {
        self.trust(digest);
        let url = url.to_owned();
        self.store().put(
            Bucket::Maven,
            key,
            &Indexed {
                digest,
                size,
                url,
                version: None,
            },
        )
    }

    /// Whether the store has the blob. Its bytes are read where its file may have
    /// changed since they were; a damaged blob is deleted.
    pub(super) async fn has(&self, digest: &Digest) -> bool {
        if self.store().blob_size(digest).is_none() {
            return false;
        }
        if self.trusts(digest) {
            return true;
        }
        let (store, wanted) = (self.store().clone(), *digest);
        let good = tokio::task::spawn_blocking(move || is_whole(&store, &wanted)).await;
        if good.is_ok_and(|good| good) {
            self.trust(*digest);
            return true;
        }
        self.report().detail(format!(
            "the blob {digest} in the cache was damaged; it is fetched again"
        ));
        false
    }
}

fn is_whole(store: &Store, digest: &Digest) -> bool {
    let found = store.file_digest(&store.blob_path(digest), &|_| None);
    let whole = found.is_ok_and(|(found, _)| found == *digest);
    if !whole {
        store.forget_blob(digest);
    }
    whole
}
