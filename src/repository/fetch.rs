//! The file of a coordinate: out of the store, the local repository, or the
//! first repository that has it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::environment::Environment;
use super::hosts::{Failed, Hosts};
use super::index::Indexed;
use super::installed::central;
use super::mirror::Mirror;
use super::poms::Pom;
use super::repositories::{Location, Repository, repositories};
use super::settings::Settings;
use super::{local, metadata, missing, web};
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::{Patience, Proxies};
use crate::image::Digest;
use crate::maven::Coordinates;
use crate::report::Report;
use crate::store::{Bucket, Store};

/// Where a file came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The store had it.
    Cache,
    /// `~/.m2/repository` had it.
    LocalRepository,
    /// It was fetched.
    Network,
}

/// A file that is in the store.
#[derive(Clone, Debug)]
pub struct MavenFile {
    /// What it is; of a snapshot the dated version, where there is one.
    pub coordinate: Coordinates,
    /// Its digest: the blob's name in the store.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it came from first, without secrets; empty where only a pin led to it.
    pub url_shown: String,
    /// Where it came from now.
    pub from: Origin,
}

/// Files out of Maven repositories. Clones share what they know; each file is
/// fetched once, however many ask for it, in this process and in others.
#[derive(Clone)]
pub struct Maven {
    inner: Arc<Inner>,
}

struct Inner {
    repositories: Vec<Repository>,
    set: String,
    store: Store,
    report: Report,
    offline: bool,
    local: Option<PathBuf>,
    patience: Patience,
    proxies: Proxies,
    mirrors: Vec<Mirror>,
    hosts: Mutex<Hosts>,
    declared: Mutex<BTreeMap<String, String>>,
    files: Once<(Coordinates, Option<Digest>), MavenFile>,
    versions: Once<(String, String), Vec<String>>,
    poms: Once<Coordinates, Option<Pom>>,
    trusted: Mutex<HashSet<Digest>>,
}

/// One cell a key: the first to ask does the work, others wait for it.
struct Once<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K: Eq + Hash, V> Once<K, V> {
    fn new() -> Once<K, V> {
        Once(Mutex::new(HashMap::new()))
    }

    fn cell(&self, key: K) -> Arc<OnceCell<V>> {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cells.entry(key).or_default().clone()
    }
}

impl Maven {
    /// Files out of these repositories, asked in order, and no others.
    pub fn new(
        repositories: Vec<Repository>,
        store: Store,
        report: Report,
        offline: bool,
    ) -> Maven {
        let set: Vec<String> = repositories.iter().map(Repository::shown).collect();
        Maven {
            inner: Arc::new(Inner {
                set: set.join("\n"),
                repositories,
                store,
                report,
                offline,
                local: None,
                patience: Patience::default(),
                proxies: Proxies::default(),
                mirrors: Vec::new(),
                hosts: Mutex::default(),
                declared: Mutex::default(),
                files: Once::new(),
                versions: Once::new(),
                poms: Once::new(),
                trusted: Mutex::new(HashSet::new()),
            }),
        }
    }

    /// As the user's Maven: `manifest` are the addresses of `[maven]
    /// repositories`, the rest comes from settings.xml and the installed Maven.
    pub fn of_user(
        manifest: &[String],
        environment: &Environment,
        store: Store,
        report: Report,
        offline: bool,
    ) -> Result<Maven> {
        let settings = Settings::read(environment)?;
        let central = central(environment, &store)?;
        let list = repositories(manifest, &settings, &central)?;
        let offline = offline || settings.offline;
        let is_web = |one: &Repository| matches!(one.place, Location::Web(_));
        let needs_network = !offline && list.iter().any(is_web);
        let mut maven = Maven::new(list, store, report, offline);
        if needs_network {
            maven = maven.with_proxies(settings.proxies()?);
        }
        let mirrors = settings.mirrors.clone();
        let maven = maven.change(|inner| inner.mirrors = mirrors);
        Ok(match settings.local_repository() {
            Some(folder) => maven.with_local_repository(folder),
            None => maven,
        })
    }

    /// Looks into this local repository before it asks the network.
    pub fn with_local_repository(self, folder: PathBuf) -> Maven {
        self.change(|inner| inner.local = Some(folder))
    }

    /// Tries this often and this patiently.
    pub fn with_patience(self, patience: Patience) -> Maven {
        self.change(|inner| inner.patience = patience)
    }

    /// Goes through these proxies.
    pub fn with_proxies(self, proxies: Proxies) -> Maven {
        self.change(|inner| inner.proxies = proxies)
    }

    /// What has clones already stays as it is: options are set at the beginning.
    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Maven {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            change(inner);
        }
        self
    }

    /// The repositories, in the order in which they are asked.
    pub fn repositories(&self) -> &[Repository] {
        &self.inner.repositories
    }

    /// Whether the network is not to be used.
    pub fn offline(&self) -> bool {
        self.inner.offline
    }

    /// The store that files are put into.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Whom it tells.
    pub fn report(&self) -> &Report {
        &self.inner.report
    }

    pub(super) fn patience(&self) -> Patience {
        self.inner.patience
    }

    pub(super) fn proxies(&self) -> &Proxies {
        &self.inner.proxies
    }

    pub(super) fn mirrors(&self) -> &[Mirror] {
        &self.inner.mirrors
    }

    pub(super) fn hosts(&self) -> MutexGuard<'_, Hosts> {
        let hosts = self.inner.hosts.lock();
        hosts.unwrap_or_else(PoisonError::into_inner)
    }

    /// Addresses of repositories that POMs declare, and whose POM it was.
    pub(super) fn declared(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        let declared = self.inner.declared.lock();
        declared.unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the repositories in keys of the cache.
    pub(super) fn set(&self) -> &str {
        &self.inner.set
    }

    pub(super) fn versions_cell(&self, group: &str, artifact: &str) -> Arc<OnceCell<Vec<String>>> {
        self.inner
            .versions
            .cell((group.to_owned(), artifact.to_owned()))
    }

    pub(super) fn pom_cell(&self, coordinate: &Coordinates) -> Arc<OnceCell<Option<Pom>>> {
        self.inner.poms.cell(coordinate.clone())
    }

    pub(super) fn local_repository(&self) -> Option<&std::path::Path> {
        self.inner.local.as_deref()
    }

    pub(super) fn trusts(&self, digest: &Digest) -> bool {
        self.trusted().contains(digest)
    }

    pub(super) fn trust(&self, digest: Digest) {
        self.trusted().insert(digest);
    }

    fn trusted(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.inner
            .trusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

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
        let cell = self.inner.files.cell((coordinate.clone(), pinned));
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
            .inner
            .local
            .as_ref()?
            .join(coordinate.beside("maven-metadata-local.xml"));
        metadata::installed(&std::fs::read_to_string(path).ok()?)
    }

    async fn in_local(
        &self,
        coordinate: &Coordinates,
        pinned: Option<Digest>,
    ) -> Result<Option<MavenFile>> {
        let Some(root) = &self.inner.local else {
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
