//! `flinkpack base build`: a shared base image from a Flink distribution,
//! through the Docker daemon.
//!
//! The daemon builds the image from `dockerfiles/`; it is then read once, the
//! JARs of `--with` go on top as layers of their own, and the base facts are
//! published as a label (see [`crate::base::label`] for why a label).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::context::{self, Distribution};
use crate::base::label;
use crate::error::{Context, Error, Result};
use crate::image::{Image, Images, Reference};
use crate::manifest::{JarSource, Manifest};
use crate::ops::Session;
use crate::ops::build::outcome::{BaseOutcome, Outcome};
use crate::ops::build::planned::Planned;
use crate::ops::build::portable::make_portable;
use crate::ops::build::sinks::repositories;
use crate::ops::build::sinks::send;
use crate::ops::project::changed_jars::ChangedJars;
use crate::ops::project::inputs::{Inputs, Request, lock_path};
use crate::ops::project::resolved::resolve;
use crate::sink::daemon::DockerDaemon;
use crate::sink::{Shipment, Sink, Target};
use crate::stage::image_facts::facts_of_image;

/// What `base build` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder, a .tgz or an address of one.
    pub distribution: String,
    /// SHA-256 of the distribution in hex, for an address.
    pub sha256: Option<String>,
    /// An image with a JRE, or a root file system: a tar or a folder.
    pub os: String,
    /// The references that the base gets.
    pub tags: Vec<String>,
    /// JARs for lib/: coordinates, paths, addresses, `NAME` or `NAME=VERSION`
    /// of the catalogue.
    pub with: Vec<String>,
    /// A folder in place of the built-in Dockerfile and entrypoint.
    pub dockerfiles: Option<PathBuf>,
    /// Whether it goes into its registry too.
    pub push: bool,
}

/// Builds a base.
pub async fn run(session: &Session, options: &Options, folder: &Path) -> Result<Outcome> {
    let begun = Instant::now();
    let docker = session.need_daemon().await?;
    let references: Vec<Reference> = options
        .tags
        .iter()
        .map(|tag| tag.parse())
        .collect::<Result<_>>()?;
    let Some(first) = references.first() else {
        return Err(Error::usage("a base needs a name")
            .hint("-t registry.example.com/team/flink:1.20.1-java17"));
    };
    let distribution = Distribution::find(
        session,
        &options.distribution,
        options.sha256.as_deref(),
        folder,
    )
    .await?;
    let os = context::os_image(session, docker, &folder.join(&options.os), &options.os).await?;
    let built = format!("flinkpack-base:{}", std::process::id());
    session.report.note(format!(
        "building {first} from {} on {os}",
        distribution.shown()
    ));
    let (stream, failure) = context::stream(distribution, options.dockerfiles.clone())?;
    let arguments = std::collections::HashMap::from([("OS".to_string(), os)]);
    let built_result = docker
        .build(stream, context::DOCKERFILE, &arguments, &built, |line| {
            session.report.detail(line);
        })
        .await;
    if let Some(error) = failure.lock().ok().and_then(|mut slot| slot.take()) {
        return Err(error);
    }
    built_result?;
    let finished = finish(session, options, folder, &built, &references, begun).await;
    let untagged = docker.untag(&built).await;
    let outcome = finished?;
    untagged?;
    Ok(outcome)
}

async fn finish(
    session: &Session,
    options: &Options,
    folder: &Path,
    built: &str,
    references: &[Reference],
    begun: Instant,
) -> Result<Outcome> {
    let path = folder.join("flinkpack-base.toml");
    let text = manifest_of(&format!("docker-daemon:{built}"), &options.with)?;
    let inputs = Inputs {
        manifest: Manifest::of_text(&path, &text).doing(|| "reading --with")?,
        lock_path: lock_path(&path),
        old_lock: None,
        request: Request {
            manifest: path,
            base: None,
            platforms: Vec::new(),
            locked: false,
            upgrade: None,
        },
    };
    let changed = ChangedJars::ignored();
    let resolved = resolve(session, inputs, &changed).await?;
    let mut made = Planned::to_make_all(resolved)
        .make(session, &changed)
        .await?;
    let found = &made.resolved;
    let image = made.each.remove(0);
    let diff_ids: Vec<_> = image.layers.iter().map(|layer| layer.diff_id).collect();
    let facts = facts_of_image(
        &found.base.facts,
        &found.stage,
        diff_ids.len().saturating_sub(1),
    )?;
    let mut image = relabel(
        image,
        &label::write(&facts, &diff_ids)?,
        found.base.docker_types,
    )?;
    if options.push {
        make_portable(
            &session.sources().await,
            &mut image,
            found.base.docker_types,
        )
        .await?;
    }
    let targets = Target::of_references(references);
    let daemon = DockerDaemon::new(session.need_daemon().await?.clone()).like(built);
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(daemon)];
    if options.push {
        sinks.extend(repositories(&targets));
    }
    let images = Images::from(image);
    let shipment = Shipment {
        images: &images,
        targets: &targets,
        documents: &[],
    };
    let deliveries = send(session, &mut sinks, &shipment).await?;
    let base = BaseOutcome {
        reference: options.os.clone(),
        digest: found.base.digest,
    };
    Ok(Outcome::of(&images, &targets, base, deliveries, begun))
}

/// The image with the facts in its label, and without those labels that speak
/// of the temporary image it was made from.
fn relabel(image: Image, facts: &str, docker_types: bool) -> Result<Image> {
    let mut config: serde_json::Value =
        serde_json::from_slice(&image.config).doing(|| "reading the base's configuration")?;
    if let Some(labels) = config
        .pointer_mut("/config/Labels")
        .and_then(serde_json::Value::as_object_mut)
    {
        labels.retain(|name, _| !name.starts_with("org.opencontainers.image.base."));
        labels.insert(label::LABEL.to_string(), facts.into());
    }
    let config = serde_json::to_vec(&config).doing(|| "encoding the base's configuration")?;
    Ok(Image {
        manifest: crate::image::assemble::manifest(&config, &image.layers, docker_types)?,
        config,
        ..image
    })
}

/// `--with` as a manifest: what it names is found and placed as always.
fn manifest_of(base: &str, with: &[String]) -> Result<String> {
    let mut connectors: BTreeMap<String, String> = BTreeMap::new();
    let mut taken = 0;
    for text in with {
        let (name, source) = match text.parse()? {
            JarSource::Catalogue(_) => match text.split_once('=') {
                Some((name, version)) => (name.to_string(), version.to_string()),
                None => (text.clone(), "auto".to_string()),
            },
            _ => {
                taken += 1;
                (format!("with-{taken:02}"), text.clone())
            }
        };
        connectors.insert(name, source);
    }
    let quoted = |text: &str| toml::Value::String(text.to_string()).to_string();
    let mut out = format!(
        "[image]\nname = \"flinkpack-base\"\nbase = {}\n[connectors]\n",
        quoted(base)
    );
    for (name, source) in connectors {
        out.push_str(&format!("{} = {}\n", quoted(&name), quoted(&source)));
    }
    Ok(out)
}
