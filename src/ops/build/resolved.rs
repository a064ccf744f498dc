//! From a manifest to what its image is made of: the base, every JAR, and where
//! each goes. Writes no layer.

use std::path::PathBuf;

use crate::base::{self, Base};
use crate::catalogue::{Catalogue, Kind};
use crate::error::{Error, Result};
use crate::image::{Digest, LayerKind};
use crate::lock::{Lock, LockedCheck, LockedMaven, Source};
use crate::manifest::Manifest;
use crate::maven::Graph;
use crate::ops::Session;
use crate::ops::build::bases;
use crate::ops::build::rewrite;
use crate::ops::session::lock_path;
use crate::resolve::dependencies::Chosen;
use crate::resolve::{Artifact, Repositories, Resolved, Resolver, Wanted, wanted};
use crate::stage::{self, Content, Stage, files, jars};

/// What decides an image.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Another base than the manifest's.
    pub base: Option<String>,
    /// Other platforms than the manifest's.
    pub platforms: Vec<String>,
    /// Whether the lock file must hold everything already.
    pub locked: bool,
    /// Names to find anew, whatever the lock file has; empty names mean all.
    pub upgrade: Option<Vec<String>>,
}

/// Everything that was found, and where it goes; no layer is written yet.
pub struct Found {
    /// The manifest.
    pub manifest: Manifest,
    /// The base; for the first platform, where there are several.
    pub base: Base,
    /// The base for each other platform: what goes on top is the same.
    pub others: Vec<Base>,
    /// The JARs.
    pub artifacts: Vec<Artifact>,
    /// What the lock keeps of their dependencies.
    pub resolved: Option<LockedMaven>,
    /// All paths.
    pub stage: Stage,
    /// The lock file's path.
    pub lock_path: PathBuf,
    /// The lock file as it was.
    pub old_lock: Option<Lock>,
    /// What a check came to, for the lock file.
    pub checked: Option<LockedCheck>,
    wanted: Vec<Wanted>,
    catalogue: Catalogue,
    maven: Repositories,
}

/// Finds the base and every JAR, and places them.
pub async fn find(session: &Session, inputs: &Inputs) -> Result<Found> {
    let (manifest, old_lock) = read(inputs)?;
    find_in(session, inputs, manifest, old_lock).await
}

/// The manifest, and the lock file where there is one.
pub fn read(inputs: &Inputs) -> Result<(Manifest, Option<Lock>)> {
    let manifest = Manifest::read(&inputs.manifest)?;
    let lock_path = lock_path(&inputs.manifest);
    let old_lock = Lock::read(&lock_path)?;
    if inputs.locked && old_lock.is_none() {
        return Err(
            Error::new(format!("--locked, and there is no {}", lock_path.display()))
                .hint("`flinkpack lock` writes it; keep it in version control"),
        );
    }
    Ok((manifest, old_lock))
}

/// The Maven coordinates that a manifest asks for, resolved together as one
/// project's dependencies, and what becomes of that on the base.
pub async fn graph(session: &Session, inputs: &Inputs) -> Result<(Graph, Chosen)> {
    let manifest = Manifest::read(&inputs.manifest)?;
    let old_lock = Lock::read(&lock_path(&inputs.manifest))?;
    let catalogue = catalogue(&manifest)?;
    let bases = bases::find(session, inputs, &manifest, old_lock.as_ref()).await?;
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
    resolver.graph(&wanted(&manifest)?).await
}

/// The same for a manifest that was read already.
pub async fn find_in(
    session: &Session,
    inputs: &Inputs,
    manifest: Manifest,
    old_lock: Option<Lock>,
) -> Result<Found> {
    let lock_path = lock_path(&inputs.manifest);
    let catalogue = catalogue(&manifest)?;
    let upgrades = |name: &str| match &inputs.upgrade {
        None => false,
        Some(names) => names.is_empty() || names.iter().any(|one| one == name),
    };
    let pinned = old_lock.as_ref().filter(|_| !upgrades("base"));
    let mut others = bases::find(session, inputs, &manifest, pinned).await?;
    let base = others.remove(0);
    let pins = old_lock.clone().map(|mut lock| {
        lock.jars.retain(|jar| !upgrades(&jar.name));
        if inputs.upgrade.is_some() {
            // What is found anew may need something else.
            lock.maven = None;
        }
        lock
    });
    let maven = session.maven(&manifest.content.maven.repositories);
    let wanted = wanted(&manifest)?;
    for name in inputs.upgrade.iter().flatten() {
        check_upgrade(name, &wanted, old_lock.as_ref())?;
    }
    let runtime = tokio::runtime::Handle::current();
    let Resolved {
        artifacts,
        maven: resolved,
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
            session.expect_change();
            rewrite::write(session, jar)
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
    let found = Found {
        manifest,
        base,
        others,
        artifacts,
        resolved,
        stage,
        lock_path,
        old_lock,
        checked: None,
        wanted,
        catalogue,
        maven,
    };
    if inputs.locked {
        found.check_locked()?;
    }
    Ok(found)
}

/// The embedded rows, with those of the project.
fn catalogue(manifest: &Manifest) -> Result<Catalogue> {
    Catalogue::embedded()
        .with_folder(&manifest.folder().join("plugins"))
        .map_err(|error| Error::usage(error.to_string()).hint(error.hint()))
}

/// A name that stands for nothing would leave everything as it is, unseen.
fn check_upgrade(name: &str, wanted: &[Wanted], lock: Option<&Lock>) -> Result<()> {
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

impl Found {
    /// Brings the JARs of these digests into the store.
    pub(in crate::ops) async fn fetch(&self, session: &Session, absent: &[Digest]) -> Result<()> {
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
    pub(in crate::ops) fn bases(&self) -> impl Iterator<Item = &Base> {
        std::iter::once(&self.base).chain(&self.others)
    }

    /// The layers of the base that has most: they count for the image's most.
    pub(in crate::ops) fn base_layers(&self) -> usize {
        let counts = self.bases().map(|base| base.layers.len());
        counts.max().unwrap_or_default()
    }

    /// The rows of connectors and filesystem plugins that count.
    pub(in crate::ops) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}
