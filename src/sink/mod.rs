//! Places that take images.
//!
//! A build has a list of [`Sink`]s; each is one file, or one folder, here. A new
//! one implements the trait and is named where its users ask for it: `--output`
//! in [`output`], anything else where the list is made.

pub mod archive;
pub mod daemon;
mod delivery;
mod files;
pub mod layout;
pub mod output;
pub mod registry;
mod target;

use std::collections::BTreeMap;

use futures_util::future::LocalBoxFuture;

pub use delivery::{Delivery, LayerStatus, Medium};
pub use output::Output;
pub use target::Target;

use crate::attest::Attachment;
use crate::base::Sources;
use crate::error::{Error, Result};
use crate::image::{Digest, Images, Layer, Manifest, Reference};

/// A place that takes images.
pub trait Sink {
    /// What an image must be like to go there.
    fn takes(&self) -> Takes;

    /// Begins what needs no image yet, beside the work that makes it. What comes of
    /// it, an error too, is told when the image goes there.
    fn prepare(&mut self, _expected: &Expected<'_>, _sources: &Sources<'_>) {}

    /// Which of these layers the place has, and where: those need not be made to go
    /// there. Nothing is sent.
    fn held<'a>(
        &'a mut self,
        _question: &'a Question<'a>,
        _sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<Digest, Reference>>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    /// What the place has already of an image with these names. What cannot be asked
    /// counts as absent; nothing is sent.
    fn inventory<'a>(
        &'a self,
        _targets: &'a [Target],
        _base: &'a [Layer],
        _sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Option<Inventory>>> {
        Box::pin(async { Ok(None) })
    }

    /// Brings the image there. What the place has is not sent.
    fn deliver<'a>(
        &'a mut self,
        shipment: &'a Shipment<'a>,
        sources: &'a Sources<'a>,
    ) -> LocalBoxFuture<'a, Result<Delivery>>;
}

/// What an image must be like to go to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takes {
    /// How the user named the place.
    pub name: String,
    /// For which platforms.
    pub platforms: Platforms,
    /// With which manifest.
    pub manifest: ManifestForm,
    /// Whether the place takes documents that refer to the image.
    pub documents: bool,
    /// Whether layers that the place has need not be made: [`Sink::held`] tells of them.
    pub holds_layers: bool,
}

/// The platforms of an image that a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platforms {
    /// All of them, under one index.
    All,
    /// The one that this machine runs, of as many as there are.
    Host,
    /// An image for one platform and no other.
    One,
}

/// The manifest with which an image goes to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestForm {
    /// None is needed: the place knows layers by their diff IDs.
    None,
    /// One in the media types of its base.
    OfBase,
    /// One in OCI's media types.
    Oci,
}

/// What is known of an image before it is made.
pub struct Expected<'a> {
    /// The names that it will get; without tags where those depend on what is made.
    pub targets: &'a [Target],
    /// The repositories of its bases: layers may be mounted from there.
    pub bases: &'a [Reference],
}

/// The question which layers a place has.
pub struct Question<'a> {
    /// The layers that would not be made.
    pub layers: &'a [Digest],
    /// All layers of the image.
    pub known: &'a [Layer],
    /// The image; `None` where it has no manifest yet, since only a daemon knows its base.
    pub images: Option<&'a Images>,
    /// The names that it gets.
    pub targets: &'a [Target],
}

/// What a place has.
pub struct Inventory {
    /// What kind of place it is.
    pub medium: Medium,
    /// What is there.
    pub there: There,
}

/// How a place knows layers.
pub enum There {
    /// By their order: the diff IDs of an image that it has.
    Chain(Vec<Digest>),
    /// By their digests.
    Blobs {
        /// Those that are there.
        digests: Vec<Digest>,
        /// Whether the base's layers can be mounted there from another repository.
        base_is_mountable: bool,
    },
}

/// What goes to a place.
pub struct Shipment<'a> {
    /// The image for each platform.
    pub images: &'a Images,
    /// Its names.
    pub targets: &'a [Target],
    /// The documents that refer to it.
    pub documents: &'a [Attachment],
}

impl Shipment<'_> {
    /// Every name with every tag.
    pub fn references(&self) -> Result<Vec<Reference>> {
        let mut names = Vec::new();
        for target in self.targets {
            names.extend(target.references()?);
        }
        Ok(names)
    }

    /// The first tag of the first name.
    pub fn first_tag(&self) -> Option<String> {
        self.targets.first()?.tags.first().cloned()
    }
}

/// The manifest, which every place but the daemon needs.
fn manifest(images: &Images) -> Result<&Manifest> {
    images.manifest().ok_or_else(|| {
        Error::new(
            "internal error: the image has no manifest: its base was not exported from the daemon",
        )
    })
}
