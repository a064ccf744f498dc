//! Certificates: whose are trusted, and which are shown.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity};

use crate::error::{Context, Error, Result};
use crate::fetch::authorities;

/// The option that names certificate authorities.
const OPTION: &str = "--registry-ca";

/// Which certificates count at which host, beside the system's.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Files of certificate authorities, in PEM, for all registries.
    pub authorities: Vec<PathBuf>,
    /// Folders that hold one folder a host (`HOST[:PORT]`), with authorities as
    /// `*.crt`, and client certificates as `*.cert` with their `*.key`.
    pub folders: Vec<PathBuf>,
}

impl Trust {
    /// The folders that Docker and podman look into, the user's own first.
    pub fn usual_folders() -> Vec<PathBuf> {
        let variable = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let config = variable("XDG_CONFIG_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".config")));
        let own = config
            .into_iter()
            .flat_map(|folder| [folder.join("containers"), folder.join("docker")]);
        own.chain(["/etc/containers".into(), "/etc/docker".into()])
            .map(|folder: PathBuf| folder.join("certs.d"))
            .collect()
    }

    /// Whether there are certificates for `host` alone.
    pub(super) fn is_special(&self, host: &str) -> bool {
        self.of_host(host).next().is_some()
    }

    /// `builder` with the certificates for `host`.
    pub(super) fn apply(&self, mut builder: ClientBuilder, host: &str) -> Result<ClientBuilder> {
        for path in &self.authorities {
            builder =
                builder.tls_certs_merge(authorities::read(path, &format!("the option {OPTION}"))?);
        }
        let mut identity = None;
        for folder in self.of_host(host) {
            let (found, own) =
                read_folder(&folder).doing(|| format!("reading the certificates for {host}"))?;
            builder = builder.tls_certs_merge(found);
            identity = identity.or(own);
        }
        Ok(match identity {
            Some(identity) => builder.identity(identity),
            None => builder,
        })
    }

    fn of_host(&self, host: &str) -> impl Iterator<Item = PathBuf> {
        // A name that leaves its folder is no host's.
        let is_name = !host.contains(['/', '\\']) && !host.starts_with('.');
        let folders = self.folders.iter().map(move |folder| folder.join(host));
        folders.filter(move |folder| is_name && folder.is_dir())
    }
}

/// Authorities, and the first client certificate.
fn read_folder(folder: &Path) -> Result<(Vec<Certificate>, Option<Identity>)> {
    let mut names = Vec::new();
    let listing = || format!("reading the folder {}", folder.display());
    for entry in fs::read_dir(folder).doing(listing)? {
        names.push(entry.doing(listing)?.path());
    }
    names.sort();
    let (mut authorities, mut identity) = (Vec::new(), None);
    for path in &names {
        match path.extension().and_then(|end| end.to_str()) {
            Some("crt") => {
                let named = "the folder of this registry's certificates";
                authorities.extend(authorities::read(path, named)?);
            }
            Some("cert") if identity.is_none() => identity = Some(own(path)?),
            Some("key") if !path.with_extension("cert").exists() => {
                return Err(
                    Error::new(format!("{} has no certificate beside it", path.display()))
                        .hint("a client certificate is NAME.cert, its key NAME.key"),
                );
            }
            _ => {}
        }
    }
    Ok((authorities, identity))
}

fn own(certificate: &Path) -> Result<Identity> {
    let key = certificate.with_extension("key");
    let mut pem = fs::read(certificate)
        .doing(|| format!("reading the client certificate {}", certificate.display()))?;
    pem.push(b'\n');
    pem.extend(
        fs::read(&key)
            .doing(|| format!("reading the key of a client certificate, {}", key.display()))
            .hint(|| "a client certificate is NAME.cert, its key NAME.key; an authority's certificate is NAME.crt")?,
    );
    // The parser's message says nothing of the key's content.
    Identity::from_pem(&pem).doing(|| {
        format!(
            "reading the client certificate {} and its key",
            certificate.display()
        )
    })
}
