//! HTTP: clients, and downloads into the store.

pub mod access;
mod attempts;
pub mod authorities;
pub mod client;
pub mod download;
pub mod proxy;
pub mod redact;
mod send;
mod sink;
mod small;
mod status;

pub use access::{Access, Secret};
pub use attempts::Patience;
pub use download::{Body, Request, download, fetch};
pub use proxy::{Proxies, Proxy};
pub use small::{Small, get_small};
