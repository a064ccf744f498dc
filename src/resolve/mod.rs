//! Finds each JAR that the manifest asks for: path, glob, address, Maven
//! coordinate, catalogue name, the base's opt/. Says nothing of where it goes.
//!
//! [`jar_requests`] turns the manifest into requests; [`Resolver::resolve`] answers
//! them. Maven coordinates are answered together: `asked` lists them, [`closure`]
//! finds the graph of what they need, [`dependencies`] chooses from it what the
//! base does not provide ([`platform`]), and `needs` does all this only where the
//! lock file does not have it already.

mod artifact;
mod asked;
pub mod catalogue;
pub mod closure;
pub mod dependencies;
pub mod local;
mod logging;
mod needs;
pub mod platform;
mod repositories;
mod requests;
mod resolver;

pub use artifact::{Artifact, Content};
pub use asked::{Asked, Reach};
pub use repositories::Repositories;
pub use requests::{Folder, JarRequest, RequestSource, jar_requests};
pub use resolver::{Resolved, Resolver};
