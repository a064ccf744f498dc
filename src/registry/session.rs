//! Upload sessions, and how they outlive the process.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, LOCATION};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::call::Call;
use super::client::Client;
use super::location::resolve;
use super::scope::deleting;
use super::transport::Answer;
use crate::error::{Error, Reason, Result};
use crate::image::Digest;
use crate::store::{Bucket, KeyLock, Store};

const MIN_CHUNK: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// What it may cost to cancel one.
const PATIENCE: Duration = Duration::from_secs(5);

/// An upload session, as the registry last named it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub at: Url,
    /// Bytes that the registry has.
    pub offset: u64,
    /// The shortest chunk that it takes, but for the last one.
    pub least: u64,
}

impl Session {
    /// The session that `answer` opened or went on with.
    pub fn of(answer: &Answer, offset: u64, least: u64) -> Result<Session> {
        let location = answer
            .headers
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .ok_or_else(|| Error::new("the registry opened an upload, but did not say where"))?;
        let said = answer
            .headers
            .get(MIN_CHUNK)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Session {
            at: resolve(&answer.url, location)?,
            offset,
            least: said.unwrap_or(least),
        })
    }

    /// Tells the registry that nobody goes on with it, which need not work: what a
    /// registry is not told of it forgets after days.
    pub async fn cancel(&self, client: &Client, scopes: &Arc<[String]>) {
        if !client.host().cancels() {
            return;
        }
        let _ = tokio::time::timeout(PATIENCE, async {
            for scopes in [scopes, &deleting(scopes)] {
                let doing = "cancelling an upload".to_string();
                let call = Call::at(Method::DELETE, self.at.clone(), scopes, doing);
                match client.attempt(&call.without_renewal()).await {
                    Ok(answer) if lacks_right(answer.status) => {}
                    Err(failure) if failure.error.is(Reason::Unauthorized) => {}
                    _ => return,
                }
            }
            client.host().cancels_nothing();
        })
        .await;
    }
}

fn lacks_right(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Where the session of one blob is kept for the next run. Only one process at
/// a time has it: two that went on with one session would mix their bytes.
pub(super) struct Kept {
    store: Store,
    key: String,
    _lock: KeyLock,
}

/// A session, as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptSession {
    at: String,
    offset: u64,
    least: u64,
}

impl Kept {
    /// For a blob on its way to a repository (with its host); `None` where
    /// another process sends it, or nothing can be kept.
    pub fn of(store: &Store, repository: &str, digest: &Digest) -> Option<Kept> {
        let key = format!("{repository} {digest}");
        // Lock files stay for ever, so there are not as many as blobs.
        let lock = format!("upload {:.3}", Digest::of(key.as_bytes()).hex());
        Some(Kept {
            store: store.clone(),
            key,
            _lock: store.try_lock(&lock).ok()??,
        })
    }

    /// What an earlier run left.
    pub fn get(&self) -> Option<Session> {
        let kept: KeptSession = self.store.get(Bucket::Uploads, &self.key)?;
        Some(Session {
            at: kept.at.parse().ok()?,
            offset: kept.offset,
            least: kept.least,
        })
    }

    /// Keeps where the session is now. What cannot be kept costs time only.
    pub fn put(&self, session: &Session) {
        let kept = KeptSession {
            at: session.at.to_string(),
            offset: session.offset,
            least: session.least,
        };
        let _ = self.store.put(Bucket::Uploads, &self.key, &kept);
    }

    /// The session has come to its end.
    pub fn forget(&self) {
        self.store.remove(Bucket::Uploads, &self.key);
    }
}
