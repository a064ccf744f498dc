//! The index that a base was chosen from.

use super::{Base, BaseSpec, Sources};
use crate::error::Result;
use crate::image::layout::Layout;
use crate::image::{AnyManifest, Digest, Index};

/// The index that a reference leads to, with its digest; `None` where it leads
/// to one image, or where its place knows none.
pub async fn index(
    sources: &Sources<'_>,
    spec: &BaseSpec,
    base: &Base,
) -> Result<Option<(Digest, Index)>> {
    match spec {
        BaseSpec::Layout { path, tag } => Layout::open(path)?.index_under(tag.as_deref()),
        BaseSpec::Registry(reference) | BaseSpec::Anywhere(reference)
            if !sources.offline && base.daemon_id.is_none() =>
        {
            let fetched = sources.registries.manifest(reference).await?;
            Ok(match fetched.parse()? {
                AnyManifest::Index(index) => Some((fetched.digest, index)),
                AnyManifest::Image(_) => None,
            })
        }
        _ => Ok(None),
    }
}
