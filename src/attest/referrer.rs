//! Documents as an image's place keeps them: with a manifest that refers to the image.

use super::{Attachment, EMPTY};
use crate::error::Result;
use crate::image::{Descriptor, Images, Manifest};

/// A document, with the manifest by which it refers to the image.
pub struct Referrer {
    /// The manifest.
    pub manifest: Manifest,
    /// How an index names it.
    pub entry: Descriptor,
    /// The document's bytes.
    pub document: Vec<u8>,
    /// The bytes of the manifest's configuration.
    pub config: Vec<u8>,
}

/// The documents as they refer to what the tags lead to: the index, where there is one.
pub fn referrers(images: &Images, documents: &[Attachment]) -> Result<Vec<Referrer>> {
    let Some(subject) = images.manifest() else {
        return Ok(Vec::new());
    };
    let each = documents.iter().map(|document| {
        let manifest = document.manifest(subject)?;
        Ok(Referrer {
            entry: document.entry(&manifest),
            manifest,
            document: document.text.clone().into_bytes(),
            config: EMPTY.to_vec(),
        })
    });
    each.collect()
}
