//! Layers that the lock file tells of and that are not made: a registry that
//! has them needs neither their JARs nor their bytes.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::image::{Digest, Images, Origin, Reference};
use crate::sink::registry::Visit;

/// Which records of the lock file stand for layers whose JARs are not at hand.
#[derive(Debug, PartialEq)]
pub enum Trusted {
    /// None: every layer is made.
    None,
    /// All that fit.
    All,
    /// Those with these inputs, which a registry has.
    Held(BTreeMap<String, Reference>),
}

impl Trusted {
    /// Whether the layer with these inputs is taken as it is recorded.
    pub fn takes(&self, inputs: &str) -> bool {
        match self {
            Trusted::None => false,
            Trusted::All => true,
            Trusted::Held(places) => places.contains_key(inputs),
        }
    }
}

/// A layer that was not made.
pub struct Recorded {
    /// Its digest.
    pub digest: Digest,
    /// Stands for what it is made of.
    pub inputs: String,
}

/// Where the layers are that were not made: in a target's repository, or in one
/// of the same registry that the base comes from. Those that are nowhere have
/// to be made.
pub async fn places(
    recorded: &[Recorded],
    visits: &[&Visit],
) -> Result<BTreeMap<String, Reference>> {
    let find = |one: &Recorded| {
        let (digest, inputs) = (one.digest, one.inputs.clone());
        async move {
            let place = place(digest, visits).await?;
            Ok::<_, crate::error::Error>(place.map(|place| (inputs, place)))
        }
    };
    let found = futures_util::future::try_join_all(recorded.iter().map(find)).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn place(digest: Digest, visits: &[&Visit]) -> Result<Option<Reference>> {
    for visit in visits {
        if visit.has(digest).await? {
            return Ok(Some(visit.target().clone()));
        }
    }
    for visit in visits {
        if let Some(place) = visit.source_with(digest).await {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Says in the images where their layers are that were not made.
pub fn settle(images: &mut Images, recorded: &[Recorded], places: &BTreeMap<String, Reference>) {
    for layer in images.layers_mut() {
        let digest = layer.descriptor.as_ref().map(|blob| blob.digest);
        let own = recorded.iter().find(|one| Some(one.digest) == digest);
        if let Some(place) = own.and_then(|one| places.get(&one.inputs)) {
            layer.origin = Origin::Registry(place.clone());
        }
    }
}
