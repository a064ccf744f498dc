//! What is known of one registry.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::authenticator::Authenticator;
use super::concurrency::Concurrency;
use super::options::Options;
use super::transport::is_loopback;
use crate::error::{Error, Result};
use crate::image::reference::DOCKER_HUB;

/// Different warnings of a registry that are passed on.
const WARNINGS: usize = 10;

/// What is known of one registry; shared by all its clients.
pub(super) struct Host {
    /// As references name it.
    pub(super) name: String,
    /// Schemes to try, by liking.
    pub(super) schemes: Vec<&'static str>,
    /// Which of them answered, plus one; 0 where none did yet.
    chosen: AtomicU8,
    /// Whether any certificate is taken.
    pub(super) insecure: bool,
    /// How it is logged in to.
    pub(super) authenticator: Authenticator,
    /// Whether it failed as a mirror.
    failed: AtomicBool,
    /// Whether it refused to cancel an upload.
    keeps_uploads: AtomicBool,
    /// Nobody asks before this time, since the registry said so.
    pause: Mutex<Option<Instant>>,
    /// Warnings that were passed on.
    warnings: Mutex<HashSet<String>>,
    /// Blobs under way to it.
    pub(super) uploads: Concurrency,
    /// Blobs under way from it into the store.
    pub(super) downloads: Concurrency,
    /// Blobs that it is asked about.
    pub(super) questions: Concurrency,
}

impl Host {
    pub(super) fn new(name: &str, options: &Options) -> Result<Host> {
        let insecure = options.insecure.iter().any(|host| host == name);
        let url = Url::parse(&format!("https://{}/", authority(name)))
            .map_err(|_| Error::usage(format!("`{name}` is not the host of a registry")))?;
        let schemes = match (is_loopback(&url), insecure) {
            (true, _) => vec!["http", "https"],
            (false, true) => vec!["https", "http"],
            (false, false) => vec!["https"],
        };
        Ok(Host {
            name: name.to_string(),
            schemes,
            chosen: AtomicU8::new(0),
            insecure,
            authenticator: Authenticator::default(),
            failed: AtomicBool::new(false),
            keeps_uploads: AtomicBool::new(false),
            pause: Mutex::default(),
            warnings: Mutex::default(),
            uploads: Concurrency::new(options.concurrency),
            downloads: Concurrency::new(options.concurrency),
            questions: Concurrency::new(options.questions),
        })
    }

    /// The scheme that it was found to speak.
    pub(super) fn scheme(&self) -> Option<&'static str> {
        let chosen = usize::from(self.chosen.load(Ordering::Relaxed));
        self.schemes.get(chosen.checked_sub(1)?).copied()
    }

    /// Notes that the registry answered in this scheme.
    pub(super) fn speaks(&self, scheme: &str) {
        if let Some(at) = self.schemes.iter().position(|known| *known == scheme) {
            self.chosen.store(at as u8 + 1, Ordering::Relaxed);
        }
    }

    /// Notes that the registry failed as a mirror, and is not asked again; says whether
    /// that is new.
    pub(super) fn fails(&self) -> bool {
        !self.failed.swap(true, Ordering::Relaxed)
    }

    /// Whether it failed as a mirror.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether it is worth asking it to cancel an upload.
    pub(super) fn cancels(&self) -> bool {
        !self.keeps_uploads.load(Ordering::Relaxed)
    }

    /// Notes that the registry refused to cancel an upload, for want of a right.
    pub(super) fn cancels_nothing(&self) {
        self.keeps_uploads.store(true, Ordering::Relaxed);
    }

    /// The address below which its API is.
    pub(super) fn home(&self, scheme: &str) -> Result<Url> {
        Ok(Url::parse(&format!(
            "{scheme}://{}/v2/",
            authority(&self.name)
        ))?)
    }

    /// Waits, if it asked to be left alone.
    pub(super) async fn rest(&self) {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Nobody asks it for this time.
    pub(super) fn pause_for(&self, time: Duration) {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }

    /// The registry is asked too often: from now on it is asked less.
    pub(super) fn slow_down(&self) {
        for slots in [&self.uploads, &self.downloads, &self.questions] {
            slots.narrow();
        }
    }

    /// The registry answered as it should: step by step it is asked more again.
    pub(super) fn speed_up(&self) {
        for slots in [&self.uploads, &self.downloads, &self.questions] {
            slots.widen();
        }
    }

    /// Whether this warning has to be passed on: not twice, and not too many.
    pub(super) fn is_new_warning(&self, text: &str) -> bool {
        let mut told = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < WARNINGS && told.insert(text.to_string())
    }
}

/// Where the API of a registry answers.
fn authority(name: &str) -> &str {
    if name == DOCKER_HUB {
        "registry-1.docker.io"
    } else {
        name
    }
}
