//! What refers to an image: the referrers API, and where a registry has none,
//! the index under a tag that is named after the image's digest.
//!
//! Source: OCI distribution specification 1.1, "Listing Referrers" and
//! "Referrers Tag Schema".

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use serde_json::Map;

use super::call::Call;
use super::client::Client;
use super::pull;
use super::registries::Registries;
use super::scope::pull_scope;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{AnyManifest, Descriptor, Digest, Index, Manifest, Reference, media};

/// The longest index that is read.
const INDEX: u64 = 4 << 20;

/// Pages of an answer that are read.
const PAGES: usize = 32;

/// What refers to an image, and how the registry knows it.
#[derive(Debug)]
pub struct Referrers {
    /// The manifests that refer to it.
    pub manifests: Vec<Descriptor>,
    /// The index of the tag, where there is no API.
    index: Option<Index>,
}

/// The tag that stands in for the API.
pub fn fallback_tag(digest: &Digest) -> String {
    format!("sha256-{}", digest.hex())
}

impl Referrers {
    /// The index of the tag with these manifests too; `None` where it has them.
    pub(super) fn with(&self, entries: &[Descriptor]) -> Result<Option<Manifest>> {
        let mut index = self.index.clone().unwrap_or(Index {
            schema_version: 2,
            media_type: Some(media::OCI_INDEX.to_string()),
            manifests: Vec::new(),
            other: Map::new(),
        });
        let before = index.manifests.len();
        for entry in entries {
            if !index.manifests.iter().any(|one| one.digest == entry.digest) {
                index.manifests.push(entry.clone());
            }
        }
        if index.manifests.len() == before {
            return Ok(None);
        }
        let bytes = serde_json::to_vec(&index).doing(|| "encoding the index of referrers")?;
        Ok(Some(Manifest {
            digest: Digest::of(&bytes),
            media_type: media::OCI_INDEX.to_string(),
            config: Descriptor::new(media::OCI_EMPTY, Digest::of(b"{}"), 2),
            bytes,
        }))
    }
}

impl Registries {
    /// What refers to the image `digest` in the repository of `reference`.
    pub async fn referrers(&self, reference: &Reference, digest: Digest) -> Result<Referrers> {
        let client = self.client(&reference.host)?;
        let scopes: Arc<[String]> = [pull_scope(&reference.repository)].into();
        list(&client, reference, digest, &scopes).await
    }
}

pub(super) async fn list(
    client: &Client,
    reference: &Reference,
    digest: Digest,
    scopes: &Arc<[String]>,
) -> Result<Referrers> {
    let path = format!("{}/referrers/{digest}", reference.repository);
    let doing = format!("asking {} for what refers to {digest}", reference.host);
    let accept = HeaderValue::from_static(media::OCI_INDEX);
    let mut call =
        Call::new(Method::GET, path, scopes, doing.clone()).header(ACCEPT, accept.clone());
    let mut manifests = Vec::new();
    for page in 0..PAGES {
        let read = client.read(&call, INDEX, |status| status.is_success());
        let (answer, bytes) = read.await?;
        let index = bytes.and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
        let Some(index) = index else {
            if page > 0 || answer.status.as_u16() == 401 || answer.status.as_u16() == 403 {
                return Err(client.refused(&call, answer).await);
            }
            // Whatever it says: it has no such API.
            return tagged(client, reference, digest, scopes).await;
        };
        manifests.extend(index.manifests);
        let next = answer.header("link").and_then(|link| {
            let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
            rest.contains("next")
                .then(|| answer.url.join(address).ok())?
        });
        match next {
            Some(next) if next.origin() == answer.url.origin() => {
                let next = Call::at(Method::GET, next, scopes, doing.clone());
                call = next.header(ACCEPT, accept.clone());
            }
            _ => break,
        }
    }
    Ok(Referrers {
        manifests,
        index: None,
    })
}

async fn tagged(
    client: &Client,
    reference: &Reference,
    digest: Digest,
    scopes: &Arc<[String]>,
) -> Result<Referrers> {
    let tag = Reference {
        digest: None,
        ..reference.with_tag(&fallback_tag(&digest))?
    };
    let index = match pull::manifest(client, &tag, scopes).await {
        Ok(fetched) => match fetched.parse()? {
            AnyManifest::Index(index) => Some(index),
            AnyManifest::Image(_) => {
                return Err(Error::new(format!(
                    "{tag} is an image, where the list of what refers to {digest} belongs"
                ))
                .hint(
                    "delete that tag: the OCI distribution specification gives it this meaning",
                ));
            }
        },
        Err(error) if error.is(Reason::NotFound) => None,
        Err(error) => return Err(error),
    };
    Ok(Referrers {
        manifests: index
            .iter()
            .flat_map(|index| index.manifests.clone())
            .collect(),
        index,
    })
}
