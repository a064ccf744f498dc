//! HTTP: clients, and downloads into the store.

pub mod access;
pub mod authorities;
pub mod client;
pub mod connection;
pub mod download;
mod download_writer;
pub mod proxy;
pub mod redact;
mod request;
pub mod retry;
mod secret;
mod send;
mod small;
mod status;

pub use access::Access;
pub use download::{Body, download, fetch};
pub use proxy::{Proxies, Proxy};
pub use request::Request;
pub use retry::Patience;
pub use secret::Secret;
pub use small::{Small, get_small};
