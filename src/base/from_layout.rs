//! A base in an OCI layout: a folder, or an archive of one.

use std::path::Path;

use super::registry_side::{Parts, from_parts};
use super::{Base, Sources};
use crate::error::Result;
use crate::image::layout::Layout;
use crate::image::{Descriptor, Origin, Platform};

pub(super) async fn open(
    sources: &Sources<'_>,
    path: &Path,
    tag: Option<&str>,
    platform: &Platform,
) -> Result<Base> {
    let layout = Layout::open(path)?;
    let found = layout.find(tag, platform)?;
    let config = layout.config(&found.manifest.config)?;
    let origins = found
        .manifest
        .layers
        .iter()
        .map(|descriptor| Ok((descriptor.digest, layout.origin(descriptor)?)))
        .collect::<Result<std::collections::HashMap<_, _>>>()?;
    let parts = Parts {
        name: path.display().to_string(),
        digest: found.digest,
        manifest: found.manifest,
        config,
        platform: platform.clone(),
    };
    from_parts(sources, parts, |descriptor: &Descriptor| {
        origins
            .get(&descriptor.digest)
            .cloned()
            .unwrap_or(Origin::Store)
    })
    .await
}
