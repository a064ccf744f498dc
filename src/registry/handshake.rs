//! What went wrong between here and a server, before it answered.

use std::error::Error as StdError;

use rustls::CertificateError;

use super::retry::{Failure, Remedy};
use crate::error::Error;

/// Sorts an error of the HTTP client: can it pass, and what does it mean?
pub(super) fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let (connecting, tls) = (error.is_connect(), tls_error(&error).cloned());
    let text = Error::from(error);
    let Some(tls) = tls else {
        let remedy = if text.to_string().contains("invalid HTTP version parsed") {
            Remedy::OtherScheme
        } else {
            Remedy::Again
        };
        let doing = if connecting {
            "connecting"
        } else {
            "the connection broke off"
        };
        return Failure::new(remedy, text.doing(doing));
    };
    match tls {
        rustls::Error::InvalidMessage(_) => Failure::new(
            Remedy::OtherScheme,
            text.doing("the server does not speak TLS (https)"),
        ),
        rustls::Error::InvalidCertificate(why) => Failure::from(
            text.doing("the server's certificate is not trusted")
                .hint(untrusted(&why)),
        ),
        rustls::Error::AlertReceived(_) => Failure::from(
            text.doing("the server ended the TLS handshake").hint(
                "it may want a client certificate: NAME.cert and NAME.key in certs.d/HOST of Docker's or podman's configuration",
            ),
        ),
        _ => Failure::new(Remedy::Again, text.doing("setting up TLS")),
    }
}

fn untrusted(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate is too old: who runs the server must renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet: is the clock of this machine right?"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is another host's: is this the name that the server goes by?"
        }
        _ => {
            "where the server has a certificate authority of its own, name the authority's certificate (a file in PEM) with --registry-ca or in FLINKPACK_CA_FILE, or put it into certs.d/HOST of Docker's or podman's configuration"
        }
    }
}

fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An io::Error's source() skips the error that it holds itself.
        at = match error.downcast_ref::<std::io::Error>() {
            Some(holder) => holder
                .get_ref()
                .map(|held| held as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}
