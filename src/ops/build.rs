//! `flinkpack build`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::deliver::{Delivered, Places, deliver, make_portable};
use super::find::{Found, find_in, read};
use super::make::Made;
use super::outcome::{BaseOutcome, Outcome, PlatformOutcome};
use super::push::Last;
use super::recorded::{self, Trusted};
use super::target::{Target, name_the_lock, targets};
use super::visits::Visits;
use super::{Session, attached, tell};
use crate::error::{Error, Result};
use crate::image::assemble::in_oci_types;
use crate::image::{Digest, Image, Images, Platform, images};

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
    session.rewrites.expect(&options.inputs.manifest);
    let (manifest, lock) = read(&options.inputs)?;
    let known = match name_the_lock(&manifest, &options.tags) {
        true => None,
        false => Some(targets(&manifest, &options.tags, &Digest::of(b""))?),
    };
    let mut visits = match &known {
        Some(targets) if options.push => Visits::ask(session, &options.inputs, &manifest, targets),
        _ => Visits::default(),
    };
    let goes_to = |found: &Found, made: &Made| match &known {
        Some(targets) => Ok(targets.clone()),
        None => {
            let lock = Digest::of(made.lock.text()?.as_bytes());
            targets(&found.manifest, &options.tags, &lock)
        }
    };
    let mut found = find_in(session, &options.inputs, manifest, lock).await?;
    tell::found(session, &found);
    if options.check {
        super::check::before_build(session, &mut found, trusted).await?;
    }
    let places = places(session, options, found.manifest.folder()).await;
    if !found.others.is_empty() {
        check_several(&found, &places)?;
    }
    let mut made = found.make(session, trusted).await?;
    let mut images = ready(session, &found, std::mem::take(&mut made.each), &places).await?;
    let mut targets = goes_to(&found, &made)?;
    if !made.recorded.is_empty() {
        let begun = visits.begin_all(session, &images, &targets).await?;
        let held = recorded::places(&made.recorded, &begun).await?;
        if held.len() < made.recorded.len() {
            let ahead = made.ahead.take();
            made = found.make(session, &Trusted::Held(held.clone())).await?;
            made.ahead = ahead;
            images = ready(session, &found, std::mem::take(&mut made.each), &places).await?;
            targets = goes_to(&found, &made)?;
        }
        recorded::settle(&mut images, &made.recorded, &held);
    }
    let Made { lock, ahead, .. } = made;
    if !options.inputs.locked && lock.write(&found.lock_path)? {
        session
            .report
            .note(format!("wrote {}", found.lock_path.display()));
    }
    let attached = attached::documents(&found, options, &images, &lock)?;
    if attached::are_asked_for(&found, options) && !attached::are_taken(&places) {
        session.report.warn(
            "the image goes only where no documents can be attached to it: --push and --output oci:DIR take them",
        );
    }
    Last::keep(
        session,
        &options.inputs.manifest,
        &images,
        &targets,
        base_of(&found),
        &attached,
    )?;
    let delivered = deliver(
        session, &images, &targets, &places, &attached, ahead, visits,
    )
    .await?;
    let base = base_of(&found);
    Ok(outcome(&images, &targets, base, delivered, begun))
}

/// Errors for what cannot be done with an image for several platforms.
fn check_several(found: &Found, places: &Places) -> Result<()> {
    let is_docker = |output: &Output| matches!(output, Output::DockerArchive(_));
    if places.outputs.iter().any(is_docker) {
        return Err(Error::usage(format!(
            "--output docker-archive holds one platform, not {}",
            found.others.len() + 1
        ))
        .hint("oci-archive:FILE and oci:DIR hold all of them; --platform chooses one"));
    }
    if places.load {
        let platforms: Vec<&Platform> = found.bases().map(|base| &base.platform).collect();
        images::for_host(&platforms)?;
    }
    Ok(())
}

/// Gives the images the manifests with which they go to their places.
async fn ready(
    session: &Session,
    found: &Found,
    mut each: Vec<Image>,
    places: &Places,
) -> Result<Images> {
    let docker_types = found.base.docker_types;
    let to_layout = |output: &Output| !matches!(output, Output::DockerArchive(_));
    for image in &mut each {
        if image.manifest.is_none() && (places.push || !places.outputs.is_empty()) {
            make_portable(&session.sources().await, image, docker_types).await?;
        }
        if places.outputs.iter().any(to_layout) {
            // One image has one digest, so what goes elsewhere in this run is the same.
            in_oci_types(image)?;
        }
    }
    Images::new(each)
}

pub(super) fn base_of(found: &Found) -> BaseOutcome {
    BaseOutcome {
        reference: found.base.reference.clone(),
        digest: found.base.digest,
    }
}

/// The result of sending an image.
pub(super) fn outcome(
    images: &Images,
    targets: &[Target],
    base: BaseOutcome,
    delivered: Delivered,
    begun: Instant,
) -> Outcome {
    let image_id = Digest::of(&images.first().config);
    Outcome {
        image: targets
            .first()
            .map(|target| target.repository.familiar_name())
            .unwrap_or_default(),
        tags: targets
            .iter()
            .flat_map(|target| target.tags.clone())
            .collect(),
        digest: images
            .manifest()
            .map_or(image_id, |manifest| manifest.digest),
        image_id,
        platforms: match images.are_several() {
            true => images
                .each()
                .iter()
                .filter_map(PlatformOutcome::of)
                .collect(),
            false => Vec::new(),
        },
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

pub(super) async fn places(session: &Session, options: &Options, folder: &Path) -> Places {
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

/// Errors for what cannot be asked for together.
pub(super) fn check(session: &Session, options: &Options) -> Result<()> {
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
