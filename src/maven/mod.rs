//! Maven 3's dependency resolution: models, collection, mediation.
//!
//! It does no input or output and knows nothing of flinkpack: it could be a
//! crate of its own. What it computes is what Maven 3.8 computes with its
//! resolver 1.6, whose rules each module's documentation states.
//!
//! ```text
//!   text ─ pom ─► RawPom ─ model ─► Model ─ collect ─► all that is declared
//!                  │ profile, interpolate, parents, BOMs        │ conflict
//!                  ▼                                            ▼
//!               Request ◄──────── resolution ◄── Graph ◄──── mediate
//! ```
//!
//! [`Resolution`] runs this as far as what it knows goes, and says which POMs and
//! lists of versions it lacks ([`Next::Needs`]), all at once, so that the caller
//! can fetch them in parallel. Then it begins again, knowing more; models that
//! were built stay built. At the end there is a [`Graph`]: a tree of every
//! declaration, what became of it, and why.
//!
//! | module | Maven's own |
//! |---|---|
//! | [`pom`], `xml` | the lenient `MavenXpp3Reader` |
//! | `profile`, `assemble`, `interpolate`, `fill`, `manage`, `model` | `DefaultModelBuilder` and its parts, as `DefaultArtifactDescriptorReader` calls it (minimal validation) |
//! | [`version`], `range` | `GenericVersionScheme` |
//! | `collect` | `DefaultDependencyCollector`, `ClassicDependencyManager`, the selectors of `MavenRepositorySystemUtils` |
//! | `conflict` | `ConflictMarker`, `ConflictIdSorter` |
//! | `mediate` | `ConflictResolver` with nearest version, Java scopes, simple optionality |

mod address;
mod assemble;
mod collect;
mod conflict;
mod coordinates;
mod dependency;
mod error;
mod fill;
mod gav;
mod graph;
mod interpolate;
mod jar_name;
mod manage;
mod mediate;
mod model;
pub mod pom;
mod profile;
mod range;
mod request;
mod resolution;
pub mod version;
mod warning;
mod xml;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

pub use coordinates::{Coordinates, InvalidCoordinates};
pub use dependency::Expected;
pub use error::Error;
pub use gav::{Exclusion, Gav, Key};
pub use graph::{Graph, Node};
pub use jar_name::{JarName, is_jar_of, jar_stem};
pub use pom::{RawDependency, RawPom};
pub use profile::Context;
pub use range::{Range, VersionConstraint};
pub use request::{Answer, Request};
pub use resolution::{Next, Resolution, Root};
pub use version::{Version, is_stable};
pub use warning::Warning;
