//! From a manifest to an image: resolve, place, layer, assemble. Moves nothing
//! anywhere but into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;

use super::recorded::{Recorded, Trusted};
use super::session::lock_path;
use super::{Session, layers};
use crate::base::{self, Base, BaseSpec};
use crate::catalogue::{Catalogue, Kind};
use crate::error::{Context, Error, Result};
use crate::image::assemble::{Changes, assemble};
use crate::image::{Digest, Image, LayerKind, Platform};
use crate::layer::{self, Known, Plan};
use crate::lock::{Lock, LockedBase, LockedJar, LockedLayer, LockedMaven, Source};
use crate::manifest::Manifest;
use crate::maven::Graph;
use crate::resolve::dependencies::Chosen;
use crate::resolve::{Artifact, Repositories, Resolved, Resolver, Wanted, wanted};
use crate::sink::daemon::Ahead;
use crate::stage::{self, Content, EntryKind, Stage, files, jars};

/// The label that lists an image's JARs, for `inspect`.
pub const ARTIFACTS_LABEL: &str = "flinkpack.artifacts";

/// What decides an image.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Another base than the manifest's.
    pub base: Option<String>,
    /// Another platform than the manifest's.
    pub platform: Option<String>,
    /// Whether the lock file must hold everything already.
    pub locked: bool,
    /// Names to find anew, whatever the lock file has; empty names mean all.
    pub upgrade: Option<Vec<String>>,
}

/// Everything that was found, and where it goes; no layer is written yet.
pub struct Found {
    /// The manifest.
    pub manifest: Manifest,
    /// The base.
    pub base: Base,
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
    wanted: Vec<Wanted>,
    catalogue: Catalogue,
    maven: Repositories,
}

/// An image, and the lock that made it.
pub struct Made {
    /// The image.
    pub image: Image,
    /// The new lock.
    pub lock: Lock,
    /// The load that began meanwhile.
    pub ahead: Option<Ahead>,
    /// Layers that were not made, since the lock file says what they come to.
    pub recorded: Vec<Recorded>,
}

/// Finds the base and every JAR, and places them.
pub async fn find(session: &Session, inputs: &Inputs) -> Result<Found> {
    let manifest = Manifest::read(&inputs.manifest)?;
    let lock_path = lock_path(&inputs.manifest);
    let old_lock = Lock::read(&lock_path)?;
    if inputs.locked && old_lock.is_none() {
        return Err(
            Error::new(format!("--locked, and there is no {}", lock_path.display()))
                .hint("`flinkpack lock` writes it; keep it in version control"),
        );
    }
    find_in(session, inputs, manifest, old_lock).await
}

/// The Maven coordinates that a manifest asks for, resolved together as one
/// project's dependencies, and what becomes of that on the base.
pub async fn graph(session: &Session, inputs: &Inputs) -> Result<(Graph, Chosen)> {
    let manifest = Manifest::read(&inputs.manifest)?;
    let old_lock = Lock::read(&lock_path(&inputs.manifest))?;
    let catalogue = catalogue(&manifest)?;
    let base = find_base(session, inputs, &manifest, old_lock.as_ref()).await?;
    let maven = session.maven(&manifest.content.maven.repositories);
    let resolver = Resolver {
        manifest: &manifest,
        base: &base,
        sources: &session.sources().await,
        catalogue: &catalogue,
        maven: &maven,
        store: &session.store,
        lock: old_lock.as_ref(),
        report: &session.report,
        offline: session.offline,
        on_change: &|| {},
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
    let base = find_base(
        session,
        inputs,
        &manifest,
        old_lock.as_ref().filter(|_| !upgrades("base")),
    )
    .await?;
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
        on_change: &|| session.expect_change(),
    }
    .resolve(&wanted)
    .await?;
    let stage = place(session, &manifest, &base, &artifacts, &catalogue)?;
    let found = Found {
        manifest,
        base,
        artifacts,
        resolved,
        stage,
        lock_path,
        old_lock,
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

async fn find_base(
    session: &Session,
    inputs: &Inputs,
    manifest: &Manifest,
    lock: Option<&Lock>,
) -> Result<Base> {
    let image = &manifest.content.image;
    let text = inputs.base.as_ref().unwrap_or(image.base.get_ref());
    let platform: Platform = match (&inputs.platform, &image.platform) {
        (Some(text), _) => text.parse()?,
        (None, Some(text)) => text.get_ref().parse()?,
        (None, None) => Platform::host(),
    };
    let pinned = lock
        .filter(|lock| lock.base.reference == *text && lock.base.platform == platform.to_string())
        .map(|lock| lock.base.digest);
    let found = async {
        let spec: BaseSpec = text.parse()?;
        let sources = session.sources().await;
        base::open(
            &sources,
            &spec.from_folder(manifest.folder()),
            &platform,
            pinned,
        )
        .await
    }
    .await;
    let mut base = match inputs.base {
        Some(_) => found?,
        None => manifest.locate(image.base.span(), found)?,
    };
    base.reference = text.clone();
    if let Some(pinned) = pinned
        && pinned != base.digest
        && !inputs.locked
    {
        session.report.note(format!(
            "the base {text} moved: it is {} now, and was {} in the lock file",
            base.digest.short(),
            pinned.short()
        ));
    }
    Ok(base)
}

fn place(
    session: &Session,
    manifest: &Manifest,
    base: &Base,
    artifacts: &[Artifact],
    catalogue: &Catalogue,
) -> Result<Stage> {
    let filesystems: Vec<(String, String)> = catalogue
        .entries()
        .filter(|entry| entry.kind == Kind::Filesystem)
        .filter_map(|entry| Some((entry.name.clone(), entry.artifact.clone()?)))
        .collect();
    let mut stage = Stage::default();
    for artifact in artifacts {
        for told in jars::stage(&mut stage, &base.facts, artifact, &filesystems)? {
            session.report.warn(told);
        }
    }
    if let Some(config) = &manifest.content.config {
        let staged = stage::config::stage(&mut stage, &base.facts, config.get_ref());
        manifest.locate(config.span(), staged)?;
    }
    for (target, spec) in &manifest.content.files {
        let added = stage_files(session, manifest, base, &mut stage, target, spec.get_ref());
        manifest.locate(spec.span(), added)?;
    }
    Ok(stage)
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
        let (sha256, size) = session.store.file_digest(&file.source, &|| {})?;
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
    /// The lock that this gives, without layers.
    pub fn lock(&self) -> Lock {
        self.lock_with(&BTreeMap::new(), Vec::new())
    }

    /// The same with the layers that were made, and by the path of each entry
    /// the digest of its own.
    fn lock_with(&self, layer_of: &BTreeMap<String, Digest>, layers: Vec<LockedLayer>) -> Lock {
        let base = &self.base;
        let mut jars: Vec<LockedJar> = self
            .artifacts
            .iter()
            .map(|artifact| {
                let path = jars::path_of(&base.facts, artifact);
                LockedJar {
                    name: artifact.name.clone(),
                    kind: artifact.kind,
                    source: artifact.source.clone(),
                    asked: artifact.asked.clone(),
                    needed_by: artifact.needed_by.clone(),
                    place: artifact.place,
                    sha256: artifact.sha256,
                    size: artifact.size,
                    layer: layer_of
                        .get(&base.facts.resolve(&base.facts.under_home(&path)))
                        .copied(),
                    path,
                }
            })
            .collect();
        jars.sort_by(|a, b| (&a.path, &a.source).cmp(&(&b.path, &b.source)));
        jars.dedup_by(|a, b| a.path == b.path && a.source == b.source);
        Lock {
            base: LockedBase {
                reference: base.reference.clone(),
                digest: base.digest,
                platform: base.platform.to_string(),
                flink: base.facts.flink.to_string(),
                scala: base.facts.scala.clone(),
                java: base.facts.java,
            },
            maven: self.resolved.clone(),
            jars,
            layers,
        }
    }

    fn check_locked(&self) -> Result<()> {
        let Some(old) = &self.old_lock else {
            return Ok(());
        };
        let differences = old.differences(&self.lock());
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!(
            "--locked, and {} does not hold what the manifest asks for:\n  {}",
            self.lock_path.display(),
            differences.join("\n  ")
        ))
        .hint("`flinkpack lock` brings it up to date"))
    }

    /// Writes the layers that are not cached, and assembles the image. Of layers
    /// whose JARs are not at hand those that `trusted` takes as the lock file
    /// has them are not made.
    pub async fn make(&mut self, session: &Session, trusted: &Trusted) -> Result<Made> {
        let records = self.records(session, trusted)?;
        self.fetch_needed(session, &records).await?;
        let groups = layer::group(&self.stage, self.base.layers.len())?;
        let plans: Vec<Plan<'_>> = groups
            .into_iter()
            .map(|group| Plan::new(group, &self.base.facts))
            .collect();
        let known = |plan: &Plan<'_>| records.get(plan.inputs()).cloned();
        let (own, ahead) = layers::write(session, &plans, &known, self.base.docker_types)?;
        let jars: BTreeSet<String> = self.artifacts.iter().map(|one| self.path_of(one)).collect();
        let (mut layer_of, mut locked) = (BTreeMap::new(), Vec::new());
        let mut recorded = Vec::new();
        for (at, (plan, layer)) in plans.iter().zip(&own).enumerate() {
            let Some(descriptor) = &layer.descriptor else {
                continue;
            };
            if records.contains_key(plan.inputs()) {
                recorded.push(Recorded {
                    at: self.base.layers.len() + at,
                    inputs: plan.inputs().to_string(),
                });
            }
            for entry in &plan.group().entries {
                layer_of.insert(entry.path.clone(), descriptor.digest);
            }
            let entries = &plan.group().entries;
            if entries.iter().any(|entry| jars.contains(&entry.path)) {
                locked.push(LockedLayer::new(
                    &layer.name,
                    plan.inputs(),
                    descriptor.digest,
                    layer.diff_id,
                    descriptor.size,
                ));
            }
        }
        let lock = self.lock_with(&layer_of, locked);
        let changes = Changes {
            labels: self.labels(&lock)?,
            env: self.manifest.content.image.env.clone(),
            command: self.command(),
            history: own
                .iter()
                .map(|layer| format!("flinkpack: {} {}", layer.kind.word(), layer.name))
                .collect(),
        };
        let mut layers = self.base.layers.clone();
        layers.extend(own);
        let image = assemble(
            &self.base.config,
            self.base.platform.clone(),
            layers,
            self.base.docker_types,
            &changes,
        )?;
        Ok(Made {
            image,
            lock,
            ahead,
            recorded,
        })
    }

    /// Where a JAR is in the image.
    fn path_of(&self, artifact: &Artifact) -> String {
        let facts = &self.base.facts;
        facts.resolve(&facts.under_home(&jars::path_of(facts, artifact)))
    }

    /// What the lock file has of layers whose JARs are not at hand, by inputs.
    pub(super) fn records(
        &self,
        session: &Session,
        trusted: &Trusted,
    ) -> Result<BTreeMap<String, Known>> {
        let mut records = BTreeMap::new();
        let Some(old) = self.old_lock.as_ref().filter(|_| *trusted != Trusted::None) else {
            return Ok(records);
        };
        for group in layer::group(&self.stage, self.base.layers.len())? {
            let plan = Plan::new(group, &self.base.facts);
            let inputs = plan.inputs();
            if plan.is_cached(&session.store) || !plan.lacks_content() || !trusted.takes(inputs) {
                continue;
            }
            if let Some(record) = old.layers.iter().find(|one| one.is_of(inputs)) {
                let known = Known {
                    digest: record.digest,
                    diff_id: record.diff_id,
                    size: record.size,
                };
                records.insert(inputs.to_string(), known);
            }
        }
        Ok(records)
    }

    /// Brings the bytes that uncached layers need into the store.
    async fn fetch_needed(
        &mut self,
        session: &Session,
        records: &BTreeMap<String, Known>,
    ) -> Result<()> {
        let absent = self.needed(session, records)?;
        self.fetch(session, &absent).await?;
        for entry in self.stage.entries_mut() {
            if let EntryKind::File {
                sha256, content, ..
            } = &mut entry.kind
                && absent.contains(sha256)
            {
                *content = Content::Store;
            }
        }
        Ok(())
    }

    /// The JARs without bytes here that are needed for layers neither cached nor
    /// recorded.
    pub(super) fn needed(
        &self,
        session: &Session,
        records: &BTreeMap<String, Known>,
    ) -> Result<Vec<Digest>> {
        let mut absent: Vec<Digest> = Vec::new();
        for group in layer::group(&self.stage, self.base.layers.len())? {
            let plan = Plan::new(group, &self.base.facts);
            if records.contains_key(plan.inputs()) || plan.is_cached(&session.store) {
                continue;
            }
            for entry in &plan.group().entries {
                if let EntryKind::File {
                    sha256,
                    content: Content::Absent,
                    ..
                } = &entry.kind
                {
                    absent.push(*sha256);
                }
            }
        }
        Ok(absent)
    }

    /// Brings the JARs of these digests into the store.
    pub(super) async fn fetch(&self, session: &Session, absent: &[Digest]) -> Result<()> {
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
            on_change: &|| {},
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

    /// The rows of connectors and filesystem plugins that count.
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn command(&self) -> Option<Vec<String>> {
        let job = self.manifest.content.job.as_ref()?;
        let mut command = vec!["standalone-job".to_string()];
        if let Some(class) = &job.class {
            command.extend(["--job-classname".to_string(), class.clone()]);
        }
        command.extend(job.args.iter().cloned());
        Some(command)
    }

    fn labels(&self, lock: &Lock) -> Result<BTreeMap<String, String>> {
        let artifacts: Vec<serde_json::Value> = lock
            .jars
            .iter()
            .map(|jar| {
                json!({
                    "name": jar.name,
                    "kind": jar.kind.word(),
                    "source": jar.source.to_string(),
                    "path": jar.path,
                    "sha256": jar.sha256.hex(),
                })
            })
            .collect();
        let mut labels = BTreeMap::from([
            (
                ARTIFACTS_LABEL.to_string(),
                serde_json::to_string(&artifacts).doing(|| "listing the JARs")?,
            ),
            (
                "org.opencontainers.image.base.name".to_string(),
                self.base.reference.clone(),
            ),
            (
                "org.opencontainers.image.base.digest".to_string(),
                self.base.digest.to_string(),
            ),
        ]);
        labels.extend(self.manifest.content.image.labels.clone());
        Ok(labels)
    }
}
