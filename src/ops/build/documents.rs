//! The documents that go with an image.

use std::path::Path;

use super::options::Options;
use crate::attest::{self, Attachment, Subject};
use crate::error::{Context, Result};
use crate::image::{Digest, Images, Reference};
use crate::lock::Lock;
use crate::ops::project::resolved::Resolved;

/// The documents that were asked for.
pub fn of(
    resolved: &Resolved,
    options: &Options,
    images: &Images,
    lock: &Lock,
) -> Result<Vec<Attachment>> {
    let section = &resolved.manifest.content.image;
    let Some(manifest) = images.manifest() else {
        return Ok(Vec::new());
    };
    let name: Reference = section.name.get_ref().parse()?;
    let subject = Subject {
        name: &name.repository,
        digest: manifest.digest,
        lock,
        home: &resolved.base.facts.home,
    };
    let mut documents = Vec::new();
    if options.sbom || section.sbom {
        documents.push(attest::sbom(&subject)?);
    }
    if options.provenance || section.provenance {
        let read =
            |path: &Path| std::fs::read(path).doing(|| format!("reading {}", path.display()));
        let written = read(&resolved.manifest.path)?;
        // The file as it is: with --locked it stays what it was.
        let pinned = read(&resolved.lock_path)?;
        documents.push(attest::provenance(
            &subject,
            Digest::of(&written),
            Digest::of(&pinned),
        )?);
    }
    Ok(documents)
}

/// Whether there are to be any.
pub fn are_asked_for(resolved: &Resolved, options: &Options) -> bool {
    let section = &resolved.manifest.content.image;
    options.sbom || section.sbom || options.provenance || section.provenance
}
