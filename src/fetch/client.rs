//! The HTTP clients that everything shares.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};

use super::authorities;
use crate::error::{Context, Result};

/// Seconds without a byte after which a transfer counts as stalled.
pub const STALL: Duration = Duration::from_secs(60);

const CONNECT: Duration = Duration::from_secs(20);

/// A client for addresses of this scheme. Redirects are not followed: callers
/// do it themselves, so that credentials go to no other host.
///
/// Reading the machine's certificates takes some milliseconds, so a client for
/// plain http has none.
pub fn client(scheme: &str) -> Result<Client> {
    static PLAIN: OnceLock<Client> = OnceLock::new();
    static TLS: OnceLock<Client> = OnceLock::new();
    let (cell, plain) = match scheme {
        "http" => (&PLAIN, true),
        _ => (&TLS, false),
    };
    if let Some(client) = cell.get() {
        return Ok(client.clone());
    }
    let builder = builder(!plain)?.read_timeout(STALL);
    let client = builder.build().doing(|| "setting up the HTTP client")?;
    Ok(cell.get_or_init(|| client).clone())
}

/// What every client has in common. It has no time limit for reading: that of
/// the HTTP library counts from the beginning of a request, and so would cut
/// any upload that takes longer.
pub fn builder(tls: bool) -> Result<ClientBuilder> {
    // A second installation is refused, which is right: one is enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("flinkpack/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT);
    Ok(if tls {
        builder.tls_certs_merge(authorities::of_environment()?)
    } else {
        builder.tls_certs_only([])
    })
}
