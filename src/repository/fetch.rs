//! The file of a coordinate: out of the store, the local repository, or the
//! first repository that has it.

use super::client::Maven;
use super::file::{MavenFile, Origin};
use super::hosts::Failed;
use super::index::Indexed;
use super::{local, metadata, missing, web};
use crate::error::{Context, Error, Reason, Result};
use crate::image::Digest;
use crate::maven::Coordinates;
use crate::store::Bucket;

impl Maven {
    /// A JAR into the store; see [`Maven::file`].
    pub async fn jar(&self, coordinate: &Coordinates, pinned: Option<Digest>) -> Result<MavenFile> {
        self.file(coordinate, pinned).await
    }

    /// The file of a coordinate into the store. `pinned` is the content that
    /// the lock file wants: anything else is an error
    /// ([`Reason::DigestMismatch`]).
    pub async fn file(
        &self,
        coordinate: &Coordinates,
        pinned: Option<Digest>,
    ) -> Result<MavenFile> {
        let cell = self.file_cell(coordinate, pinned);
        cell.get_or_try_init(|| self.find(coordinate, pinned))
            .await
            .cloned()
    }

    async fn find(&self, coordinate: &Coordinates, pinned: Option<Digest>) -> Result<MavenFile> {
        if coordinate.is_open() {
            return Err(Error::usage(format!("{coordinate} is not one file"))
                .hint("write a version in the place of the range"));
        }
        let key = format!("file {coordinate}\nof {}", self.set());
        if let Some(pin) = pinned
            && self.has(&pin).await
        {
            let known: Option<Indexed> = self.store().get(Bucket::Maven, &key);
            let size = self.store().blob_size(&pin).unwrap_or_default();
            let known = known.filter(|known| known.digest == pin);
            return Ok(MavenFile {
                coordinate: coordinate.clone(),
                sha256: pin,
                size,
                url_shown: known.map(|known| known.url).unwrap_or_default(),
                from: Origin::Cache,
            });
        }
        let changes = coordinate.is_snapshot() && !self.offline();
        if !changes
            && let Some(known) = self.indexed(&key).await
            && pinned.is_none_or(|pin| pin == known.digest)
        {
            return Ok(MavenFile {
                coordinate: match &known.version {
                    Some(version) => coordinate.with_version(version)?,
                    None => coordinate.clone(),
                },
                sha256: known.digest,
                size: known.size,
                url_shown: known.url,
                from: Origin::Cache,
            });
        }
        let file = self.search(coordinate, pinned).await?;
        // A local file is not remembered: it may be another one tomorrow.
        if file.from != Origin::LocalRepository {
            let dated = file.coordinate.version() != coordinate.version();
            let entry = Indexed {
                digest: file.sha256,
                size: file.size,
                url: file.url_shown.clone(),
                version: dated.then(|| file.coordinate.version().to_owned()),
            };
            self.store().put(Bucket::Maven, &key, &entry)?;
        }
        Ok(file)
    }

    async fn search(&self, coordinate: &Coordinates, pinned: Option<Digest>) -> Result<MavenFile> {
        if !coordinate.is_snapshot() {
            if let Some(file) = self.in_local(coordinate, pinned).await? {
                return Ok(file);
            }
            return self.in_repositories(coordinate, None, pinned).await;
        }
        let now = if self.offline() {
            None
        } else {
            self.snapshot(coordinate).await?
        };
        let installed = self.installed_at(coordinate);
        let newer_here = match (&now, &installed) {
            (Some((_, remote)), Some(local)) => *local >= remote.updated,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if newer_here && let Some(file) = self.in_local(coordinate, pinned).await? {
            return Ok(file);
        }
        match now {
            Some((index, snapshot)) => {
                let dated = coordinate.with_version(&snapshot.version)?;
                self.in_repositories(&dated, Some(index), pinned).await
            }
            None => self.in_repositories(coordinate, None, pinned).await,
        }
    }

    fn installed_at(&self, coordinate: &Coordinates) -> Option<String> {
        let path = self
            .local_repository()?
            .join(coordinate.beside("maven-metadata-local.xml"));
        metadata::installed(&std::fs::read_to_string(path).ok()?)
    }

    async fn in_local(
        &self,
        coordinate: &Coordinates,
        pinned: Option<Digest>,
    ) -> Result<Option<MavenFile>> {
        let Some(root) = self.local_repository() else {
            return Ok(None);
        };
        let Some(path) = local::find(root, coordinate, self.repositories()) else {
            return Ok(None);
        };
        let shown = path.display().to_string();
        match local::keep(self.store(), path, pinned).await {
            Ok(kept) => Ok(kept.map(|(sha256, size)| {
                self.trust(sha256);
                MavenFile {
                    coordinate: coordinate.clone(),
                    sha256,
                    size,
                    url_shown: shown,
                    from: Origin::LocalRepository,
                }
            })),
            Err(error) if error.is(Reason::DigestMismatch) => {
                self.report().warn(format!("{shown} was not used: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the repositories, or that one alone.
    async fn in_repositories(
        &self,
        coordinate: &Coordinates,
        only: Option<usize>,
        pinned: Option<Digest>,
    ) -> Result<MavenFile> {
        let path = coordinate.path();
        let mut asked = Vec::new();
        let mut failed: Vec<Failed> = Vec::new();
        for (index, repository) in self.repositories().iter().enumerate() {
            let fits = if coordinate.is_of_snapshot() {
                repository.snapshots
            } else {
                repository.releases
            };
            if !fits || only.is_some_and(|only| only != index) {
                continue;
            }
            asked.push(repository.shown());
            match web::file(self, repository, &path, &coordinate.file_name(), pinned).await {
                Ok(None) => {}
                Ok(Some((sha256, size, url_shown))) => {
                    self.trust(sha256);
                    self.passed_over(failed, &format!("{coordinate} is {url_shown}"));
                    return Ok(MavenFile {
                        coordinate: coordinate.clone(),
                        sha256,
                        size,
                        url_shown,
                        from: Origin::Network,
                    });
                }
                // Not a matter of this repository: another one does not heal it.
                Err(error) if error.is(Reason::DigestMismatch) || error.is(Reason::Offline) => {
                    return Err(error.doing(format!("fetching {coordinate}")));
                }
                Err(error) => failed.push(Failed::new(repository, error)),
            }
        }
        if !failed.is_empty() {
            asked.retain(|shown| failed.iter().all(|one| one.repository != *shown));
            let error = failed.remove(0).error;
            let error = match asked.is_empty() {
                true => error,
                false => error.hint(format!("{coordinate} is not in {}", asked.join(", "))),
            };
            return Err(error.doing(format!("fetching {coordinate}")));
        }
        let versions = self
            .versions(coordinate.group(), coordinate.artifact())
            .await;
        let versions = versions.unwrap_or_else(|error| {
            self.report().detail(error.to_string());
            Vec::new()
        });
        Err(self.hint_declared(missing::error(coordinate, &asked, &versions)))
            .doing(|| format!("fetching {coordinate}"))
    }
}
