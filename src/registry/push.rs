//! Writing to one repository: of each blob only what the registry lacks.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use url::form_urlencoded;

use super::body::{Body, Progress};
use super::call::Call;
use super::client::Client;
use super::pull::{self, Head};
use super::referrers::{self, Referrers, fallback_tag};
use super::registries::Registries;
use super::scope::{pull_scope, push_scope};
use super::session::Session;
use super::source::Source;
use super::upload::Upload;
use super::upload_requests::UploadRequests;
use crate::error::{Context, Error, Reason, Result};
use crate::image::{AnyManifest, Descriptor, Digest, ImageManifest, Manifest, Reference};
use crate::store::Store;

/// Blobs up to this size are sent without asking whether they are there: the
/// question would cost as much.
const SMALL: u64 = 64 << 10;

/// Images of an index that are asked for, so that no index makes a push wait.
pub const PLATFORMS: usize = 16;

/// How a blob came to be in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The registry had it.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was sent to the registry.
    Uploaded,
}

impl Outcome {
    /// The word in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Present => "present",
            Outcome::Mounted => "mounted",
            Outcome::Uploaded => "uploaded",
        }
    }
}

/// Writes to one repository.
pub struct Pusher {
    client: Client,
    target: Reference,
    /// Rights to the repositories that blobs are mounted from, too.
    wide: Arc<[String]>,
    narrow: Arc<[String]>,
    mounts: AtomicBool,
    known: Mutex<HashSet<Digest>>,
    absent: Mutex<HashSet<Digest>>,
    store: Option<Store>,
}

impl Pusher {
    /// For the repository of `target`; `sources` are other repositories of the
    /// same registry that blobs may be mounted from.
    pub fn new(registries: &Registries, target: &Reference, sources: &[&str]) -> Result<Pusher> {
        // Some registries heed the first scope only, so the target's goes first.
        let own = push_scope(&target.repository);
        let others = sources.iter().map(|source| pull_scope(source));
        Ok(Pusher {
            client: registries.client(&target.host)?,
            target: target.clone(),
            wide: std::iter::once(own.clone()).chain(others).collect(),
            narrow: [own].into(),
            mounts: AtomicBool::new(!sources.is_empty()),
            known: Mutex::default(),
            absent: Mutex::default(),
            store: None,
        })
    }

    /// This pusher, keeping uploads under way in `store`, so that another run can go
    /// on with them.
    pub fn resumable(self, store: &Store) -> Pusher {
        Pusher {
            store: Some(store.clone()),
            ..self
        }
    }

    /// What the repository has under `reference`, as far as the registry will
    /// say: where reading is forbidden, nothing is known.
    pub async fn head(&self, reference: &Reference) -> Result<Option<Head>> {
        let mut outcome = pull::head(&self.client, reference, &self.scopes()).await;
        if self.narrowed(&outcome) {
            outcome = pull::head(&self.client, reference, &self.scopes()).await;
        }
        match outcome {
            Err(error) if error.is(Reason::Forbidden) => Ok(None),
            outcome => outcome,
        }
    }

    /// Learns that the repository has all blobs of the image of this digest, or
    /// of the images of this index: a registry takes a manifest only when it has
    /// what it names. Says whether that could be read: from the store, where it was
    /// put from here, else from the registry.
    pub async fn learn(&self, digest: Digest) -> bool {
        // It only saves questions.
        match self.there(digest).await {
            Ok(AnyManifest::Image(manifest)) => {
                self.know_image(&manifest);
                true
            }
            Ok(AnyManifest::Index(index)) => {
                let entries = index.manifests.iter().take(PLATFORMS);
                let each = entries.map(|entry| self.there(entry.digest));
                let mut all = true;
                for manifest in join_all(each).await {
                    match manifest {
                        Ok(AnyManifest::Image(manifest)) => self.know_image(&manifest),
                        _ => all = false,
                    }
                }
                all
            }
            Err(_) => false,
        }
    }

    async fn there(&self, digest: Digest) -> Result<AnyManifest> {
        let kept = self.store.as_ref();
        if let Some(bytes) = kept.and_then(|store| store.read_blob(&digest)) {
            return AnyManifest::parse(&bytes, None);
        }
        let reference = self.target.with_digest(digest);
        let fetched = pull::manifest(&self.client, &reference, &self.scopes()).await?;
        self.keep(&fetched.bytes);
        fetched.parse()
    }

    fn know_image(&self, manifest: &ImageManifest) {
        self.know(manifest.layers.iter().map(|layer| layer.digest));
        self.know([manifest.config.digest]);
    }

    /// Keeps a manifest that the repository has, so that it need not be read to
    /// know what it names.
    fn keep(&self, manifest: &[u8]) {
        if let Some(store) = &self.store {
            let _ = store.write_blob(manifest);
        }
    }

    /// Notes that the repository has these blobs.
    pub fn know(&self, digests: impl IntoIterator<Item = Digest>) {
        self.known().extend(digests);
    }

    /// Notes that the repository is most likely to lack these blobs: they are
    /// sent without a question.
    pub fn expect_absent(&self, digests: impl IntoIterator<Item = Digest>) {
        self.absent().extend(digests);
    }

    /// Whether the repository has the blob; asked once.
    pub async fn has(&self, digest: Digest) -> Result<bool> {
        if self.known().contains(&digest) {
            return Ok(true);
        }
        if self.absent().contains(&digest) {
            return Ok(false);
        }
        let _question = self.client.host().questions.enter().await?;
        let has = self.ask(&self.target.repository, digest).await?;
        match has {
            true => self.know([digest]),
            false => self.expect_absent([digest]),
        }
        Ok(has)
    }

    /// Whether another repository of the registry has the blob, as far as the
    /// registry will say.
    pub async fn other_has(&self, repository: &str, digest: Digest) -> bool {
        let asked = self.ask(repository, digest).await;
        asked.unwrap_or(false)
    }

    /// Forgets what was learned, and says whether there was anything.
    pub fn unlearn(&self) -> bool {
        let mut known = self.known();
        let some = !known.is_empty();
        known.clear();
        some
    }

    /// Brings a blob into the repository: from `mount`, another repository of
    /// the registry, if that works; else from `source`, which is asked for
    /// only when the bytes are needed.
    pub async fn blob(
        &self,
        (digest, size): (Digest, u64),
        mount: Option<&str>,
        source: impl FnOnce() -> Result<Source>,
        progress: Option<Arc<Progress>>,
    ) -> Result<Outcome> {
        if self.known().contains(&digest) {
            return Ok(Outcome::Present);
        }
        let question = self.client.host().questions.enter().await?;
        let mut session = None;
        if let Some(from) = mount.filter(|_| self.mounts.load(Ordering::Relaxed)) {
            match self.mount(digest, from).await? {
                Mount::Done => return Ok(Outcome::Mounted),
                Mount::Session(opened) => session = Some(opened),
                Mount::No => {}
            }
        }
        let is_worth_asking = size > SMALL && !self.absent().contains(&digest);
        if is_worth_asking && self.ask(&self.target.repository, digest).await? {
            if let Some(opened) = session {
                opened.cancel(&self.client, &self.scopes()).await;
            }
            return Ok(Outcome::Present);
        }
        drop(question);
        let source = source()?;
        let source = match &self.store {
            Some(store) => source.keeping(store),
            None => source,
        };
        let _slot = self.client.host().uploads.enter().await?;
        let upload = Upload {
            requests: UploadRequests {
                client: &self.client,
                repository: &self.target.repository,
                scopes: &self.scopes(),
                source: &source,
                progress,
            },
            store: self.store.as_ref(),
        };
        upload.run(session).await?;
        Ok(Outcome::Uploaded)
    }

    /// Puts the manifest under `tag`, or under its digest alone.
    pub async fn manifest(&self, manifest: &Manifest, tag: Option<&str>) -> Result<()> {
        self.put(manifest, tag).await.map(drop)
    }

    /// Puts a manifest that has a subject, by its digest; says whether the
    /// registry lists it among what refers to that (`OCI-Subject`).
    pub async fn refer(&self, manifest: &Manifest) -> Result<bool> {
        self.put(manifest, None).await
    }

    /// What refers to the image `digest`.
    pub async fn referrers(&self, digest: Digest) -> Result<Referrers> {
        referrers::list(&self.client, &self.target, digest, &self.scopes()).await
    }

    /// Lists these among what refers to `digest`, beside what is `there`, where
    /// the registry does not do it.
    pub async fn list(
        &self,
        digest: Digest,
        there: &Referrers,
        entries: &[Descriptor],
    ) -> Result<()> {
        match there.with(entries)? {
            Some(index) => self.manifest(&index, Some(&fallback_tag(&digest))).await,
            None => Ok(()),
        }
    }

    async fn put(&self, manifest: &Manifest, tag: Option<&str>) -> Result<bool> {
        let reference = match tag {
            Some(tag) => self.target.with_tag(tag)?,
            None => self.target.with_digest(manifest.digest),
        };
        let kind = HeaderValue::try_from(manifest.media_type.as_str())?;
        let path = format!(
            "{}/manifests/{}",
            reference.repository,
            reference.selector()
        );
        let doing = format!("putting the manifest of {reference}");
        // The scopes of the whole push: their token is there already.
        let scopes = self.scopes();
        let call = Call::new(Method::PUT, path, &scopes, doing)
            .header(CONTENT_TYPE, kind)
            .body(Body::Bytes(Bytes::copy_from_slice(&manifest.bytes)));
        let answer = self.client.send(&call).await?;
        let status = answer.status;
        if !status.is_success() {
            let error = self.client.refused(&call, answer).await;
            if status == StatusCode::UNAUTHORIZED || error.is(Reason::BlobUnknown) {
                return Err(error);
            }
            // A tag that must not move is refused even where it need not.
            return match pull::head(&self.client, &reference, &scopes).await {
                Ok(Some(head)) if head.digest == manifest.digest => Ok(false),
                Ok(Some(head)) if tag.is_some() => Err(error.hint(format!(
                    "the tag is there with another digest, {}: if this registry lets no tag move, choose another tag",
                    head.digest
                ))),
                _ if status == StatusCode::UNSUPPORTED_MEDIA_TYPE
                    || status == StatusCode::BAD_REQUEST =>
                {
                    Err(error.hint(format!(
                        "the manifest is of the type {}: does the registry take that type?",
                        manifest.media_type
                    )))
                }
                _ => Err(error),
            };
        }
        let said = answer.header("docker-content-digest");
        match said.and_then(|said| said.trim().parse::<Digest>().ok()) {
            Some(said) if said != manifest.digest => Err(Error::new(format!(
                "the registry says that it got {said}, not {}",
                manifest.digest
            ))
            .hint("something on the way changed the manifest, or the registry is broken")
            .because(Reason::DigestMismatch)
            .doing(call.doing)),
            _ => {
                self.keep(&manifest.bytes);
                Ok(answer.header("oci-subject").is_some())
            }
        }
    }

    async fn mount(&self, digest: Digest, from: &str) -> Result<Mount> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("mount", &digest.to_string())
            .append_pair("from", from)
            .finish();
        let path = format!("{}/blobs/uploads/?{query}", self.target.repository);
        let doing = format!("mounting the blob {digest} from {from}");
        let call = Call::new(Method::POST, path, &self.scopes(), doing);
        let outcome = self.client.send(&call).await;
        if self.narrowed(&outcome) {
            return Ok(Mount::No);
        }
        let answer = outcome?;
        Ok(match answer.status {
            StatusCode::CREATED => Mount::Done,
            // Not mounted, but an upload was opened: another would be lost.
            StatusCode::ACCEPTED => {
                Mount::Session(Session::of(&answer, 0, 0).doing(|| call.doing)?)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                self.mounts.store(false, Ordering::Relaxed);
                Mount::No
            }
            _ => Mount::No,
        })
    }

    async fn ask(&self, repository: &str, digest: Digest) -> Result<bool> {
        let path = format!("{repository}/blobs/{digest}");
        let doing = format!(
            "asking {}/{repository} for the blob {digest}",
            self.client.name()
        );
        let call = Call::new(Method::HEAD, path, &self.scopes(), doing);
        let answer = self.client.send(&call).await?;
        // Whatever else it says, the upload will tell.
        Ok(answer.status.is_success())
    }

    /// After a refusal of the wider rights: goes on without them, and says so.
    fn narrowed<T>(&self, outcome: &Result<T>) -> bool {
        let refused = matches!(outcome, Err(error) if error.is(Reason::Unauthorized));
        refused && self.mounts.swap(false, Ordering::Relaxed)
    }

    fn scopes(&self) -> Arc<[String]> {
        match self.mounts.load(Ordering::Relaxed) {
            true => Arc::clone(&self.wide),
            false => Arc::clone(&self.narrow),
        }
    }

    fn absent(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Mount {
    Done,
    Session(Session),
    No,
}
