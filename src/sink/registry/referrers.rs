//! Documents that refer to an image, into its repository.

use super::visit::Visit;
use crate::attest::Referrer;
use crate::error::{Context, Result};
use crate::image::Manifest;
use crate::registry::Source;

impl Visit {
    /// Attaches what is not attached yet; answers how many that were.
    pub async fn attach(&self, image: &Manifest, referrers: &[Referrer]) -> Result<usize> {
        let doing = || format!("attaching documents to {}", self.target().familiar_name());
        self.attach_all(image, referrers).await.doing(doing)
    }

    async fn attach_all(&self, image: &Manifest, referrers: &[Referrer]) -> Result<usize> {
        let pusher = self.pusher();
        let there = pusher.referrers(image.digest).await?;
        let is_there = |one: &&Referrer| {
            there
                .manifests
                .iter()
                .any(|other| other.digest == one.entry.digest)
        };
        let new: Vec<&Referrer> = referrers.iter().filter(|one| !is_there(one)).collect();
        let mut unlisted = Vec::new();
        for referrer in &new {
            for bytes in [&referrer.config, &referrer.document] {
                let source = Source::of_bytes(bytes.clone());
                let blob = (source.digest, source.size);
                pusher.blob(blob, None, || Ok(source), None).await?;
                pusher.know([blob.0]);
            }
            if !pusher.refer(&referrer.manifest).await? {
                unlisted.push(referrer.entry.clone());
            }
        }
        // A registry that does not say that it knows the subject keeps no list.
        pusher.list(image.digest, &there, &unlisted).await?;
        Ok(new.len())
    }
}
