//! POMs: fetched, checked, parsed, and kept as they were parsed.

use std::sync::Arc;

use super::checksum::looks_like_html;
use super::client::Maven;
use super::hosts::Failed;
use super::pom::Pom;
use super::{local, web};
use crate::error::{Context, Error, Reason, Result};
use crate::maven::Coordinates;
use crate::maven::pom::{self, RawPom};
use crate::store::Bucket;

/// The largest POM that is read, in bytes. Real ones have up to some hundred
/// thousand.
const MAX_POM: u64 = 8 * 1024 * 1024;

impl Maven {
    /// The POM of a coordinate, whose classifier and extension do not matter;
    /// `None` where no repository has it. A POM is fetched once in the life of
    /// the store: what Maven calls a release does not change. Snapshots are
    /// asked for anew in each process.
    pub async fn pom(&self, coordinate: &Coordinates) -> Result<Option<Pom>> {
        let of = coordinate;
        let coordinate = coordinate.pom();
        let cell = self.pom_cell(&coordinate);
        let found = cell
            .get_or_try_init(|| async {
                let found = self.find_pom(&coordinate).await?;
                if let Some(Pom::Read(pom)) = &found {
                    self.note_declared(&coordinate, pom);
                }
                Ok::<_, Error>(found)
            })
            .await;
        found.cloned().doing(|| format!("fetching the POM of {of}"))
    }

    async fn find_pom(&self, coordinate: &Coordinates) -> Result<Option<Pom>> {
        let key = format!("pom {coordinate}\nof {}", self.set());
        let lasting = !coordinate.is_snapshot() || self.offline();
        if lasting && let Some(pom) = self.store().get::<RawPom>(Bucket::Maven, &key) {
            return Ok(Some(Pom::Read(Arc::new(pom))));
        }
        if !coordinate.is_snapshot()
            && let Some(bytes) = self.local_pom(coordinate)?
        {
            return Ok(Some(self.parsed(&bytes, None)?));
        }
        let store = self.store().clone();
        let lock_key = key.clone();
        // Another process may be fetching it: its result is waited for.
        let _lock = tokio::task::spawn_blocking(move || store.lock(&lock_key))
            .await
            .doing(|| "waiting for another process")??;
        if lasting && let Some(pom) = self.store().get::<RawPom>(Bucket::Maven, &key) {
            return Ok(Some(Pom::Read(Arc::new(pom))));
        }
        let Some(bytes) = self.remote_pom(coordinate).await? else {
            return Ok(None);
        };
        Ok(Some(self.parsed(&bytes, Some(&key))?))
    }

    fn parsed(&self, bytes: &[u8], key: Option<&str>) -> Result<Pom> {
        match pom::parse(bytes) {
            Ok(pom) => {
                if let Some(key) = key {
                    self.store().put(Bucket::Maven, key, &pom)?;
                }
                Ok(Pom::Read(Arc::new(pom)))
            }
            Err(why) => Ok(Pom::Malformed(why)),
        }
    }

    fn local_pom(&self, coordinate: &Coordinates) -> Result<Option<Vec<u8>>> {
        let Some(root) = self.local_repository() else {
            return Ok(None);
        };
        match local::find(root, coordinate, self.repositories()) {
            Some(path) => web::read(&path, MAX_POM),
            None => Ok(None),
        }
    }

    /// Asks the repositories in order. One that cannot answer is an error, unless
    /// another one has the POM: what it would have said may matter.
    async fn remote_pom(&self, coordinate: &Coordinates) -> Result<Option<Vec<u8>>> {
        let (coordinate, only) = match coordinate.is_snapshot() && !self.offline() {
            false => (coordinate.clone(), None),
            true => match self.snapshot(coordinate).await? {
                Some((index, snapshot)) => {
                    (coordinate.with_version(&snapshot.version)?, Some(index))
                }
                None => (coordinate.clone(), None),
            },
        };
        let mut failed: Vec<Failed> = Vec::new();
        for (index, repository) in self.repositories().iter().enumerate() {
            let fits = match coordinate.is_of_snapshot() {
                true => repository.snapshots,
                false => repository.releases,
            };
            if !fits || only.is_some_and(|only| only != index) {
                continue;
            }
            match web::checked(self, repository, &coordinate.path(), MAX_POM).await {
                Ok(Some(bytes)) if looks_like_html(&bytes) => {
                    let error = Error::new("the answer is a web page, not a POM")
                        .doing(format!("asking {} for {coordinate}", repository.shown()))
                        .hint("a proxy or a login page answers here: check the repository's address and credentials")
                        .because(Reason::Unexpected);
                    failed.push(Failed::new(repository, error));
                }
                Ok(Some(bytes)) => {
                    let instead = format!("{coordinate} is that of {}", repository.shown());
                    self.passed_over(failed, &instead);
                    return Ok(Some(bytes));
                }
                Ok(None) => {}
                Err(error) => failed.push(Failed::new(repository, error)),
            }
        }
        match failed.into_iter().next() {
            Some(failed) => Err(failed.error),
            None => Ok(None),
        }
    }
}
