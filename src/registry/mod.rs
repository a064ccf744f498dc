//! Registries: reading and writing manifests and blobs (OCI distribution
//! specification 1.1).
//!
//! [`Registries`] is the entry: it knows the credentials, keeps connections
//! and tokens, and counts what goes over the wire. Below it, each file names only
//! files before it:
//!
//! | files | are |
//! |---|---|
//! | `options`, `trust`, `mirror`, `traffic`, `body`, `location`, `challenge`, `scope` | types and headers |
//! | `credential`, `auth_file`, `env_credentials`, `helper`, `keychain` | whose credentials go where |
//! | `transport`, `handshake`, `call`, `refusal` | one HTTP exchange and its answer |
//! | `token`, `authenticator`, `concurrency`, `host`, `network`, `client` | one registry: login, redirects, second attempts |
//! | `registries`, `upstream`, `blob`, `pull`, `referrers` | reading, from mirrors too |
//! | `tee`, `source`, `session`, `upload_requests`, `upload`, `push` | writing |

mod auth_file;
mod authenticator;
mod blob;
mod body;
mod call;
pub mod challenge;
mod client;
mod concurrency;
mod credential;
mod env_credentials;
mod handshake;
mod helper;
mod host;
mod keychain;
pub mod location;
mod mirror;
mod network;
mod options;
mod pull;
mod push;
mod referrers;
mod refusal;
mod registries;
mod scope;
mod session;
mod source;
mod tee;
mod token;
mod traffic;
mod transport;
mod trust;
mod upload;
mod upload_requests;
mod upstream;

pub use blob::BlobReader;
pub use body::Progress;
pub use credential::{Credential, Login};
pub use helper::Helpers;
pub use keychain::Keychain;
pub use mirror::Mirror;
pub use options::Options;
pub use pull::{Fetched, Head, Resolved};
pub use push::{Outcome, PLATFORMS, Pusher};
pub use referrers::{Referrers, fallback_tag};
pub use registries::Registries;
pub use source::Source;
pub(crate) use source::descriptor;
pub use traffic::Traffic;
pub use trust::Trust;
