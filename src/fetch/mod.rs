//! HTTP: clients, and downloads into the store.

pub mod access;
pub mod authorities;
pub mod client;
pub mod connection;
pub mod download;
pub mod proxy;
pub mod redact;
pub mod retry;
mod send;
mod sink;
mod small;
mod status;

pub use access::{Access, Secret};
pub use download::{Body, Request, download, fetch};
pub use proxy::{Proxies, Proxy};
pub use retry::Patience;
pub use small::{Small, get_small};
