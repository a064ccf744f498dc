//! Where a reference is read from: mirrors, then its own registry.

use super::client::Client;
use super::registries::Registries;
use crate::error::{Error, Reason, Result};
use crate::image::Reference;

/// Attempts at one request to a mirror: there is somebody else to ask.
const MIRROR_ATTEMPTS: u32 = 2;

/// A registry that a reference is read from.
pub(super) struct Upstream {
    pub client: Client,
    /// The reference, as it is named there.
    pub reference: Reference,
}

impl Registries {
    /// Where `reference` is read from: mirrors that work, and at last its own
    /// registry.
    pub(super) fn upstreams(&self, reference: &Reference) -> Result<(Vec<Upstream>, Upstream)> {
        let mut mirrors = Vec::new();
        for mirror in &self.options().mirrors {
            let Some(reference) = mirror.name_of(reference).filter(|_| self.is_mirrored()) else {
                continue;
            };
            let client = self.client(&reference.host)?;
            if !client.host().has_failed() {
                mirrors.push(Upstream {
                    client: client.with_attempts(MIRROR_ATTEMPTS),
                    reference,
                });
            }
        }
        let own = Upstream {
            client: self.client(&reference.host)?,
            reference: reference.clone(),
        };
        Ok((mirrors, own))
    }
}

impl Client {
    /// This mirror did not give what was asked for, and the next upstream is asked.
    pub(super) fn pass_over(&self, wanted: &Reference, error: &Error) {
        let (name, of) = (self.name(), &wanted.host);
        if error.is(Reason::NotFound) {
            self.report()
                .detail(format!("the mirror {name} of {of} has no {wanted}"));
        } else if self.host().fails() {
            self.report().warn(format!(
                "the mirror {name} of {of} failed, and {of} itself is asked: {error}"
            ));
        }
    }
}
