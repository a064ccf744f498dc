//! TLS before another server, by nginx.

use super::authority::Authority;
use super::nginx;
use super::process::Process;

/// A server that speaks TLS and passes everything on.
pub struct TlsFront(Process);

/// What is special about a front.
#[derive(Clone, Copy, Default)]
pub struct Special<'a> {
    /// The certificate's names; else `localhost` and `127.0.0.1`.
    pub names: Option<&'a str>,
    /// Whether the certificate ended yesterday.
    pub expired: bool,
    /// Clients have to show a certificate of this authority.
    pub clients: Option<&'a Authority>,
}

impl TlsFront {
    /// Before the server at `to` (host and port, or `unix:PATH:`), with a
    /// certificate of `authority`.
    pub fn start(authority: &Authority, to: &str, special: Special<'_>) -> TlsFront {
        TlsFront(Process::start(|folder, port| {
            let names = special.names.unwrap_or("DNS:localhost,IP:127.0.0.1");
            let days = if special.expired { -1 } else { 2 };
            authority.sign_for(names, folder, days);
            let at = folder.display();
            let clients = special.clients.map_or(String::new(), |clients| {
                format!(
                    "ssl_verify_client on; ssl_client_certificate {};",
                    clients.certificate().display()
                )
            });
            let http = format!(
                "access_log off; client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; {clients}
    location / {{
      proxy_pass http://{to}; proxy_http_version 1.1; proxy_set_header Host $http_host;
      proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 300;
    }}
  }}"
            );
            nginx::command(folder, &http)
        }))
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }
}
