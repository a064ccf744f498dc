//! `flinkpack build`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::deliver::{Delivered, Places, deliver, make_portable};
use super::find::{Found, find};
use super::make::Made;
use super::outcome::{BaseOutcome, Outcome};
use super::push::Last;
use super::recorded::{self, Trusted};
use super::target::{Target, targets};
use super::{Session, attached, deliver};
use crate::error::{Error, Result};
use crate::image::assemble::in_oci_types;
use crate::image::{Digest, Image, Reference};
use crate::layer::{self, Plan};
use crate::report::bytes;
use crate::sink::daemon;

pub use super::deliver::Output;
pub use super::find::Inputs;

/// What `build` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What decides the image.
    pub inputs: Inputs,
    /// Tags or whole references, in place of the manifest's.
    pub tags: Vec<String>,
    /// Into registries.
    pub push: bool,
    /// Into the daemon.
    pub load: bool,
    /// Into files.
    pub outputs: Vec<Output>,
    /// With a bill of materials, whatever the manifest says.
    pub sbom: bool,
    /// With its provenance, whatever the manifest says.
    pub provenance: bool,
    /// Whether what would break at run time is looked for.
    pub check: bool,
}

/// Builds, and sends the image where it was asked to go; with no place asked
/// for, into the daemon, or into a file where there is no daemon.
pub async fn run(session: &Session, options: &Options) -> Result<Outcome> {
    check(session, options)?;
    if options.load {
        // Told before the work, not after it.
        session.need_daemon().await?;
    }
    let trusted = match options.push {
        // What a registry has need not be made to be pushed there.
        true => Trusted::All,
        false => Trusted::None,
    };
    match attempt(session, options, &trusted).await {
        // A corrupted blob was deleted when it was found: now it is made anew.
        Err(error) if error.is("corrupt-blob") => {
            session
                .report
                .warn(format!("{}; starting again", error.message()));
            attempt(session, options, &trusted).await
        }
        // The registry had lost what it said that it had.
        Err(error) if error.is("blob-unknown") && options.push => {
            session
                .report
                .warn(format!("{}; making every layer anew", error.message()));
            attempt(session, options, &Trusted::None).await
        }
        other => other,
    }
}

async fn attempt(session: &Session, options: &Options, trusted: &Trusted) -> Result<Outcome> {
    let begun = Instant::now();
    let elsewhere = options.push || !options.outputs.is_empty();
    if options.load || !elsewhere {
        session.expect_load();
    }
    let mut found = find(session, &options.inputs).await?;
    tell_found(session, &found);
    if options.check {
        super::check::before_build(session, &mut found, trusted).await?;
    }
    let places = places(session, options, found.manifest.folder()).await;
    let mut made = found.make(session, trusted).await?;
    make_ready(session, &found, &mut made.image, &places).await?;
    let mut goes_to = named(&found, options, &made)?;
    let mut visits = Vec::new();
    if !made.recorded.is_empty() {
        visits = recorded::visits(session, &made.image, &goes_to).await?;
        let held = recorded::places(&made.image, &made.recorded, &visits).await?;
        if held.len() < made.recorded.len() {
            let ahead = made.ahead.take();
            made = found.make(session, &Trusted::Held(held.clone())).await?;
            made.ahead = ahead;
            make_ready(session, &found, &mut made.image, &places).await?;
            goes_to = named(&found, options, &made)?;
        }
        recorded::settle(&mut made.image, &made.recorded, &held);
    }
    let (
        targets,
        Made {
            image, lock, ahead, ..
        },
    ) = (goes_to, made);
    if !options.inputs.locked && lock.write(&found.lock_path)? {
        session
            .report
            .note(format!("wrote {}", found.lock_path.display()));
    }
    let attached = attached::documents(&found, options, &image, &lock)?;
    if attached::are_asked_for(&found, options) && !attached::are_taken(&places) {
        session.report.warn(
            "the image goes only where no documents can be attached to it: --push and --output oci:DIR take them",
        );
    }
    Last::keep(
        session,
        &options.inputs.manifest,
        &image,
        &targets,
        &found.base,
        &attached,
    )?;
    let delivered = deliver(session, &image, &targets, &places, &attached, ahead, visits).await?;
    Ok(outcome(&image, &targets, base_of(&found), delivered, begun))
}

/// Repositories and tags: a tag may hold the lock file's digest.
fn named(found: &Found, options: &Options, made: &Made) -> Result<Vec<Target>> {
    let text = made.lock.text();
    targets(&found.manifest, &options.tags, &Digest::of(text.as_bytes()))
}

/// Gives the image the manifest with which it goes to its places.
async fn make_ready(
    session: &Session,
    found: &Found,
    image: &mut Image,
    places: &Places,
) -> Result<()> {
    let docker_types = found.base.docker_types;
    if image.manifest.is_none() && (places.push || !places.outputs.is_empty()) {
        make_portable(&session.sources().await, image, docker_types).await?;
    }
    let to_layout = |output: &Output| !matches!(output, Output::DockerArchive(_));
    if places.outputs.iter().any(to_layout) {
        // One image has one digest, so what goes elsewhere in this run is the same.
        in_oci_types(image)?;
    }
    Ok(())
}

fn base_of(found: &Found) -> BaseOutcome {
    BaseOutcome {
        reference: found.base.reference.clone(),
        digest: found.base.digest,
    }
}

/// The result of sending an image.
pub(super) fn outcome(
    image: &Image,
    targets: &[Target],
    base: BaseOutcome,
    delivered: Delivered,
    begun: Instant,
) -> Outcome {
    let image_id = Digest::of(&image.config);
    Outcome {
        image: targets
            .first()
            .map(|target| target.repository.familiar_name())
            .unwrap_or_default(),
        tags: targets
            .iter()
            .flat_map(|target| target.tags.clone())
            .collect(),
        digest: image
            .manifest
            .as_ref()
            .map_or(image_id, |manifest| manifest.digest),
        image_id,
        base,
        layers: delivered.layers,
        transferred: delivered.transferred,
        seconds: begun.elapsed().as_secs_f64(),
        places: delivered.told,
        unchanged: delivered.unchanged,
    }
}

/// The file that stands in for the daemon where there is none.
fn default_file(folder: &Path) -> PathBuf {
    folder.join("target/flinkpack/image.oci")
}

async fn places(session: &Session, options: &Options, folder: &Path) -> Places {
    let mut places = Places {
        load: options.load,
        push: options.push,
        outputs: options.outputs.clone(),
        like: None,
    };
    if !places.load && !places.push && places.outputs.is_empty() {
        if session.daemon().await.is_some() {
            places.load = true;
        } else {
            let file = default_file(folder);
            session.report.note(format!(
                "no Docker daemon answers: writing {}",
                file.display()
            ));
            places.outputs.push(Output::OciArchive(file, None));
        }
    }
    places
}

/// What was found: told where the lock file does not say it already.
fn tell_found(session: &Session, found: &Found) {
    let facts = &found.base.facts;
    let java = facts
        .java
        .map(|java| format!(", Java {java}"))
        .unwrap_or_default();
    let mut lines = vec![
        format!("base {}", found.base.reference),
        format!("  Flink {}, Scala {}{java}", facts.flink, facts.scala),
    ];
    for artifact in &found.artifacts {
        session
            .report
            .detail(format!("  {}: {}", artifact.name, artifact.source));
        if artifact.needed_by.is_some() {
            continue;
        }
        let path = crate::stage::jars::path_of(facts, artifact);
        let how = match artifact.place {
            Some(crate::manifest::Place::Link) => "linked".to_string(),
            Some(crate::manifest::Place::Move) => "moved".to_string(),
            _ => bytes(artifact.size),
        };
        lines.push(format!(
            "  {:<10} {:<48} {how:>9}",
            artifact.kind.word(),
            shortened(&path, 54),
        ));
    }
    lines.extend(tell_dependencies(found));
    let lock = found.lock();
    let is_new = found
        .old_lock
        .as_ref()
        .is_none_or(|old| !old.differences(&lock).is_empty());
    for line in lines {
        if is_new {
            session.report.note(line);
        } else {
            session.report.detail(line);
        }
    }
}

/// What the coordinates brought: there may be hundreds, so only what they come to.
fn tell_dependencies(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    let needed = found
        .artifacts
        .iter()
        .filter(|artifact| artifact.needed_by.is_some());
    let sizes: Vec<u64> = needed.map(|artifact| artifact.size).collect();
    if !sizes.is_empty() {
        let jars = if sizes.len() == 1 { "JAR" } else { "JARs" };
        let told = format!("{} {jars} that these need", sizes.len());
        let sum = bytes(sizes.iter().sum());
        lines.push(format!("  {:<10} {told:<48} {sum:>9}", "dependency"));
    }
    let provided = found.resolved.iter().map(|maven| maven.provided.len());
    let provided: usize = provided.sum();
    if provided > 0 {
        let are = if provided == 1 { "is" } else { "are" };
        lines.push(format!(
            "  {:<10} {provided} more {are} in the base already; `flinkpack tree` shows all",
            ""
        ));
    }
    lines
}

/// The text with its middle left out, where it has more than `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_string();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(count - (most - most / 2 - 1)).collect();
    format!("{head}…{tail}")
}

/// What `--dry-run` tells.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Forecast {
    /// The references that the image would get.
    pub references: Vec<String>,
    /// The base.
    pub base: BaseOutcome,
    /// The lock file's changes, a line each.
    pub lock_changes: Vec<String>,
    /// The layers on top of the base.
    pub layers: Vec<ForecastLayer>,
    /// Bytes of content that would be written into new layers.
    pub build_bytes: u64,
    /// Bytes that the daemon would get at most; `None` where it is not a place.
    pub daemon_bytes: Option<u64>,
    /// Bytes that registries would get at most; `None` where they are no place.
    pub registry_bytes: Option<u64>,
}

/// A layer that would be in the image.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ForecastLayer {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Bytes of content.
    pub size: u64,
    /// Whether it is in the cache.
    pub cached: bool,
    /// Whether the daemon lacks it.
    pub to_daemon: bool,
    /// Whether a registry lacks it.
    pub to_registry: bool,
}

/// What a build would do. JARs without a pin are fetched into the cache, since
/// only their bytes tell their digest; nothing else is written.
pub async fn forecast(session: &Session, options: &Options) -> Result<Forecast> {
    check(session, options)?;
    let found = find(session, &options.inputs).await?;
    let lock = found.lock();
    let targets = targets(
        &found.manifest,
        &options.tags,
        &Digest::of(lock.text().as_bytes()),
    )?;
    let places = places(session, options, found.manifest.folder()).await;
    let mut references: Vec<Reference> = Vec::new();
    for target in &targets {
        references.extend(target.references()?);
    }
    let there = if places.load {
        diff_ids_in_daemon(session, &references, &found).await?
    } else {
        Vec::new()
    };
    let registry = if places.push {
        deliver::layers_in_registries(session, &targets).await
    } else {
        Vec::new()
    };
    let mut layers = Vec::new();
    // The daemon finds a layer by all those below it, so one that is new makes
    // new what lies above.
    let mut chain = found.base.layers.len();
    for group in layer::group(&found.stage, found.base.layers.len())? {
        let plan = Plan::new(group, &found.base.facts);
        let known = plan.known(&session.store);
        let in_daemon = known
            .as_ref()
            .is_some_and(|known| there.get(chain) == Some(&known.diff_id));
        chain = if in_daemon { chain + 1 } else { usize::MAX };
        layers.push(ForecastLayer {
            kind: plan.group().kind.word().to_string(),
            name: plan.group().name.clone(),
            size: plan.size(),
            cached: plan.is_cached(&session.store),
            to_daemon: places.load && !in_daemon,
            to_registry: places.push
                && !known.is_some_and(|known| registry.contains(&known.digest)),
        });
    }
    let base_to_registry: u64 = found
        .base
        .layers
        .iter()
        .filter_map(|layer| layer.descriptor.as_ref())
        .filter(|descriptor| places.push && !registry.contains(&descriptor.digest))
        .filter(|_| !deliver::is_mountable(&found.base, &targets))
        .map(|descriptor| descriptor.size)
        .sum();
    let sum = |wanted: fn(&ForecastLayer) -> bool| -> u64 {
        layers
            .iter()
            .filter(|layer| wanted(layer))
            .map(|layer| layer.size)
            .sum()
    };
    Ok(Forecast {
        references: references.iter().map(Reference::to_string).collect(),
        base: base_of(&found),
        lock_changes: match &found.old_lock {
            Some(old) => old.differences(&lock),
            None => vec![format!("{} is new", found.lock_path.display())],
        },
        build_bytes: sum(|layer| !layer.cached),
        daemon_bytes: places.load.then(|| sum(|layer| layer.to_daemon)),
        registry_bytes: places
            .push
            .then(|| sum(|layer| layer.to_registry) + base_to_registry),
        layers,
    })
}

async fn diff_ids_in_daemon(
    session: &Session,
    references: &[Reference],
    found: &Found,
) -> Result<Vec<Digest>> {
    let docker = session.need_daemon().await?;
    for reference in references {
        if let Some(inspected) = docker.inspect(&reference.to_string()).await? {
            let same = daemon::same_layers(&found.base.layers, &inspected.diff_ids);
            if same == found.base.layers.len() {
                return Ok(inspected.diff_ids);
            }
        }
    }
    Ok(Vec::new())
}

impl Forecast {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!("would build {}\n", self.references.join(", "));
        out.push_str(&format!(
            "  on {} ({})\n",
            self.base.reference,
            self.base.digest.short()
        ));
        for layer in &self.layers {
            let state = if layer.cached { "cached" } else { "to build" };
            let mut goes = Vec::new();
            if layer.to_daemon {
                goes.push("to load");
            }
            if layer.to_registry {
                goes.push("to push");
            }
            out.push_str(&format!(
                "  {:<11} {:<24} {:>8}  {state}{}{}\n",
                layer.kind,
                layer.name,
                bytes(layer.size),
                if goes.is_empty() { "" } else { ", " },
                goes.join(", ")
            ));
        }
        for change in &self.lock_changes {
            out.push_str(&format!("  lock: {change}\n"));
        }
        let mut sums = vec![format!("build {}", bytes(self.build_bytes))];
        sums.extend(
            self.daemon_bytes
                .map(|count| format!("load {}", bytes(count))),
        );
        sums.extend(
            self.registry_bytes
                .map(|count| format!("push {}", bytes(count))),
        );
        out.push_str(&format!("would {}\n", sums.join(", ")));
        out
    }
}

/// Errors for what cannot be asked for together.
fn check(session: &Session, options: &Options) -> Result<()> {
    if options.push && session.offline {
        return Err(Error::usage(
            "--offline and --push do not go together: a registry is on the network",
        )
        .hint("build with --offline, then run `flinkpack push`"));
    }
    let mut seen = Vec::new();
    for output in &options.outputs {
        if seen.contains(&output) {
            return Err(Error::usage("--output names the same place twice"));
        }
        seen.push(output);
    }
    Ok(())
}
