//! Answers the requests.

use std::path::Path;

use futures_util::{StreamExt, TryStreamExt};
use url::Url;

use super::maven::Coordinate;
use super::repositories::Repositories;
use super::{Artifact, Content, Folder, Request, Wanted, catalogue, jar, local};
use crate::base::BaseFacts;
use crate::catalogue::{Catalogue, Entry, Kind, Selected};
use crate::error::{Context, Error, Result};
use crate::fetch::access::Access;
use crate::fetch::download::{self, Request as Get};
use crate::fetch::redact;
use crate::image::{Digest, LayerKind};
use crate::lock::{Lock, Source};
use crate::manifest::{Manifest, Place};
use crate::report::Report;
use crate::store::Store;

/// Requests answered at once.
const PARALLEL: usize = 6;

/// What JARs are found with.
pub struct Resolver<'a> {
    /// The manifest, for its folder and for the place of errors.
    pub manifest: &'a Manifest,
    /// The base that they are for.
    pub facts: &'a BaseFacts,
    /// The catalogue, with the project's own rows.
    pub catalogue: &'a Catalogue,
    /// The repositories.
    pub maven: &'a Repositories,
    /// The store.
    pub store: &'a Store,
    /// What was found last time.
    pub lock: Option<&'a Lock>,
    /// Told of the work.
    pub report: &'a Report,
    /// Whether the network is out of bounds.
    pub offline: bool,
    /// Called when a local file is found to have changed, before it is read.
    pub on_change: &'a (dyn Fn() + Sync),
}

impl Resolver<'_> {
    /// Answers all requests, in their order. Pinned JARs whose bytes are not in
    /// the store are not fetched: [`Resolver::fetch`] does that for those that
    /// turn out to be needed.
    pub async fn resolve(&self, wanted: &[Wanted]) -> Result<Vec<Artifact>> {
        let found: Vec<Vec<Artifact>> = futures_util::stream::iter(wanted)
            .map(|wanted| async move {
                let found = self.answer(wanted).await;
                self.manifest.locate(wanted.span.clone(), found)
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn answer(&self, wanted: &Wanted) -> Result<Vec<Artifact>> {
        match &wanted.request {
            Request::Path(pattern) => self.paths(wanted, pattern),
            Request::Maven(text) => Ok(vec![self.maven(wanted, text).await?]),
            Request::Url(url, sha256) => Ok(vec![self.url(wanted, url, sha256.as_deref()).await?]),
            Request::Catalogue(version) => self.catalogue(wanted, version).await,
            Request::Filesystem(place) => Ok(vec![self.filesystem(wanted, *place).await?]),
        }
    }

    /// The Maven coordinates among the requests, in the manifest's order; what
    /// they are resolved to is not fetched.
    pub async fn coordinates(&self, wanted: &[Wanted]) -> Result<Vec<(Wanted, Coordinate)>> {
        let mut found = Vec::new();
        for one in wanted {
            let texts = match &one.request {
                Request::Maven(text) => vec![text.clone()],
                Request::Catalogue(version) => {
                    let selected = self.selected(one, version).await;
                    let selected = self.manifest.locate(one.span.clone(), selected)?;
                    std::iter::once(selected.coordinate)
                        .chain(selected.with)
                        .collect()
                }
                _ => Vec::new(),
            };
            for text in texts {
                let coordinate = self.manifest.locate(one.span.clone(), text.parse())?;
                found.push((one.clone(), coordinate));
            }
        }
        found.sort_by_key(|(one, _)| one.span.start);
        Ok(found)
    }

    fn paths(&self, wanted: &Wanted, pattern: &str) -> Result<Vec<Artifact>> {
        let folder = self.manifest.folder();
        let files = local::find(folder, pattern)?;
        let several = files.len() > 1;
        files
            .into_iter()
            .map(|path| {
                let (sha256, size) = self.store.file_digest(&path, self.on_change)?;
                let shown = path.strip_prefix(folder).unwrap_or(&path);
                let shown = shown.display().to_string();
                jar::check(self.store, &path, &sha256, &shown)?;
                let file_name = file_name(&path, &shown)?;
                let name = if several || wanted.companion {
                    stem(&file_name).to_string()
                } else {
                    wanted.name.clone()
                };
                Ok(self.artifact(
                    wanted,
                    name,
                    Source::Path(shown),
                    file_name,
                    (sha256, size),
                    Content::Local(path),
                ))
            })
            .collect()
    }

    async fn maven(&self, wanted: &Wanted, text: &str) -> Result<Artifact> {
        let coordinate: Coordinate = text.parse()?;
        let name = if wanted.companion {
            coordinate.artifact().to_string()
        } else {
            wanted.name.clone()
        };
        let source = Source::Maven(coordinate.to_string());
        let pin = self.lock.and_then(|lock| lock.pin(&name, &source));
        let (sha256, size, content) = match pin {
            Some(pin) => (pin.sha256, pin.size, self.held(&pin.sha256)),
            None => {
                let file = self.maven.get()?.jar(&coordinate, None).await?;
                (file.sha256, file.size, Content::Store)
            }
        };
        if matches!(content, Content::Store) && coordinate.extension() == "jar" {
            let path = self.store.blob_path(&sha256);
            jar::check(self.store, &path, &sha256, &coordinate.to_string())?;
        }
        let file_name = coordinate.file_name();
        Ok(self.artifact(wanted, name, source, file_name, (sha256, size), content))
    }

    fn held(&self, digest: &Digest) -> Content {
        match self.store.blob_size(digest) {
            Some(_) => Content::Store,
            None => Content::Absent,
        }
    }

    async fn url(&self, wanted: &Wanted, text: &str, sha256: Option<&str>) -> Result<Artifact> {
        let url = parse_url(text)?;
        let shown = redact::shown(&url);
        let source = Source::Url(shown.clone());
        let name = if wanted.companion {
            stem(&url_file_name(&url)).to_string()
        } else {
            wanted.name.clone()
        };
        let pin = self.lock.and_then(|lock| lock.pin(&name, &source));
        let given = match sha256 {
            Some(sum) => Some(Digest::from_hex(sum)?),
            None => None,
        };
        if given.is_none() && pin.is_none() {
            self.report.warn(format!(
                "{name}: {shown} has no sha256 in the manifest; the lock file pins what it holds today"
            ));
        }
        let pinned = pin.filter(|pin| given.is_none_or(|given| given == pin.sha256));
        let (digest, size, content) = match pinned {
            Some(pin) => (pin.sha256, pin.size, self.held(&pin.sha256)),
            None => match given.and_then(|given| Some((given, self.store.blob_size(&given)?))) {
                Some((given, size)) => (given, size, Content::Store),
                None => {
                    let (digest, size) = self.download(&url, &name, given).await?;
                    (digest, size, Content::Store)
                }
            },
        };
        if matches!(content, Content::Store) {
            jar::check(self.store, &self.store.blob_path(&digest), &digest, &shown)?;
        }
        Ok(self.artifact(
            wanted,
            name,
            source,
            url_file_name(&url),
            (digest, size),
            content,
        ))
    }

    async fn download(
        &self,
        url: &Url,
        name: &str,
        expected: Option<Digest>,
    ) -> Result<(Digest, u64)> {
        let mut url = url.clone();
        let access = Access::take_from(&mut url);
        let mut get = Get::new(&url, name);
        get.access = access.as_ref();
        get.sha256 = expected;
        get.offline = self.offline;
        download::download(&get, self.store, self.report).await
    }

    /// The release of the catalogue's entry.
    async fn selected(&self, wanted: &Wanted, version: &str) -> Result<Selected> {
        let entry = self.entry(&wanted.name, Kind::Connector)?;
        let pinned = self.pinned_release(entry, wanted, version);
        let version = pinned.as_deref().unwrap_or(version);
        catalogue::select(entry, version, self.facts, self.maven, self.report).await
    }

    async fn catalogue(&self, wanted: &Wanted, version: &str) -> Result<Vec<Artifact>> {
        let entry = self.entry(&wanted.name, Kind::Connector)?;
        let selected = self.selected(wanted, version).await?;
        if let (Some(needed), Some(java)) = (selected.java, self.facts.java)
            && needed > java
        {
            return Err(Error::new(format!(
                "{} {} needs Java {needed}, and the base has Java {java}",
                entry.name, selected.version
            ))
            .hint("use a base with a newer Java, or an older version of the connector"));
        }
        if let Some(needs) = &selected.needs {
            self.report.detail(format!("{} needs {needs}", wanted.name));
        }
        let mut found = vec![self.maven(wanted, &selected.coordinate).await?];
        for coordinate in &selected.with {
            let companion = Wanted {
                companion: true,
                kind: LayerKind::Connector,
                ..wanted.clone()
            };
            found.push(self.maven(&companion, coordinate).await?);
        }
        Ok(found)
    }

    /// `auto` stays with what the lock file has, as long as it is made for the
    /// base's Flink: a newer catalogue must not move a pinned build.
    fn pinned_release(&self, entry: &Entry, wanted: &Wanted, version: &str) -> Option<String> {
        if version != "auto" {
            return None;
        }
        let lock = self.lock?;
        if lock.base.flink != self.facts.flink.as_str() || lock.base.scala != self.facts.scala {
            return None;
        }
        lock.jars.iter().find_map(|jar| match &jar.source {
            Source::Maven(text) if jar.name == wanted.name && jar.kind == wanted.kind => {
                let coordinate: Coordinate = text.parse().ok()?;
                let artifact = format!("{}:{}", coordinate.group(), coordinate.artifact());
                entry
                    .has_artifact(&artifact, &self.facts.scala)
                    .then(|| coordinate.version().to_string())
            }
            _ => None,
        })
    }

    fn entry(&self, name: &str, kind: Kind) -> Result<&Entry> {
        let found = self.catalogue.find(name);
        match found {
            Some(entry) if entry.kind == kind => Ok(entry),
            Some(entry) => Err(Error::usage(match kind {
                Kind::Connector => {
                    format!("`{}` is a filesystem plugin, not a connector", entry.name)
                }
                Kind::Filesystem => {
                    format!("`{}` is a connector, not a filesystem plugin", entry.name)
                }
            })
            .hint(match kind {
                Kind::Connector => format!("write `{} = {{}}` under [filesystems]", entry.name),
                Kind::Filesystem => format!("write `{} = \"auto\"` under [connectors]", entry.name),
            })),
            None => {
                let error = Error::usage(format!("the catalogue has no `{name}`"));
                let list = match kind {
                    Kind::Connector => {
                        "`flinkpack plugins` lists what it has; others are named by { maven = \"group:artifact:version\" }, { path = \"…\" } or { url = \"…\" }"
                    }
                    Kind::Filesystem => "`flinkpack plugins` lists what it has",
                };
                Err(match self.catalogue.nearest(name) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")).hint(list),
                    None => error.hint(list),
                })
            }
        }
    }

    async fn filesystem(&self, wanted: &Wanted, place: Option<Place>) -> Result<Artifact> {
        let entry = self.entry(&wanted.name, Kind::Filesystem)?;
        let flink = &self.facts.flink;
        catalogue::exists(entry, self.facts)?;
        let artifact = entry.artifact.as_deref().unwrap_or(&entry.name);
        let folder = Folder::Plugin(entry.name.clone());
        let wanted = Wanted {
            name: entry.name.clone(),
            folder,
            ..wanted.clone()
        };
        if let Some((name, node)) = self.facts.jar_of("opt", artifact)
            && let Some(sha256) = node.sha256
        {
            let place = place.unwrap_or(Place::Link);
            let mut found = self.artifact(
                &wanted,
                wanted.name.clone(),
                Source::Base(format!("opt/{name}")),
                name.to_string(),
                (sha256, node.size),
                self.held(&sha256),
            );
            found.place = Some(place);
            return Ok(found);
        }
        match place {
            Some(Place::Link | Place::Move) => Err(Error::new(format!(
                "{}: the base's opt/ has no {artifact}-{flink}.jar to {}",
                wanted.name,
                if place == Some(Place::Link) {
                    "link to"
                } else {
                    "move"
                }
            ))
            .hint("leave `place` out: the JAR is then copied from the repository")),
            Some(Place::Copy) | None => {
                let selected =
                    catalogue::select(entry, "auto", self.facts, self.maven, self.report).await?;
                let mut found = self.maven(&wanted, &selected.coordinate).await?;
                found.place = Some(Place::Copy);
                Ok(found)
            }
        }
    }

    /// Brings the bytes of a pinned artifact into the store. What comes from
    /// the base is the caller's to take out of it.
    pub async fn fetch(&self, artifact: &Artifact, wanted: &[Wanted]) -> Result<()> {
        let brought = self.bring(artifact, wanted).await;
        brought
            .map_err(|error| match error.is("digest-mismatch") {
                true => error.hint(format!(
                    "the lock file pins what was there before: if the change is meant, `flinkpack lock --upgrade {}` takes it",
                    artifact.name
                )),
                false => error,
            })
            .doing(|| format!("fetching {}", artifact.shown()))
    }

    async fn bring(&self, artifact: &Artifact, wanted: &[Wanted]) -> Result<()> {
        match &artifact.source {
            Source::Maven(text) => {
                let coordinate: Coordinate = text.parse()?;
                self.maven
                    .get()?
                    .jar(&coordinate, Some(artifact.sha256))
                    .await
                    .map(|_| ())?;
                let path = self.store.blob_path(&artifact.sha256);
                jar::check(self.store, &path, &artifact.sha256, text)
            }
            Source::Url(shown) => {
                // The lock has no secrets; the manifest has the whole address.
                let url = wanted
                    .iter()
                    .filter_map(|wanted| match &wanted.request {
                        Request::Url(url, _) => parse_url(url).ok(),
                        _ => None,
                    })
                    .find(|url| redact::shown(url) == *shown)
                    .ok_or_else(|| Error::new(format!("the manifest no longer names {shown}")))?;
                self.download(&url, &artifact.name, Some(artifact.sha256))
                    .await
                    .map(|_| ())
            }
            Source::Path(_) | Source::Base(_) => Ok(()),
        }
    }

    fn artifact(
        &self,
        wanted: &Wanted,
        name: String,
        source: Source,
        file_name: String,
        (sha256, size): (Digest, u64),
        content: Content,
    ) -> Artifact {
        Artifact {
            name,
            kind: wanted.kind,
            source,
            file_name,
            folder: wanted.folder.clone(),
            place: None,
            sha256,
            size,
            content,
        }
    }
}

fn parse_url(text: &str) -> Result<Url> {
    let shown = redact::shown_text(text);
    let url = Url::parse(text)
        .map_err(|error| Error::usage(format!("`{shown}` is not an address: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(Error::usage(format!("{shown} cannot be fetched")).hint(
            "addresses begin with https:// or http://; a local JAR is named by { path = \"…\" }",
        )),
    }
}

fn file_name(path: &Path, shown: &str) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::new(format!("{shown}: the name is not UTF-8")))?;
    Ok(if name.ends_with(".jar") {
        name.to_string()
    } else {
        format!("{name}.jar")
    })
}

/// The last name in the address; Flink loads only what ends in `.jar`.
fn url_file_name(url: &Url) -> String {
    let name: String = url
        .path_segments()
        .and_then(|mut segments| segments.next_back())
        .filter(|name| !name.is_empty())
        .unwrap_or("download")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.ends_with(".jar") {
        name
    } else {
        format!("{}.jar", name.trim_start_matches('.'))
    }
}

fn stem(file_name: &str) -> &str {
    file_name.strip_suffix(".jar").unwrap_or(file_name)
}
