//! What all registries share: credentials, connections, and what is known of each host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::host::Host;
use super::keychain::Keychain;
use super::options::Options;
use super::transport::Transport;
use crate::error::Result;
use crate::report::Report;

/// What the clients of all registries share.
pub(super) struct Network {
    pub options: Options,
    pub keychain: Keychain,
    pub report: Report,
    pub transport: Transport,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl Network {
    pub fn new(keychain: Keychain, options: Options, report: Report) -> Network {
        Network {
            transport: Transport::new(&options),
            options,
            keychain,
            report,
            hosts: Mutex::default(),
        }
    }

    /// What is known of the registry of this name.
    pub fn host(&self, name: &str) -> Result<Arc<Host>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(name) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(name, &self.options)?);
        hosts.insert(name.to_string(), Arc::clone(&host));
        Ok(host)
    }
}
