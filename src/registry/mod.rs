//! Registries: reading and writing manifests and blobs (OCI distribution
//! specification 1.1).
//!
//! [`Registries`] is the entry: it knows the credentials, keeps connections
//! and tokens, and counts what goes over the wire.

mod auth_file;
mod blob;
mod body;
mod call;
pub mod challenge;
mod client;
mod given;
mod handshake;
mod helper;
mod host;
mod keychain;
mod lanes;
pub mod location;
mod login;
mod mirror;
mod pull;
mod push;
mod referrers;
mod refusal;
mod secret;
mod session;
mod source;
mod steps;
mod tee;
mod token;
mod traffic;
mod transport;
mod trust;
mod upload;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use blob::BlobReader;
pub use body::Progress;
pub use helper::Helpers;
pub use keychain::{Credential, Keychain, Login};
pub use mirror::Mirror;
pub use pull::{Fetched, Head, Resolved};
pub use push::{Outcome, PLATFORMS, Pusher};
pub use referrers::{Referrers, fallback_tag};
pub use secret::Secret;
pub use source::Source;
pub(crate) use source::descriptor;
pub use traffic::Traffic;
pub use trust::Trust;

use crate::error::{Error, Reason, Result};
use crate::fetch::Patience;
use crate::report::Report;
use client::Client;
use host::Host;
use transport::Transport;

/// How registries are talked to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hosts (`host[:port]`) taken without a verified certificate, or without
    /// TLS at all.
    pub insecure: Vec<String>,
    /// Certificates beside the system's.
    pub trust: Trust,
    /// Mirrors, asked in this order.
    pub mirrors: Vec<Mirror>,
    /// Whether the network is out of bounds: every question is then refused,
    /// with an error ([`Reason::Offline`]).
    pub offline: bool,
    /// How often and how patiently a request is tried.
    pub patience: Patience,
    /// Time that a registry has to answer when it has got a body.
    pub answer: Duration,
    /// How long the requests are in which a blob is sent that is more than
    /// twice as long.
    pub chunk: u64,
    /// Blobs under way at once, by host and direction.
    pub concurrency: usize,
    /// Blobs that a host is asked about at once.
    pub questions: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            insecure: Vec::new(),
            trust: Trust::default(),
            mirrors: Vec::new(),
            offline: false,
            patience: Patience::default(),
            answer: Duration::from_secs(300),
            chunk: 64 << 20,
            concurrency: 4,
            questions: 8,
        }
    }
}

/// All registries, as one process sees them. Clones share everything.
#[derive(Clone)]
pub struct Registries {
    shared: Arc<Shared>,
    traffic: Traffic,
    /// Whether mirrors are asked.
    mirrored: bool,
}

struct Shared {
    options: Options,
    keychain: Keychain,
    report: Report,
    transport: Transport,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl Registries {
    /// Registries that are logged in to with `keychain`.
    pub fn new(keychain: Keychain, options: Options, report: Report) -> Registries {
        Registries {
            shared: Arc::new(Shared {
                transport: Transport::new(&options),
                options,
                keychain,
                report,
                hosts: Mutex::default(),
            }),
            traffic: Traffic::default(),
            mirrored: true,
        }
    }

    /// The same registries, without their mirrors: what is asked of the place
    /// that is pushed to.
    pub fn direct(&self) -> Registries {
        Registries {
            mirrored: false,
            ..self.clone()
        }
    }

    /// The same registries, counting for themselves as well.
    pub fn metered(&self) -> Registries {
        Registries {
            shared: Arc::clone(&self.shared),
            traffic: self.traffic.part(),
            mirrored: self.mirrored,
        }
    }

    /// What went over the wire through these.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(crate) fn report(&self) -> &Report {
        &self.shared.report
    }

    fn keychain(&self) -> &Keychain {
        &self.shared.keychain
    }

    fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    fn client(&self, name: &str) -> Result<Client> {
        if self.shared.options.offline {
            return Err(
                Error::new(format!("asking the registry {name} would need the network"))
                    .hint("run once without --offline, so that the cache holds it")
                    .because(Reason::Offline),
            );
        }
        let mut hosts = self
            .shared
            .hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let host = match hosts.get(name) {
            Some(host) => Arc::clone(host),
            None => {
                let host = Arc::new(Host::new(name, self)?);
                hosts.insert(name.to_string(), Arc::clone(&host));
                host
            }
        };
        Ok(Client::new(host, self.clone()))
    }
}
