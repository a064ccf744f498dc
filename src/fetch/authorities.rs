//! Certificate authorities beside the system's.

use std::path::Path;

use reqwest::Certificate;

use crate::error::{Context, Error, Result};

/// Names a file of certificate authorities, in PEM, that count beside the
/// system's. SSL_CERT_FILE and SSL_CERT_DIR take the place of the system's.
pub const VARIABLE: &str = "FLINKPACK_CA_FILE";

/// What to do about a certificate that nobody known has signed.
pub const HINT: &str = "where the server has a certificate authority of its own, name the authority's certificate (a file in PEM) in FLINKPACK_CA_FILE, or add it to the system's";

/// The certificates of the file that the environment names.
pub(super) fn of_environment() -> Result<Vec<Certificate>> {
    match std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => read(
            Path::new(&path),
            &format!("the environment variable {VARIABLE}"),
        ),
        None => Ok(Vec::new()),
    }
}

/// The certificates of a file that `named_by` names.
pub fn read(path: &Path, named_by: &str) -> Result<Vec<Certificate>> {
    let attempt = || -> Result<Vec<Certificate>> {
        let found = Certificate::from_pem_bundle(&std::fs::read(path)?)?;
        match found.is_empty() {
            true => Err(Error::new("it has no certificate in PEM")
                .hint("PEM begins with -----BEGIN CERTIFICATE-----; `openssl x509 -inform der` makes it of DER")),
            false => Ok(found),
        }
    };
    attempt()
        .doing(|| format!("reading the certificates of {}", path.display()))
        .hint(|| format!("{named_by} names this file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for text in [
            None,
            Some(""),
            Some("text"),
            Some("-----BEGIN CERTIFICATE-----\n"),
        ] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let error = read(&path, VARIABLE).err().unwrap().report();
            assert!(
                error.contains("ca.pem") && error.contains(VARIABLE),
                "{error}"
            );
        }
    }
}
