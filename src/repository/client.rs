//! The repositories of a run, with what was learnt from them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::environment::Environment;
use super::file::MavenFile;
use super::hosts::{Failed, Hosts};
use super::installed::central;
use super::mirror::Mirror;
use super::pom::Pom;
use super::repositories::{Location, Repository, repositories};
use super::settings::Settings;
use crate::error::Result;
use crate::fetch::{Patience, Proxies};
use crate::image::Digest;
use crate::maven::Coordinates;
use crate::report::Report;
use crate::store::Store;

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

    fn hosts(&self) -> MutexGuard<'_, Hosts> {
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

    pub(super) fn file_cell(
        &self,
        coordinate: &Coordinates,
        pinned: Option<Digest>,
    ) -> Arc<OnceCell<MavenFile>> {
        self.inner.files.cell((coordinate.clone(), pinned))
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

    /// Gives the reason where the repository's host was given up.
    pub(super) fn may_ask(&self, repository: &Repository) -> Result<()> {
        self.hosts().may_ask(repository)
    }

    /// Learns from an answer of the repository's host.
    pub(super) fn learn<T>(&self, repository: &Repository, answer: Result<T>) -> Result<T> {
        self.hosts().learn(repository, answer)
    }

    /// Warns of repositories that could not answer, of each once; `instead` says
    /// what was done without them.
    pub(super) fn passed_over(&self, failed: Vec<Failed>, instead: &str) {
        for Failed { repository, error } in failed {
            let text = format!("{repository} was passed over, {instead}: {error}");
            match self.hosts().is_news(repository) {
                true => self.report().warn(text),
                false => self.report().detail(text),
            }
        }
    }
}
