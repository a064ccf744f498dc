//! Maven repositories: where they come from, and files out of them.
//!
//! [`Environment`] → [`Settings`] → [`repositories`](fn@repositories) →
//! [`Maven`], which gives a file for [`Coordinates`](crate::maven::Coordinates), or its [`Pom`]. Nothing
//! here follows dependencies: one coordinate is one file.

mod activation;
mod checksum;
mod declared;
mod decrypt;
mod environment;
mod fetch;
mod hosts;
mod index;
mod installed;
mod local;
mod metadata;
mod mirror;
mod missing;
mod paths;
mod poms;
mod proxies;
mod repositories;
mod settings;
mod web;
mod xml;

pub use environment::Environment;
pub use fetch::{Maven, MavenFile, Origin};
pub use installed::{PUBLIC_MIRROR, central};
pub use metadata::{Snapshot, snapshot_in, versions_in};
pub use mirror::Mirror;
pub use poms::Pom;
pub use repositories::{Location, Repository, repositories};
pub use settings::{Server, Settings, SettingsRepository};
