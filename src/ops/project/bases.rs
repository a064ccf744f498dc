//! The base, for each platform that is asked for.

use super::inputs::Request;
use crate::base::{self, Base, BaseRequest, BaseSpec};
use crate::error::{Error, Result};
use crate::image::{Platform, Reference};
use crate::lock::{Lock, Source};
use crate::manifest::Manifest;
use crate::ops::Session;
use crate::resolve::Artifact;
use crate::stage::{Entry, EntryKind, Stage, parents};

/// The base for each platform, sorted by platform: the order in which they were
/// asked for does not change the image.
pub async fn find(
    session: &Session,
    request: &Request,
    manifest: &Manifest,
    lock: Option<&Lock>,
) -> Result<Vec<Base>> {
    let written = &manifest.content.image.base;
    let texts = named(request, manifest)?;
    let found = async {
        let mut wanted = Vec::new();
        for (platform, text) in &texts {
            wanted.push(BaseRequest {
                spec: text.parse::<BaseSpec>()?.from_folder(manifest.folder()),
                platform: platform.clone(),
                pinned: lock.and_then(|lock| lock.base.digest_for(text, platform)),
            });
        }
        let sources = session.sources().await;
        let bases = match wanted.as_slice() {
            [one] => vec![base::open(&sources, &one.spec, &one.platform, one.pinned).await?],
            _ => base::open_each(&sources, &wanted).await?,
        };
        Ok((bases, wanted))
    }
    .await;
    let (mut bases, wanted) = match request.base {
        Some(_) => found?,
        None => manifest.locate(written.span(), found)?,
    };
    for ((base, one), (_, text)) in bases.iter_mut().zip(wanted).zip(texts) {
        if let Some(pinned) = one
            .pinned
            .filter(|pinned| *pinned != base.digest && !request.locked)
        {
            session.report.note(format!(
                "the base {text} moved: it is {} now, and was {} in the lock file",
                base.digest.short(),
                pinned.short()
            ));
        }
        base.reference = text;
    }
    Ok(bases)
}

/// The platforms that are asked for, and how each one's base is named.
pub fn named(request: &Request, manifest: &Manifest) -> Result<Vec<(Platform, String)>> {
    let written = &manifest.content.image.base;
    let each = platforms(request, manifest)?.into_iter().map(|platform| {
        let text = match &request.base {
            Some(text) => text,
            None => manifest.locate(written.span(), written.get_ref().for_platform(&platform))?,
        };
        Ok((platform, text.to_string()))
    });
    each.collect()
}

/// The repositories of the bases that a registry may have: layers are mounted from there.
pub fn repositories(request: &Request, manifest: &Manifest) -> Vec<Reference> {
    // Whatever is wrong with them is told where they are looked for.
    let texts = named(request, manifest).unwrap_or_default();
    let specs = texts.iter().filter_map(|(_, text)| text.parse().ok());
    let references = specs.filter_map(|spec| match spec {
        BaseSpec::Anywhere(reference) | BaseSpec::Registry(reference) => Some(reference),
        BaseSpec::Daemon(_) | BaseSpec::Layout { .. } => None,
    });
    references.collect()
}

/// The platforms that are asked for, sorted, each once.
fn platforms(request: &Request, manifest: &Manifest) -> Result<Vec<Platform>> {
    let mut platforms: Vec<Platform> = match (&request.platforms, &manifest.content.image.platform)
    {
        (given, _) if !given.is_empty() => given
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_>>()?,
        (_, Some(written)) => written.get_ref().parsed()?,
        _ => vec![Platform::host()],
    };
    platforms.sort_by_key(Platform::to_string);
    platforms.dedup();
    Ok(platforms)
}

/// An error where `other`, the base for another platform, is not `first` in what
/// decides which JARs are found.
pub fn check_facts(first: &Base, other: &Base, artifacts: &[Artifact]) -> Result<()> {
    let (mine, its) = (&first.facts, &other.facts);
    let java = |java: Option<u32>| java.map_or("none".to_string(), |java| java.to_string());
    let told = [
        ("Flink", mine.flink.to_string(), its.flink.to_string()),
        ("Scala", mine.scala.clone(), its.scala.clone()),
        ("Java", java(mine.java), java(its.java)),
        ("FLINK_HOME", mine.home.clone(), its.home.clone()),
    ];
    for (what, mine, its) in told {
        if mine != its {
            return Err(differ(first, other, format!("{what} is {mine} and {its}")));
        }
    }
    for artifact in artifacts {
        if let Source::Base(path) = &artifact.source {
            let content = its.home_node(path).and_then(|node| node.sha256);
            if content != Some(artifact.sha256) {
                let what = format!("{path} does not have the same content");
                return Err(differ(first, other, what));
            }
        }
    }
    Ok(())
}

/// An error where the layers that were planned for `first` would not be right on
/// `other`, on which everything goes where `theirs` says.
pub fn check_stage(first: &Base, other: &Base, stage: &Stage, theirs: &Stage) -> Result<()> {
    let (mut mine, mut its) = (stage.entries(), theirs.entries());
    loop {
        match (mine.next(), its.next()) {
            (None, None) => return Ok(()),
            (Some(mine), Some(its)) if mine.path == its.path && is_same(mine, its) => {
                let above = parents(&first.facts, &mine.path);
                let below = parents(&other.facts, &mine.path);
                // A layer gives the folders above its paths their mode and owner.
                let folder = above.iter().zip(&below).find(|(a, b)| !is_same(a, b));
                if let Some((folder, _)) = folder {
                    let what = format!("the folder /{} has another mode or owner", folder.path);
                    return Err(differ(first, other, what));
                }
            }
            (Some(entry), _) | (None, Some(entry)) => {
                let what = format!("/{} would not be the same", entry.path);
                return Err(differ(first, other, what));
            }
        }
    }
}

/// Whether two entries of one path are the same but for their times.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let kind = match (&one.kind, &other.kind) {
        (EntryKind::File { sha256, .. }, EntryKind::File { sha256: its, .. }) => sha256 == its,
        (EntryKind::Link { target }, EntryKind::Link { target: its }) => target == its,
        (EntryKind::Folder, EntryKind::Folder) | (EntryKind::Whiteout, EntryKind::Whiteout) => true,
        _ => false,
    };
    kind && (one.mode, one.uid, one.gid) == (other.mode, other.uid, other.gid)
}

fn differ(first: &Base, other: &Base, what: String) -> Error {
    let bases = match first.reference == other.reference {
        true => format!("the base {} is", first.reference),
        false => format!("the bases {} and {} are", first.reference, other.reference),
    };
    Error::new(format!(
        "{bases} not the same for {} and {}: {what}",
        first.platform, other.platform
    ))
    .hint("the layers of an image are the same on every platform: build each platform by itself (--platform, and a tag of its own), or take a base that was built alike for all")
}
