//! Maven repositories: where they come from, and files out of them.
//!
//! [`Environment`] → [`Settings`] → [`repositories`](fn@repositories) →
//! [`Maven`], which gives a file for [`Coordinates`](crate::maven::Coordinates), or its [`Pom`]. Nothing
//! here follows dependencies: one coordinate is one file.

mod activation;
mod checksum;
mod client;
mod declared;
mod decrypt;
mod environment;
mod fetch;
mod file;
mod hosts;
mod index;
mod installed;
mod local;
mod metadata;
mod mirror;
mod missing;
mod paths;
mod pom;
mod poms;
mod proxies;
mod repositories;
mod settings;
mod settings_file;
mod web;
mod xml;

pub use client::Maven;
pub use environment::Environment;
pub use file::{MavenFile, Origin};
pub use installed::{PUBLIC_MIRROR, central};
pub use metadata::{Snapshot, snapshot_in, versions_in};
pub use mirror::Mirror;
pub use pom::Pom;
pub use repositories::{Location, Repository, repositories};
pub use settings::{Server, Settings, SettingsRepository};
