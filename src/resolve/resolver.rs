//! Answers the requests.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt};
use url::Url;

use super::asked::{self, Asked};
use super::dependencies::Chosen;
use super::repositories::Repositories;
use super::{Artifact, Content, Folder, JarRequest, RequestSource, catalogue};
use crate::base::{Base, Sources};
use crate::catalogue::{Catalogue, Entry, Kind, Selected};
use crate::error::{Context, Error, Reason, Result};
use crate::fetch::{Access, Request as Get, download, redact};
use crate::image::{Digest, LayerKind};
use crate::jar;
use crate::lock::{Lock, LockedMaven, Source};
use crate::manifest::{JarSource, Manifest, Placement};
use crate::maven::{Coordinates, Graph, jar_stem};
use crate::report::Report;
use crate::store::Store;

/// Requests answered at once.
const PARALLEL: usize = 6;

/// What JARs are found with.
pub struct Resolver<'a> {
    /// The manifest, for its folder and for the place of errors.
    pub manifest: &'a Manifest,
    /// The base that they are for.
    pub base: &'a Base,
    /// What its bytes are read with, where they must be.
    pub sources: &'a Sources<'a>,
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
    /// Told of a local file that changed, before it is read.
    pub on_change: &'a (dyn Fn(&Path) -> Option<(Digest, u64)> + Sync),
}

/// Everything that was found.
pub struct Resolved {
    /// The JARs: what the manifest asks for in its order, then what that needs.
    pub artifacts: Vec<Artifact>,
    /// What the lock file keeps of the dependencies.
    pub maven: Option<LockedMaven>,
}

impl Resolver<'_> {
    /// Answers all requests. Pinned JARs whose bytes are not in the store are not
    /// fetched: [`Resolver::fetch`] does that for those that turn out to be
    /// needed.
    pub async fn resolve(&self, requests: &[JarRequest]) -> Result<Resolved> {
        let asked = self.asked(requests).await?;
        let (joint, apart): (Vec<Asked>, Vec<Asked>) = asked
            .into_iter()
            .partition(|one| !matches!(one.folder, Folder::Plugin(_)));
        let joint = asked::merged(joint, self.report);
        let needs = self.needs(&joint).await?;
        let roots = joint.iter().zip(needs.roots);
        let mut coordinates: Vec<(&Asked, Coordinates)> = roots
            .filter_map(|(one, coordinate)| Some((one, coordinate?)))
            .collect();
        coordinates.extend(apart.iter().map(|one| (one, one.coordinate.clone())));
        let of_coordinates = futures_util::stream::iter(coordinates)
            .map(|(one, coordinate)| async move {
                let found = self.coordinate(&one.name, one.kind, &one.folder, &coordinate);
                let mut found = self.manifest.locate(one.span.clone(), found.await)?;
                let is_other = coordinate != one.coordinate;
                found.asked = is_other.then(|| one.coordinate.clone());
                Ok::<_, Error>((one.span.start, vec![found]))
            })
            .buffered(PARALLEL);
        let of_files = self.local(requests)?;
        let of_others = futures_util::stream::iter(requests)
            .map(|request| async move {
                let found = self.answer(request).await;
                let found = self.manifest.locate(request.span.clone(), found)?;
                Ok::<_, Error>((request.span.start, found))
            })
            .buffered(PARALLEL);
        let mut found: Vec<(usize, Vec<Artifact>)> =
            of_others.chain(of_coordinates).try_collect().await?;
        found.extend(of_files);
        found.sort_by_key(|(at, _)| *at);
        let mut artifacts: Vec<Artifact> = found.into_iter().flat_map(|(_, all)| all).collect();
        let needed: Vec<Artifact> = futures_util::stream::iter(&needs.dependencies)
            .map(|needed| async move {
                let name = needed.coordinate.artifact();
                let kind = LayerKind::Dependency;
                let found = self.coordinate(name, kind, &needed.folder, &needed.coordinate);
                let mut found = found
                    .await
                    .doing(|| format!("{} needs it", needed.needed_by))?;
                found.needed_by = Some(needed.needed_by.clone());
                Ok::<_, Error>(found)
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        for mut one in needed {
            // Two groups may have artifacts of one name and version.
            let is_taken = |other: &Artifact| {
                (&other.folder, &other.file_name) == (&one.folder, &one.file_name)
            };
            if let (true, Source::Maven(coordinates)) =
                (artifacts.iter().any(is_taken), &one.source)
            {
                one.file_name = format!("{}.{}", coordinates.group(), one.file_name);
            }
            artifacts.push(one);
        }
        Ok(Resolved {
            artifacts,
            maven: needs.locked,
        })
    }

    /// The graph of the coordinates that are resolved together, and what becomes
    /// of it on this base, whatever the lock file has.
    pub async fn graph(&self, requests: &[JarRequest]) -> Result<(Graph, Chosen)> {
        let mut asked = self.asked(requests).await?;
        asked.retain(|one| !matches!(one.folder, Folder::Plugin(_)));
        self.resolved(&asked::merged(asked, self.report)).await
    }

    /// What is neither a coordinate nor a path.
    async fn answer(&self, request: &JarRequest) -> Result<Vec<Artifact>> {
        match &request.source {
            RequestSource::Jar(JarSource::Url(url, sha256)) => {
                Ok(vec![self.url(request, url, sha256.as_deref()).await?])
            }
            RequestSource::Filesystem(place) => Ok(vec![self.filesystem(request, *place).await?]),
            RequestSource::Jar(_) => Ok(Vec::new()),
        }
    }

    /// The Maven coordinates among the requests, in the manifest's order.
    async fn asked(&self, requests: &[JarRequest]) -> Result<Vec<Asked>> {
        let mut asked: Vec<Asked> = futures_util::stream::iter(requests)
            .map(|request| async move {
                let asked = self.asked_by(request).await;
                self.manifest.locate(request.span.clone(), asked)
            })
            .buffered(PARALLEL)
            .try_collect::<Vec<_>>()
            .await?
            .into_iter()
            .flatten()
            .collect();
        asked.sort_by_key(|one| one.span.start);
        Ok(asked)
    }

    async fn asked_by(&self, request: &JarRequest) -> Result<Vec<Asked>> {
        let one = |coordinate: &Coordinates, name: Option<&str>, fat: Option<bool>| Asked {
            name: name.unwrap_or(coordinate.artifact()).to_string(),
            kind: request.kind,
            folder: request.folder.clone(),
            span: request.span.clone(),
            reach: asked::reach(&request.taking, fat, coordinate),
            exclude: request.taking.exclude.clone(),
            platform: request
                .taking
                .platform
                .unwrap_or(self.manifest.content.maven.platform),
            coordinate: coordinate.clone(),
        };
        match &request.source {
            RequestSource::Jar(JarSource::Maven(coordinates)) => {
                let name = (!request.companion).then_some(request.name.as_str());
                Ok(vec![one(coordinates, name, None)])
            }
            RequestSource::Jar(JarSource::Catalogue(version)) => {
                let selected = self.selected(request, version).await?;
                let fat = Some(selected.fat);
                let owner = one(&selected.coordinates, Some(&request.name), fat);
                let with = selected.with.iter().map(|with| one(with, None, None));
                Ok(std::iter::once(owner).chain(with).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The one file of a coordinate.
    async fn coordinate(
        &self,
        name: &str,
        kind: LayerKind,
        folder: &Folder,
        coordinate: &Coordinates,
    ) -> Result<Artifact> {
        let source = Source::Maven(coordinate.clone());
        let pin = self.lock.and_then(|lock| lock.pin(name, &source));
        let (sha256, size, content) = match pin {
            Some(pin) => (pin.sha256, pin.size, self.held(&pin.sha256)),
            None => {
                let file = self.maven.get()?.jar(coordinate, None).await?;
                (file.sha256, file.size, Content::Store)
            }
        };
        if matches!(content, Content::Store) && coordinate.extension() == "jar" {
            let path = self.store.blob_path(&sha256);
            jar::check(self.store, &path, &sha256, &coordinate.to_string())?;
        }
        Ok(Artifact {
            name: name.to_string(),
            kind,
            source,
            asked: None,
            needed_by: None,
            file_name: coordinate.file_name(),
            folder: folder.clone(),
            place: None,
            sha256,
            size,
            content,
        })
    }

    fn held(&self, digest: &Digest) -> Content {
        match self.store.blob_size(digest) {
            Some(_) => Content::Store,
            None => Content::Absent,
        }
    }

    async fn url(
        &self,
        request: &JarRequest,
        text: &str,
        sha256: Option<&str>,
    ) -> Result<Artifact> {
        let url = parse_url(text)?;
        let shown = redact::shown(&url);
        let source = Source::Url(shown.clone());
        let name = if request.companion {
            jar_stem(&url_file_name(&url)).to_string()
        } else {
            request.name.clone()
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
            request,
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
        download(&get, self.store, self.report).await
    }

    /// The release of the catalogue's entry.
    async fn selected(&self, request: &JarRequest, version: &str) -> Result<Selected> {
        let entry = self.entry(&request.name, Kind::Connector)?;
        let pinned = self.pinned_release(entry, request, version);
        let version = pinned.as_deref().unwrap_or(version);
        let selected =
            catalogue::select(entry, version, &self.base.facts, self.maven, self.report).await?;
        if let (Some(needed), Some(java)) = (selected.java, self.base.facts.java)
            && needed > java
        {
            return Err(Error::new(format!(
                "{} {} needs Java {needed}, and the base has Java {java}",
                entry.name, selected.version
            ))
            .hint("use a base with a newer Java, or an older version of the connector"));
        }
        if let Some(needs) = &selected.needs {
            self.report
                .detail(format!("{} needs {needs}", request.name));
        }
        Ok(selected)
    }

    /// `auto` stays with what the lock file has, as long as it is made for the
    /// base's Flink: a newer catalogue must not move a pinned build.
    fn pinned_release(&self, entry: &Entry, request: &JarRequest, version: &str) -> Option<String> {
        if version != "auto" {
            return None;
        }
        let lock = self.lock?;
        if lock.base.flink != self.base.facts.flink.as_str()
            || lock.base.scala != self.base.facts.scala
        {
            return None;
        }
        lock.jars.iter().find_map(|jar| match &jar.source {
            Source::Maven(coordinate) if jar.name == request.name && jar.kind == request.kind => {
                let artifact = format!("{}:{}", coordinate.group(), coordinate.artifact());
                entry
                    .has_artifact(&artifact, &self.base.facts.scala)
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

    async fn filesystem(&self, request: &JarRequest, place: Option<Placement>) -> Result<Artifact> {
        let entry = self.entry(&request.name, Kind::Filesystem)?;
        let flink = &self.base.facts.flink;
        catalogue::exists(entry, &self.base.facts)?;
        let artifact = entry.artifact.as_deref().unwrap_or(&entry.name);
        let folder = Folder::Plugin(entry.name.clone());
        let request = JarRequest {
            name: entry.name.clone(),
            folder,
            ..request.clone()
        };
        if let Some((name, node)) = self.base.facts.jar_of("opt", artifact)
            && let Some(sha256) = node.sha256
        {
            let place = place.unwrap_or(Placement::Link);
            let mut found = self.artifact(
                &request,
                request.name.clone(),
                Source::Base(format!("opt/{name}")),
                name.to_string(),
                (sha256, node.size),
                self.held(&sha256),
            );
            found.place = Some(place);
            return Ok(found);
        }
        match place {
            Some(Placement::Link | Placement::Move) => Err(Error::new(format!(
                "{}: the base's opt/ has no {artifact}-{flink}.jar to {}",
                request.name,
                if place == Some(Placement::Link) {
                    "link to"
                } else {
                    "move"
                }
            ))
            .hint("leave `place` out: the JAR is then copied from the repository")),
            Some(Placement::Copy) | None => {
                let selected =
                    catalogue::select(entry, "auto", &self.base.facts, self.maven, self.report)
                        .await?;
                let (name, folder) = (&request.name, &request.folder);
                let mut found = self
                    .coordinate(name, request.kind, folder, &selected.coordinates)
                    .await?;
                found.place = Some(Placement::Copy);
                Ok(found)
            }
        }
    }

    /// Brings the bytes of pinned artifacts into the store, several at once. What
    /// comes from the base is the caller's to take out of it.
    pub async fn fetch(&self, artifacts: &[&Artifact], requests: &[JarRequest]) -> Result<()> {
        let mut seen = BTreeSet::new();
        let each = artifacts
            .iter()
            .filter(|artifact| seen.insert((&artifact.source, artifact.sha256)));
        futures_util::stream::iter(each)
            .map(|artifact| self.fetch_one(artifact, requests))
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    async fn fetch_one(&self, artifact: &Artifact, requests: &[JarRequest]) -> Result<()> {
        let brought = self.bring(artifact, requests).await;
        brought
            .map_err(|error| match error.is(Reason::DigestMismatch) {
                true => error.hint(format!(
                    "the lock file pins what was there before: if the change is meant, `flinkpack lock --upgrade {}` takes it",
                    artifact.name
                )),
                false => error,
            })
            .doing(|| format!("fetching {}", artifact.shown()))
    }

    async fn bring(&self, artifact: &Artifact, requests: &[JarRequest]) -> Result<()> {
        match &artifact.source {
            Source::Maven(coordinates) => {
                self.maven
                    .get()?
                    .jar(coordinates, Some(artifact.sha256))
                    .await
                    .map(|_| ())?;
                let path = self.store.blob_path(&artifact.sha256);
                jar::check(
                    self.store,
                    &path,
                    &artifact.sha256,
                    &coordinates.to_string(),
                )
            }
            Source::Url(shown) => {
                // The lock has no secrets; the manifest has the whole address.
                let url = requests
                    .iter()
                    .filter_map(|request| match &request.source {
                        RequestSource::Jar(JarSource::Url(url, _)) => parse_url(url).ok(),
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

    pub(super) fn artifact(
        &self,
        request: &JarRequest,
        name: String,
        source: Source,
        file_name: String,
        (sha256, size): (Digest, u64),
        content: Content,
    ) -> Artifact {
        Artifact {
            name,
            kind: request.kind,
            source,
            asked: None,
            needed_by: None,
            file_name,
            folder: request.folder.clone(),
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
