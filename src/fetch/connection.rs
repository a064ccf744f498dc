//! Why a request got no answer, or no whole one: the one place that reads the
//! errors of the HTTP client.

use std::error::Error as StdError;

use rustls::CertificateError;

use super::retry::Remedy;
use crate::error::sources;

/// What went wrong between here and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The server's certificate is not trusted.
    Untrusted(Untrusted),
    /// The server ended the TLS handshake.
    Alert,
    /// The server does not speak TLS.
    NoTls,
    /// TLS could not be set up for another reason.
    Tls,
    /// The server does not speak HTTP, at least not in the open.
    NoHttp,
    /// The proxy wants credentials, or others.
    ProxyLogin,
    /// The proxy did not connect to the server.
    ProxyRefused,
    /// No connection was made.
    Unconnected,
    /// The connection broke off.
    Cut,
}

/// Why a certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It is too old.
    Expired,
    /// It is not valid yet.
    NotYet,
    /// It is another host's.
    OtherHost,
    /// It is of an authority that is not known, or wrong in another way.
    Unknown,
}

impl Broken {
    /// What an error of the HTTP client means.
    pub fn of(error: &reqwest::Error) -> Broken {
        match find::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(why)) => Broken::Untrusted(why.into()),
            Some(rustls::Error::AlertReceived(_)) => Broken::Alert,
            Some(rustls::Error::InvalidMessage(_)) => Broken::NoTls,
            Some(_) => Broken::Tls,
            None => said(error),
        }
    }

    /// Whether another attempt may end otherwise.
    pub fn remedy(self) -> Remedy {
        match self {
            Broken::Untrusted(_) | Broken::Alert | Broken::ProxyLogin => Remedy::None,
            Broken::NoTls | Broken::NoHttp => Remedy::OtherScheme,
            Broken::Tls | Broken::ProxyRefused | Broken::Unconnected | Broken::Cut => Remedy::Again,
        }
    }
}

impl From<&CertificateError> for Untrusted {
    fn from(why: &CertificateError) -> Untrusted {
        match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Untrusted::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Untrusted::NotYet
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Untrusted::OtherHost
            }
            _ => Untrusted::Unknown,
        }
    }
}

/// What an error says whose type the HTTP client keeps to itself.
fn said(error: &reqwest::Error) -> Broken {
    let is_no_http = |error: &hyper::Error| {
        error.is_parse() && error.to_string() == "invalid HTTP version parsed"
    };
    if find::<hyper::Error>(error).is_some_and(is_no_http) {
        return Broken::NoHttp;
    }
    for cause in sources(error) {
        match cause.to_string().as_str() {
            "tunnel error: proxy authorization required" => return Broken::ProxyLogin,
            "tunnel error: unsuccessful" => return Broken::ProxyRefused,
            _ => {}
        }
    }
    match error.is_connect() {
        true => Broken::Unconnected,
        false => Broken::Cut,
    }
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    sources(error).find_map(|cause| cause.downcast_ref())
}
