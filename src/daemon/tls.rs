//! Certificates for a daemon behind TLS: `ca.pem`, `cert.pem` and `key.pem` in one
//! folder, as docker's client has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::errors::Error as DockerError;
use bollard::{BollardRequest, ClientVersion, Docker};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::error::{Context, Error, Result};

/// A folder with the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificates {
    folder: PathBuf,
    /// Whether the daemon's own has to be of the authority in `ca.pem`.
    verifies: bool,
}

impl Certificates {
    /// Of this folder, which must have all three.
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
            verifies: true,
        })
    }

    /// For a daemon whose certificate is not looked at: of the folder, which need not
    /// be there, `cert.pem` and `key.pem` are shown to it.
    pub fn unverified(folder: &Path) -> Certificates {
        Certificates {
            folder: folder.to_path_buf(),
            verifies: false,
        }
    }

    /// A client that checks the daemon's certificate and shows its own.
    pub fn connect(&self, address: &str, patience: u64, version: &ClientVersion) -> Result<Docker> {
        if !self.verifies {
            return self.connect_unverified(address, patience, version);
        }
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

    fn connect_unverified(
        &self,
        address: &str,
        patience: u64,
        version: &ClientVersion,
    ) -> Result<Docker> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)));
        let config = match self.own()? {
            Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
            None => config.with_no_client_auth(),
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let transport = move |request: BollardRequest| {
            let answer = client.request(request);
            async move { answer.await.map_err(DockerError::from) }
        };
        let address = address.replacen("tcp://", "https://", 1);
        let docker =
            Docker::connect_with_custom_transport(transport, Some(address), patience, version)?;
        Ok(docker)
    }

    /// What is shown to the daemon, if there is such.
    fn own(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let (chain, key) = (self.folder.join("cert.pem"), self.folder.join("key.pem"));
        if !chain.is_file() || !key.is_file() {
            return Ok(None);
        }
        let doing = |path: &Path| format!("reading {}", path.display());
        let certificates = CertificateDer::pem_file_iter(&chain).doing(|| doing(&chain))?;
        let certificates = certificates.collect::<std::result::Result<_, _>>();
        Ok(Some((
            certificates.doing(|| doing(&chain))?,
            PrivateKeyDer::from_pem_file(&key).doing(|| doing(&key))?,
        )))
    }
}

/// Whether TLS failed because one side does not accept the other's certificate.
pub fn is_about_certificates(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::AlertReceived(_)
    )
}

/// Takes every certificate, though not every signature.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.0.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
