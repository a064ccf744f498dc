//! From a manifest to what its image is made of: the base, every JAR, and where
//! each goes. Writes no layer.

use std::path::PathBuf;

use super::bases;
use super::changed_jars::ChangedJars;
use super::inputs::{Inputs, Request, lock_path};
use crate::base::{self, Base};
use crate::catalogue::{Catalogue, Kind};
use crate::error::{Error, Result};
use crate::image::{Digest, LayerKind};
use crate::lock::{Lock, LockedCheck, LockedMaven, Source};
use crate::manifest::Manifest;
use crate::maven::Graph;
use crate::ops::Session;
use crate::resolve::dependencies::Chosen;
use crate::resolve::{Artifact, JarRequest, Repositories, Resolver, jar_requests};
use crate::stage::{self, Content, Stage, files, jars};

/// Everything that was found, and where it goes; no layer is written yet.
pub struct Resolved {
    /// The manifest.
    pub manifest: Manifest,
    /// The base; for the first platform, where there are several.
    pub base: Base,
    /// The base for each other platform: what goes on top is the same.
    pub others: Vec<Base>,
    /// The JARs.
    pub artifacts: Vec<Artifact>,
    /// What the lock keeps of their dependencies.
    pub dependencies: Option<LockedMaven>,
    /// All paths.
    pub stage: Stage,
    /// The lock file's path.
    pub lock_path: PathBuf,
    /// The lock file as it was.
    pub old_lock: Option<Lock>,
    /// What a check came to, for the lock file.
    pub checked: Option<LockedCheck>,
    wanted: Vec<JarRequest>,
    catalogue: Catalogue,
    maven: Repositories,
}

/// The Maven coordinates that a manifest asks for, resolved together as one
/// project's dependencies, and what becomes of that on the base.
pub async fn graph(session: &Session, request: &Request) -> Result<(Graph, Chosen)> {
    let manifest = Manifest::read(&request.manifest)?;
    let old_lock = Lock::read(&lock_path(&request.manifest))?;
    let catalogue = catalogue(&manifest)?;
    let bases = bases::find(session, request, &manifest, old_lock.as_ref()).await?;
    let maven = session.maven(&manifest.content.maven.repositories);
    let resolver = Resolver {
        manifest: &manifest,
        base: &bases[0],
        sources: &session.sources().await,
        catalogue: &catalogue,
        maven: &maven,
        store: &session.store,
        lock: old_lock.as_ref(),
        report: &session.report,
        offline: session.offline,
        on_change: &|_| None,
    };
    resolver.graph(&jar_requests(&manifest)?).await
}

/// Finds the base and every JAR, and places them. JARs that changed since the last
/// build are given to `changed`.
pub async fn resolve(session: &Session, inputs: Inputs, changed: &ChangedJars) -> Result<Resolved> {
    let Inputs {
        request,
        manifest,
        lock_path,
        old_lock,
    } = inputs;
    let catalogue = catalogue(&manifest)?;
    let upgrades = |name: &str| match &request.upgrade {
        None => false,
        Some(names) => names.is_empty() || names.iter().any(|one| one == name),
    };
    let pinned = old_lock.as_ref().filter(|_| !upgrades("base"));
    let mut others = bases::find(session, &request, &manifest, pinned).await?;
    let base = others.remove(0);
    let pins = old_lock.clone().map(|mut lock| {
        lock.jars.retain(|jar| !upgrades(&jar.name));
        if request.upgrade.is_some() {
            // What is found anew may need something else.
            lock.maven = None;
        }
        lock
    });
    let maven = session.maven(&manifest.content.maven.repositories);
    let wanted = jar_requests(&manifest)?;
    for name in request.upgrade.iter().flatten() {
        check_upgrade(name, &wanted, old_lock.as_ref())?;
    }
    let runtime = tokio::runtime::Handle::current();
    let crate::resolve::Resolved {
        artifacts,
        maven: dependencies,
    } = Resolver {
        manifest: &manifest,
        base: &base,
        sources: &session.sources().await,
        catalogue: &catalogue,
        maven: &maven,
        store: &session.store,
        lock: pins.as_ref(),
        report: &session.report,
        offline: session.offline,
        // From whichever thread reads the file.
        on_change: &|jar| {
            let _inside = runtime.enter();
            changed.write(session, jar)
        },
    }
    .resolve(&wanted)
    .await?;
    let (stage, told) = place(session, &manifest, &base, &artifacts, &catalogue)?;
    for warning in told {
        session.report.warn(warning);
    }
    for other in &others {
        bases::check_facts(&base, other, &artifacts)?;
        let (theirs, _) = place(session, &manifest, other, &artifacts, &catalogue)?;
        bases::check_stage(&base, other, &stage, &theirs)?;
    }
    let resolved = Resolved {
        manifest,
        base,
        others,
        artifacts,
        dependencies,
        stage,
        lock_path,
        old_lock,
        checked: None,
        wanted,
        catalogue,
        maven,
    };
    if request.locked {
        resolved.check_locked()?;
    }
    Ok(resolved)
}

/// The embedded rows, with those of the project.
fn catalogue(manifest: &Manifest) -> Result<Catalogue> {
    Catalogue::embedded()
        .with_folder(&manifest.folder().join("plugins"))
        .map_err(|error| Error::usage(error.to_string()).hint(error.hint()))
}

/// A name that stands for nothing would leave everything as it is, unseen.
fn check_upgrade(name: &str, wanted: &[JarRequest], lock: Option<&Lock>) -> Result<()> {
    let mut names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    names.extend(
        lock.iter()
            .flat_map(|lock| &lock.jars)
            .map(|jar| jar.name.as_str()),
    );
    names.push("base");
    if names.contains(&name) {
        return Ok(());
    }
    let error = Error::usage(format!(
        "--upgrade {name}: neither the manifest nor the lock file has `{name}`"
    ));
    Err(match crate::manifest::nearest_name(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// Where everything goes on this base, and warnings.
fn place(
    session: &Session,
    manifest: &Manifest,
    base: &Base,
    artifacts: &[Artifact],
    catalogue: &Catalogue,
) -> Result<(Stage, Vec<String>)> {
    let filesystems: Vec<(String, String)> = catalogue
        .entries()
        .filter(|entry| entry.kind == Kind::Filesystem)
        .filter_map(|entry| Some((entry.name.clone(), entry.artifact.clone()?)))
        .collect();
    let (mut stage, mut told) = (Stage::default(), Vec::new());
    for artifact in artifacts {
        told.extend(jars::stage(
            &mut stage,
            &base.facts,
            artifact,
            &filesystems,
        )?);
    }
    if let Some(config) = &manifest.content.config {
        let staged = stage::config::stage(&mut stage, &base.facts, config.get_ref());
        manifest.locate(config.span(), staged)?;
    }
    for (target, spec) in &manifest.content.files {
        let added = stage_files(session, manifest, base, &mut stage, target, spec.get_ref());
        manifest.locate(spec.span(), added)?;
    }
    Ok((stage, told))
}

fn stage_files(
    session: &Session,
    manifest: &Manifest,
    base: &Base,
    stage: &mut Stage,
    target: &str,
    spec: &crate::manifest::FileSpec,
) -> Result<()> {
    let source = manifest.folder().join(&spec.path);
    for file in files::expand(target, &source, spec.mode)? {
        let (sha256, size) = session.store.file_digest(&file.source, &|_| None)?;
        stage.file(
            &base.facts,
            stage::NewFile {
                path: &file.target,
                sha256,
                size,
                content: Content::Local(file.source),
                mode: file.mode,
                reason: format!("[files] \"{target}\""),
                layer: LayerKind::Config,
                artifact: target,
            },
        )?;
    }
    Ok(())
}

impl Resolved {
    /// Brings the JARs of these digests into the store.
    pub async fn fetch(&self, session: &Session, absent: &[Digest]) -> Result<()> {
        if absent.is_empty() {
            return Ok(());
        }
        let resolver = Resolver {
            manifest: &self.manifest,
            base: &self.base,
            sources: &session.sources().await,
            catalogue: &self.catalogue,
            maven: &self.maven,
            store: &session.store,
            lock: None,
            report: &session.report,
            offline: session.offline,
            on_change: &|_| None,
        };
        let needed = self.artifacts.iter();
        let needed = needed.filter(|artifact| absent.contains(&artifact.sha256));
        let (of_base, others): (Vec<&Artifact>, Vec<&Artifact>) =
            needed.partition(|artifact| matches!(artifact.source, Source::Base(_)));
        for artifact in of_base {
            if let Source::Base(path) = &artifact.source {
                let path = self.base.facts.under_home(path);
                base::extract(resolver.sources, &self.base, &path).await?;
            }
        }
        resolver.fetch(&others, &self.wanted).await
    }

    /// The base for each platform.
    pub fn bases(&self) -> impl Iterator<Item = &Base> {
        std::iter::once(&self.base).chain(&self.others)
    }

    /// The layers of the base that has most: they count for the image's most.
    pub fn base_layers(&self) -> usize {
        let counts = self.bases().map(|base| base.layers.len());
        counts.max().unwrap_or_default()
    }

    /// The rows of connectors and filesystem plugins that count.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}
