//! The documents that refer to an image, where they are kept.

use serde::Serialize;

use crate::attest;
use crate::base::{self, Base, BaseSpec};
use crate::error::{Context, Error, Result};
use crate::image::{Descriptor, Digest, Layout};
use crate::ops::Session;

/// A document that refers to an image.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    /// What it is.
    pub artifact_type: String,
    /// The digest of its manifest.
    pub digest: Digest,
}

/// What refers to the image or index `digest`, where its place can say so.
pub async fn list(
    session: &Session,
    spec: &BaseSpec,
    base: &Base,
    digest: Digest,
) -> Vec<Attached> {
    let manifests = entries(session, spec, base, digest).await;
    let manifests = manifests.unwrap_or_else(|error| {
        // The image can be told of without them.
        session.report.warn(error.to_string());
        Vec::new()
    });
    manifests.iter().map(Attached::of).collect()
}

async fn entries(
    session: &Session,
    spec: &BaseSpec,
    base: &Base,
    digest: Digest,
) -> Result<Vec<Descriptor>> {
    match spec {
        BaseSpec::Layout { path, .. } => Ok(Layout::open(path)?.referrers(&digest)),
        BaseSpec::Registry(reference) | BaseSpec::Anywhere(reference)
            if !session.offline && base.daemon_id.is_none() =>
        {
            let listed = session.registries.referrers(reference, digest).await;
            listed.map(|referrers| referrers.manifests)
        }
        _ => Ok(Vec::new()),
    }
}

/// The bytes of an attached document: `sbom`, `provenance`, a type, or the
/// beginning of the digest of its manifest.
pub async fn document(
    session: &Session,
    image: &str,
    platform: Option<&str>,
    which: &str,
) -> Result<Vec<u8>> {
    let (spec, base) = session.open(image, platform).await?;
    let index = base::index(&session.sources().await, &spec, &base).await?;
    let digest = index.map_or(base.digest, |(digest, _)| digest);
    let entries = entries(session, &spec, &base, digest).await?;
    let entry = chosen(&entries, which).doing(|| format!("looking for `{which}` at {image}"))?;
    match &spec {
        BaseSpec::Layout { path, .. } => Layout::open(path)?.document(entry),
        BaseSpec::Registry(reference)
        | BaseSpec::Anywhere(reference)
        | BaseSpec::Daemon(reference) => session.registries.document(reference, entry).await,
    }
    .doing(|| format!("reading what is attached to {image}"))
}

fn chosen<'a>(entries: &'a [Descriptor], which: &str) -> Result<&'a Descriptor> {
    let kind = match which {
        "sbom" => attest::CYCLONEDX,
        "provenance" => attest::IN_TOTO,
        other => other,
    };
    let is_it = |entry: &&Descriptor| {
        let digest = entry.digest.to_string();
        let hex = which.strip_prefix("sha256:").unwrap_or(which);
        let begins = hex.len() >= 6 && digest["sha256:".len()..].starts_with(hex);
        Attached::of(entry).artifact_type == kind || begins
    };
    let fitting: Vec<&Descriptor> = entries.iter().filter(is_it).collect();
    match fitting[..] {
        [one] => Ok(one),
        [] => Err(Error::new("nothing like that is attached").hint(
            "`flinkpack inspect` lists what is; the daemon and archives hold no documents: docker://REF asks the registry",
        )),
        _ => Err(Error::new(format!("{} documents are of this type", fitting.len()))
            .hint("name one by the digest that `flinkpack inspect` shows")),
    }
}

impl Attached {
    fn of(entry: &Descriptor) -> Attached {
        let kind = entry
            .other
            .get("artifactType")
            .and_then(|kind| kind.as_str());
        Attached {
            artifact_type: kind.unwrap_or("unknown").to_string(),
            digest: entry.digest,
        }
    }
}
