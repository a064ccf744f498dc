//! How registries are talked to.

use std::time::Duration;

use super::mirror::Mirror;
use super::trust::Trust;
use crate::fetch::Patience;

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
    /// with an error ([`crate::error::Reason::Offline`]).
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
