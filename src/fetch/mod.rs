//! HTTP: clients, and downloads into the store.

pub mod client;
pub mod redact;
