//! What the daemon says when it refuses something: the one place that reads its
//! messages.

use bollard::errors::Error as DockerError;

use crate::error::{Error, Reason};

/// The error of a refusal, with its reason where that is known.
pub(super) fn error(error: DockerError) -> Error {
    let reason = reason(&error.to_string());
    let error = match error {
        DockerError::DockerResponseServerError { message, .. } => Error::new(message),
        DockerError::DockerStreamError { error } => Error::new(error),
        broken @ (DockerError::HyperLegacyError { .. }
        | DockerError::HyperResponseError { .. }
        | DockerError::IOError { .. }) => {
            Error::from(broken).doing("it hung up before it had all of it")
        }
        other => Error::from(other),
    };
    error.because(reason)
}

/// The reason that a message of the daemon gives.
pub(super) fn reason(message: &str) -> Option<Reason> {
    let known = [
        ("no space left", Reason::DiskFull),
        ("not found", Reason::ImageVanished),
        ("SSL certificate", Reason::CertificateRefused),
        ("HTTP request to an HTTPS server", Reason::WantsTls),
        // nginx in front of it.
        (
            "plain HTTP request was sent to HTTPS port",
            Reason::WantsTls,
        ),
    ];
    let found = known.into_iter().find(|(text, _)| message.contains(text));
    found.map(|(_, reason)| reason)
}
