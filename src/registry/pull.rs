//! Reading manifests.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, StatusCode};

use super::call::Call;
use super::client::Client;
use super::registries::Registries;
use super::scope::pull_scope;
use super::transport::Answer;
use super::upstream::Upstream;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{AnyManifest, Descriptor, Digest, ImageManifest, Platform, Reference, media};

/// The longest manifest that is read: what registries themselves take.
const MANIFEST: u64 = 4 << 20;

/// The longest configuration that is read.
const CONFIG: u64 = 8 << 20;

/// The longest document beside an image that is read.
const DOCUMENT: u64 = 64 << 20;

/// A manifest or index, as a registry gave it.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its bytes, which have the digest.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
}

impl Fetched {
    /// Reads it.
    pub fn parse(&self) -> Result<AnyManifest> {
        AnyManifest::parse(&self.bytes, Some(&self.media_type))
    }
}

/// What a registry says of a manifest without giving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size, where the registry says it.
    pub size: Option<u64>,
}

/// An image's manifest for one platform.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The manifest as it was given.
    pub fetched: Fetched,
    /// The manifest, read.
    pub manifest: ImageManifest,
    /// The digest of the index that named it, if one did.
    pub index: Option<Digest>,
}

impl Registries {
    /// The manifest or index of `reference`; checked, if it was asked for by
    /// digest.
    pub async fn manifest(&self, reference: &Reference) -> Result<Fetched> {
        let (mirrors, own) = self.upstreams(reference)?;
        for mirror in mirrors {
            match mirror.manifest().await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => mirror.client.pass_over(reference, &error),
            }
        }
        own.manifest().await
    }

    /// What the registry has under `reference`; `None` where there is nothing.
    pub async fn head(&self, reference: &Reference) -> Result<Option<Head>> {
        let (mirrors, own) = self.upstreams(reference)?;
        for mirror in mirrors {
            match mirror.head().await {
                Ok(None) => {}
                Ok(some) => return Ok(some),
                Err(error) => mirror.client.pass_over(reference, &error),
            }
        }
        own.head().await
    }

    /// The manifest of `reference` for `platform`.
    pub async fn resolve_platform(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Resolved> {
        let fetched = self.manifest(reference).await?;
        let index = match fetched.parse().doing(|| format!("reading {reference}"))? {
            AnyManifest::Image(manifest) => {
                return Ok(Resolved {
                    fetched,
                    manifest,
                    index: None,
                });
            }
            AnyManifest::Index(index) => index,
        };
        let chosen = index
            .choose(platform)
            .doing(|| format!("looking for {platform} in the index {reference}"))?;
        let inner = self.manifest(&reference.with_digest(chosen.digest)).await?;
        match inner
            .parse()
            .doing(|| format!("reading {reference} for {platform}"))?
        {
            AnyManifest::Image(manifest) => Ok(Resolved {
                fetched: inner,
                manifest,
                index: Some(fetched.digest),
            }),
            AnyManifest::Index(_) => Err(Error::new(format!(
                "{reference} is an index whose entry for {platform} is an index again"
            ))
            .hint("name the inner index, or the image itself, by its digest")),
        }
    }

    /// An image configuration: a blob that is small enough to hold.
    pub async fn config(&self, reference: &Reference, descriptor: &Descriptor) -> Result<Vec<u8>> {
        self.held(reference, descriptor, CONFIG)
            .await
            .doing(|| format!("reading the configuration of {reference}"))
    }

    /// The document that the manifest `entry` attaches to an image.
    pub async fn document(&self, reference: &Reference, entry: &Descriptor) -> Result<Vec<u8>> {
        let fetched = self.manifest(&reference.with_digest(entry.digest)).await?;
        match fetched.parse()? {
            AnyManifest::Image(manifest) => {
                self.held(reference, manifest.document()?, DOCUMENT).await
            }
            AnyManifest::Index(_) => Err(Error::new("an index is attached, and no document")),
        }
    }

    async fn held(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        most: u64,
    ) -> Result<Vec<u8>> {
        if descriptor.size > most {
            return Err(Error::new(format!(
                "it is said to have {} bytes; more than {most} are not read",
                descriptor.size
            )));
        }
        let mut reader = self.blob(reference, descriptor)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl Upstream {
    fn scopes(&self) -> Arc<[String]> {
        [pull_scope(&self.reference.repository)].into()
    }

    async fn manifest(&self) -> Result<Fetched> {
        manifest(&self.client, &self.reference, &self.scopes()).await
    }

    async fn head(&self) -> Result<Option<Head>> {
        head(&self.client, &self.reference, &self.scopes()).await
    }
}

pub(super) async fn head(
    client: &Client,
    reference: &Reference,
    scopes: &Arc<[String]>,
) -> Result<Option<Head>> {
    let call = manifest_call(Method::HEAD, reference, scopes);
    let answer = client.send(&call).await?;
    match answer.status {
        StatusCode::NOT_FOUND => return Ok(None),
        status if status.is_success() => {
            if let Some(digest) = claimed(&answer) {
                return Ok(Some(Head {
                    digest,
                    media_type: media_type(&answer).unwrap_or_default(),
                    size: answer
                        .header("content-length")
                        .and_then(|size| size.parse().ok()),
                }));
            }
        }
        // Some registries allow no HEAD, or answer it with 403 for what is not
        // there: only GET tells.
        StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {}
        _ => return Err(client.refused(&call, answer).await),
    }
    let call = manifest_call(Method::GET, reference, scopes);
    let (answer, bytes) = client
        .read(&call, MANIFEST, |status| status.is_success())
        .await?;
    match (answer.status, bytes) {
        (_, Some(bytes)) => {
            let fetched = fetched(&answer, bytes, reference).doing(|| call.doing.clone())?;
            Ok(Some(Head {
                digest: fetched.digest,
                media_type: fetched.media_type,
                size: Some(fetched.bytes.len() as u64),
            }))
        }
        (StatusCode::NOT_FOUND, None) => Ok(None),
        (_, None) => Err(client.refused(&call, answer).await),
    }
}

/// A manifest by digest or tag, read with these scopes.
pub(super) async fn manifest(
    client: &Client,
    reference: &Reference,
    scopes: &Arc<[String]>,
) -> Result<Fetched> {
    let call = manifest_call(Method::GET, reference, scopes);
    let (answer, bytes) = client
        .read(&call, MANIFEST, |status| status.is_success())
        .await?;
    match bytes {
        Some(bytes) => fetched(&answer, bytes, reference).doing(|| call.doing.clone()),
        None => Err(client.refused(&call, answer).await),
    }
}

fn manifest_call(method: Method, reference: &Reference, scopes: &Arc<[String]>) -> Call {
    let path = format!(
        "{}/manifests/{}",
        reference.repository,
        reference.selector()
    );
    let doing = format!("asking {} for the manifest of {reference}", reference.host);
    media::MANIFESTS
        .iter()
        .fold(Call::new(method, path, scopes, doing), |call, accepted| {
            call.header(ACCEPT, HeaderValue::from_static(accepted))
        })
}

fn fetched(answer: &Answer, bytes: Bytes, reference: &Reference) -> Result<Fetched> {
    let digest = Digest::of(&bytes);
    let wanted = reference.digest.or_else(|| claimed(answer));
    if let Some(wanted) = wanted.filter(|wanted| *wanted != digest) {
        return Err(Error::new(format!(
            "the registry gave a manifest with the digest {digest}, not {wanted}"
        ))
        .hint("something on the way changed it, or the registry is broken")
        .because(Reason::DigestMismatch));
    }
    let media_type = media_type(answer)
        .filter(|kind| media::MANIFESTS.contains(&kind.as_str()))
        .or_else(|| own_media_type(&bytes))
        .or_else(|| media_type(answer))
        .unwrap_or_default();
    Ok(Fetched {
        bytes,
        media_type,
        digest,
    })
}

fn claimed(answer: &Answer) -> Option<Digest> {
    answer.header("docker-content-digest")?.trim().parse().ok()
}

fn media_type(answer: &Answer) -> Option<String> {
    let value = answer.header("content-type")?;
    Some(value.split(';').next().unwrap_or(value).trim().to_string())
}

fn own_media_type(bytes: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some(value.get("mediaType")?.as_str()?.to_string())
}
