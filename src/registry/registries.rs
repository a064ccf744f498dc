//! All registries, as one process sees them.

use std::sync::Arc;

use super::client::Client;
use super::keychain::Keychain;
use super::network::Network;
use super::options::Options;
use super::traffic::Traffic;
use crate::error::{Error, Reason, Result};
use crate::report::Report;

/// All registries, as one process sees them. Clones share everything.
#[derive(Clone)]
pub struct Registries {
    network: Arc<Network>,
    traffic: Traffic,
    /// Whether mirrors are asked.
    mirrored: bool,
}

impl Registries {
    /// Registries that are logged in to with `keychain`.
    pub fn new(keychain: Keychain, options: Options, report: Report) -> Registries {
        Registries {
            network: Arc::new(Network::new(keychain, options, report)),
            traffic: Traffic::default(),
            mirrored: true,
        }
    }

    /// These registries without their mirrors: what is asked of the place that is
    /// pushed to.
    pub fn direct(&self) -> Registries {
        Registries {
            mirrored: false,
            ..self.clone()
        }
    }

    /// These registries, counting for themselves as well.
    pub fn metered(&self) -> Registries {
        Registries {
            traffic: self.traffic.part(),
            ..self.clone()
        }
    }

    /// What went over the wire through these.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) fn options(&self) -> &Options {
        &self.network.options
    }

    pub(crate) fn report(&self) -> &Report {
        &self.network.report
    }

    pub(super) fn is_mirrored(&self) -> bool {
        self.mirrored
    }

    pub(super) fn client(&self, name: &str) -> Result<Client> {
        if self.options().offline {
            return Err(
                Error::new(format!("asking the registry {name} would need the network"))
                    .hint("run once without --offline, so that the cache holds it")
                    .because(Reason::Offline),
            );
        }
        let host = self.network.host(name)?;
        Ok(Client::new(host, &self.network, &self.traffic))
    }
}
