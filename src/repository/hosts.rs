//! Hosts that are not asked any more in a run, and what was told of them.
//!
//! A large closure asks a repository a thousand times. One that cannot be
//! reached, or that refuses more requests, is given up at once: the next
//! repository may have the files. One that fails is given up when it failed
//! some times in a row, since a server may fail for a single file.

use std::collections::{HashMap, HashSet};

use super::repositories::{Location, Repository};
use crate::error::{Error, Reason, Result};

/// Requests in a row that a host may fail, each after all its attempts.
const FAILURES: u32 = 3;

/// What is known of hosts.
#[derive(Default)]
pub(super) struct Hosts {
    given_up: HashMap<String, Error>,
    failures: HashMap<String, u32>,
    told: HashSet<String>,
}

/// A repository that could not answer, as it may be shown, and why.
pub(super) struct Failed {
    pub repository: String,
    pub error: Error,
}

impl Failed {
    pub fn new(repository: &Repository, error: Error) -> Failed {
        Failed {
            repository: repository.shown(),
            error,
        }
    }
}

impl Hosts {
    /// Gives the reason where the repository's host was given up.
    pub fn may_ask(&self, repository: &Repository) -> Result<()> {
        let given_up = host(repository).and_then(|host| self.given_up.get(&host).cloned());
        match given_up {
            Some(error) => Err(error.doing(format!(
                "{} is not asked any more in this run",
                repository.shown()
            ))),
            None => Ok(()),
        }
    }

    /// Learns from an answer.
    pub fn learn<T>(&mut self, repository: &Repository, answer: Result<T>) -> Result<T> {
        let Some(host) = host(repository) else {
            return answer;
        };
        match (&answer, answer.as_ref().err().map_or(Blame::None, blame)) {
            (Err(error), Blame::Counted) => {
                let failures = self.failures.entry(host.clone()).or_default();
                *failures += 1;
                if *failures >= FAILURES {
                    self.given_up.entry(host).or_insert_with(|| error.clone());
                }
            }
            (Err(error), Blame::AtOnce) => {
                self.given_up.entry(host).or_insert_with(|| error.clone());
            }
            (_, Blame::None) | (Ok(_), _) => drop(self.failures.remove(&host)),
        }
        answer
    }

    /// Whether it is told for the first time that this repository was passed over.
    pub fn is_news(&mut self, repository: String) -> bool {
        self.told.insert(repository)
    }
}

/// What an error says of the host that was asked.
enum Blame {
    /// It answers.
    None,
    /// It may answer the next time: some such errors are too many.
    Counted,
    /// It is not worth asking again.
    AtOnce,
}

fn blame(error: &Error) -> Blame {
    let Some(reason) = error.reason() else {
        return Blame::None;
    };
    match reason {
        Reason::Unavailable => Blame::Counted,
        Reason::Unreachable | Reason::TooManyRequests | Reason::Untrusted | Reason::Proxy => {
            Blame::AtOnce
        }
        Reason::AddressEnded
        | Reason::BlobUnknown
        | Reason::CertificateRefused
        | Reason::CorruptBlob
        | Reason::DamagedImage
        | Reason::Denied
        | Reason::DigestMismatch
        | Reason::DiskFull
        | Reason::Forbidden
        | Reason::ImageVanished
        | Reason::LockVersion
        | Reason::NotFlink
        | Reason::NotFound
        | Reason::Offline
        | Reason::TooLarge
        | Reason::Unauthorized
        | Reason::Unexpected
        | Reason::WantsTls
        | Reason::WrongPlatform => Blame::None,
    }
}

fn host(repository: &Repository) -> Option<String> {
    match &repository.place {
        Location::Web(url) => Some(url.origin().ascii_serialization()),
        Location::Folder(_) => None,
    }
}
