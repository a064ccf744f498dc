//! Layers that are not made, since a place has what the lock file says of them.

use std::collections::BTreeMap;

use crate::image::Reference;
use crate::layer::{Known, Plan};

/// A layer that is not made.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// What it comes to.
    pub known: Known,
    /// Where it is; `None` where nothing goes anywhere.
    pub place: Option<Reference>,
}

/// Layers that are not made, by what stands for their inputs.
#[derive(Debug, Default)]
pub struct TrustedLayers(pub BTreeMap<String, Trusted>);

impl TrustedLayers {
    /// The layer of this plan, if it is one of them.
    pub fn get(&self, plan: &Plan<'_>) -> Option<&Trusted> {
        self.0.get(plan.inputs())
    }
}
