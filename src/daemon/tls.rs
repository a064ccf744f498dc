//! Certificates for a daemon behind TLS: `ca.pem`, `cert.pem` and `key.pem` in one
//! folder, as docker's client has them.

use std::path::{Path, PathBuf};

use bollard::{ClientVersion, Docker};

use crate::error::{Error, Result};

/// A folder with the three files.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Of this folder, all of which must be there.
    pub fn of(folder: &Path) -> Result<Certificates> {
        for name in ["ca.pem", "cert.pem", "key.pem"] {
            let path = folder.join(name);
            if !path.is_file() {
                return Err(Error::new(format!("there is no {}", path.display()))
                    .doing("reading the certificates for the Docker daemon")
                    .hint("DOCKER_CERT_PATH names the folder with ca.pem, cert.pem and key.pem"));
            }
        }
        Ok(Certificates {
            folder: folder.to_path_buf(),
        })
    }

    /// A client that checks the daemon's certificate and shows its own.
    pub fn connect(&self, address: &str, patience: u64, version: &ClientVersion) -> Result<Docker> {
        // An error only where there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Docker::connect_with_ssl(
            address,
            &self.folder.join("key.pem"),
            &self.folder.join("cert.pem"),
            &self.folder.join("ca.pem"),
            patience,
            version,
        )?)
    }
}
