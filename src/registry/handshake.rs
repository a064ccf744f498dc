//! What went wrong between here and a registry, before it answered, in words.

use crate::error::Error;
use crate::fetch::connection::{Broken, Untrusted};
use crate::fetch::retry::Failure;

/// The failure that an error of the HTTP client is.
pub(super) fn failure(error: reqwest::Error) -> Failure {
    let broken = Broken::of(&error);
    let error = Error::from(error.without_url());
    let error = match broken {
        Broken::NoTls => error.doing("the server does not speak TLS (https)"),
        Broken::Untrusted(why) => error
            .doing("the server's certificate is not trusted")
            .hint(untrusted(why)),
        Broken::Alert => error.doing("the server ended the TLS handshake").hint(
            "it may want a client certificate: NAME.cert and NAME.key in certs.d/HOST of Docker's or podman's configuration",
        ),
        Broken::Tls => error.doing("setting up TLS"),
        Broken::ProxyLogin | Broken::ProxyRefused | Broken::Unconnected => {
            error.doing("connecting")
        }
        Broken::NoHttp | Broken::Cut => error.doing("the connection broke off"),
    };
    Failure::new(broken.remedy(), error)
}

fn untrusted(why: Untrusted) -> &'static str {
    match why {
        Untrusted::Expired => "the certificate is too old: who runs the server must renew it",
        Untrusted::NotYet => {
            "the certificate is not valid yet: is the clock of this machine right?"
        }
        Untrusted::OtherHost => {
            "the certificate is another host's: is this the name that the server goes by?"
        }
        Untrusted::Unknown => {
            "where the server has a certificate authority of its own, name the authority's certificate (a file in PEM) with --registry-ca or in FLINKPACK_CA_FILE, or put it into certs.d/HOST of Docker's or podman's configuration"
        }
    }
}
