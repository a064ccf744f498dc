//! The Docker daemon: the one place that knows bollard.

mod host;
mod load;
mod read_ahead;
mod refusal;
mod ssh;
mod tls;

pub use load::{Archive, Loading};
pub use read_ahead::read_ahead;

use std::pin::Pin;

use bollard::errors::Error as DockerError;
use bollard::query_parameters::{
    BuildImageOptionsBuilder, CreateContainerOptionsBuilder, CreateImageOptionsBuilder,
    DownloadFromContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use bollard::{ClientVersion, Docker};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use crate::error::{Context, Error, Reason, Result};
use crate::image::{Digest, Platform};
use crate::store::{Bucket, Store};

/// Seconds a request may wait for its answer's first byte. A load answers only
/// when all is unpacked, which takes minutes for a large image on a slow disk.
const PATIENCE: u64 = 3600;

/// Bytes on their way.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// How the daemon keeps images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageStore {
    /// Docker's own, by chain ID.
    Classic,
    /// containerd's, by digest.
    Containerd,
}

/// What the daemon says of an image.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The image's ID: the configuration's digest on the classic store, the
    /// manifest's or index's on containerd's.
    pub id: Digest,
    /// `repository@digest` of each registry it came from or went to.
    pub repo_digests: Vec<String>,
    /// Diff IDs of its layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// `NAME=value` lines.
    pub env: Vec<String>,
    /// Labels.
    pub labels: std::collections::HashMap<String, String>,
    /// What it runs on.
    pub platform: Platform,
}

/// A path of an image on its way.
pub struct Download {
    /// The container to remove when the bytes were read.
    pub container: String,
    /// A tar.
    pub bytes: ByteStream,
}

/// A daemon that answered.
pub struct Daemon {
    docker: Docker,
    host: host::Host,
    store: OnceCell<ImageStore>,
}

impl Daemon {
    /// Connects to the daemon that the environment names. The version of the
    /// API that was agreed on last time is tried first: agreeing takes a
    /// request that daemons answer slowly, since it asks for the versions of
    /// all their parts.
    pub async fn connect(store: &Store) -> Result<Daemon> {
        let host = host::find()?;
        let key = format!("docker-api {}", host.address);
        let known: Option<(usize, usize)> = store.get(Bucket::Builds, &key);
        if let Some((major_version, minor_version)) = known {
            let version = ClientVersion {
                major_version,
                minor_version,
            };
            let (docker, said) = connect(&host, &version)?;
            match docker.ping().await {
                Ok(_) => return Ok(Daemon::new(docker, host)),
                // A newer or older daemon came in its place.
                Err(DockerError::DockerResponseServerError { .. }) => {}
                Err(error) => return Err(unreachable(error, &host, said.as_ref())),
            }
        }
        let (docker, said) = connect(&host, bollard::API_DEFAULT_VERSION)?;
        let docker = docker
            .negotiate_version()
            .await
            .map_err(|error| unreachable(error, &host, said.as_ref()))?;
        let agreed = docker.client_version();
        // Only a help: without it the version is agreed on again.
        let _ = store.put(
            Bucket::Builds,
            &key,
            &(agreed.major_version, agreed.minor_version),
        );
        Ok(Daemon::new(docker, host))
    }

    fn new(docker: Docker, host: host::Host) -> Daemon {
        Daemon {
            docker,
            host,
            store: OnceCell::new(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.host.address
    }

    /// How it keeps images.
    pub async fn store(&self) -> Result<ImageStore> {
        self.store
            .get_or_try_init(|| async {
                let info = self
                    .docker
                    .info()
                    .await
                    .map_err(Error::from)
                    .doing(|| self.doing("asking for its image store"))?;
                let containerd = info.driver_status.into_iter().flatten().any(|row| {
                    row.iter()
                        .any(|cell| cell == "io.containerd.snapshotter.v1")
                });
                Ok(if containerd {
                    ImageStore::Containerd
                } else {
                    ImageStore::Classic
                })
            })
            .await
            .copied()
    }

    /// What it says of an image; `None` where it has none of this name.
    pub async fn inspect(&self, name: &str) -> Result<Option<Inspected>> {
        let doing = || self.doing(&format!("looking for the image {name}"));
        let answer = match self.docker.inspect_image(name).await {
            Ok(answer) => answer,
            Err(DockerError::DockerResponseServerError {
                status_code: 404, ..
            }) => return Ok(None),
            // Of an image whose blobs it lost, containerd's store tells no layers.
            Err(DockerError::JsonDataError { .. }) => {
                return Err(
                    Error::new("it has lost a part of the image, though not its name")
                        .because(Reason::DamagedImage)
                        .doing(doing())
                        .hint(format!("`docker rmi {name}`, and pull or load it again")),
                );
            }
            Err(error) => return Err(Error::from(error).doing(doing())),
        };
        let id = answer.id.unwrap_or_default().parse().doing(doing)?;
        let diff_ids = answer
            .root_fs
            .and_then(|root| root.layers)
            .unwrap_or_default()
            .iter()
            .map(|diff_id| diff_id.parse())
            .collect::<Result<_>>()
            .doing(doing)?;
        let config = answer.config.unwrap_or_default();
        Ok(Some(Inspected {
            id,
            repo_digests: answer.repo_digests.unwrap_or_default(),
            diff_ids,
            env: config.env.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            platform: Platform {
                os: answer.os.unwrap_or_default(),
                architecture: answer.architecture.unwrap_or_default(),
                variant: answer.variant.filter(|variant| !variant.is_empty()),
            },
        }))
    }

    /// What the daemon says of an image, where one that is not whole counts as none.
    pub async fn inspect_whole(&self, name: &str) -> Result<Option<Inspected>> {
        match self.inspect(name).await {
            Err(error) if error.is(Reason::DamagedImage) => Ok(None),
            outcome => outcome,
        }
    }

    /// The image as an archive, streaming: what `docker save` writes.
    pub fn export(&self, name: &str) -> ByteStream {
        let docker = self.docker.clone();
        let name = name.to_string();
        Box::pin(async_stream(move || docker.export_image(&name).boxed()))
    }

    /// A path of an image, as a tar, streaming. The image is not started: it is
    /// read through a container that the caller removes afterwards.
    pub async fn download(&self, image: &str, path: &str) -> Result<Download> {
        let body = bollard::models::ContainerCreateBody {
            image: Some(image.to_string()),
            // Never run; the classic store refuses a container without a command.
            cmd: Some(vec!["true".to_string()]),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::default().build();
        let container = self
            .docker
            .create_container(Some(options), body)
            .await
            .doing(|| self.doing(&format!("reading {path} of the image {image}")))?
            .id;
        let docker = self.docker.clone();
        let (from, path) = (container.clone(), path.to_string());
        let bytes = async_stream(move || {
            let options = DownloadFromContainerOptionsBuilder::default()
                .path(&path)
                .build();
            docker.download_from_container(&from, Some(options)).boxed()
        });
        Ok(Download {
            container,
            bytes: Box::pin(bytes),
        })
    }

    /// Removes a container that was never started.
    pub async fn remove_container(&self, container: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        self.docker
            .remove_container(container, Some(options))
            .await
            .doing(|| self.doing("removing the container that was used for reading"))
    }

    /// Makes an image of a root file system's tar: what `docker import` does.
    pub async fn import_root(&self, tag: &str, tar: ByteStream) -> Result<()> {
        let (repository, tag_only) = tag.rsplit_once(':').unwrap_or((tag, "latest"));
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repository)
            .tag(tag_only)
            .build();
        let mut answers =
            self.docker
                .create_image(Some(options), Some(bollard::body_try_stream(tar)), None);
        while let Some(answer) = answers.next().await {
            answer.doing(|| self.doing(&format!("importing a root file system as {tag}")))?;
        }
        Ok(())
    }

    /// Pulls an image; needed only for the OS image of a base.
    pub async fn pull(&self, reference: &str) -> Result<()> {
        let options = CreateImageOptionsBuilder::default()
            .from_image(reference)
            .build();
        let mut answers = self.docker.create_image(Some(options), None, None);
        while let Some(answer) = answers.next().await {
            answer.doing(|| self.doing(&format!("pulling {reference}")))?;
        }
        Ok(())
    }

    /// Builds an image from a context; tells each line of the build. Answers
    /// nothing: the image has the tag.
    pub async fn build(
        &self,
        context: ByteStream,
        dockerfile: &str,
        arguments: &std::collections::HashMap<String, String>,
        tag: &str,
        mut line: impl FnMut(&str),
    ) -> Result<()> {
        let options = BuildImageOptionsBuilder::default()
            .dockerfile(dockerfile)
            .t(tag)
            .buildargs(arguments)
            .rm(true)
            .forcerm(true)
            .build();
        let mut answers =
            self.docker
                .build_image(options, None, Some(bollard::body_try_stream(context)));
        let doing = || self.doing(&format!("building {tag}"));
        while let Some(answer) = answers.next().await {
            let answer = answer.doing(doing)?;
            if let Some(detail) = answer.error_detail {
                return Err(Error::new(detail.message.unwrap_or_default()).doing(doing()));
            }
            if let Some(text) = answer.stream {
                text.lines()
                    .filter(|text| !text.trim().is_empty())
                    .for_each(&mut line);
            }
        }
        Ok(())
    }

    /// Gives an image a further tag.
    pub async fn tag(&self, image: &str, repository: &str, tag: &str) -> Result<()> {
        let options = TagImageOptionsBuilder::default()
            .repo(repository)
            .tag(tag)
            .build();
        self.docker
            .tag_image(image, Some(options))
            .await
            .doing(|| self.doing(&format!("tagging {image} as {repository}:{tag}")))
    }

    /// Removes a tag, and the image where it was the last one. What the image was
    /// made of stays: another build may be standing on it.
    pub async fn untag(&self, name: &str) -> Result<()> {
        let options = RemoveImageOptionsBuilder::default().noprune(true).build();
        self.docker
            .remove_image(name, Some(options), None)
            .await
            .doing(|| self.doing(&format!("removing the tag {name}")))?;
        Ok(())
    }

    fn doing(&self, what: &str) -> String {
        format!("{what}: the Docker daemon at {}", self.host.address)
    }
}

/// Owns what a borrowed stream borrows: the client and the name.
fn async_stream<F>(open: F) -> impl Stream<Item = std::io::Result<Bytes>> + Send
where
    F: FnOnce() -> Pin<Box<dyn Stream<Item = std::result::Result<Bytes, DockerError>> + Send>>
        + Send
        + 'static,
{
    futures_util::stream::once(async move { open() })
        .flatten()
        .map_err(std::io::Error::other)
}

/// A client, and what is behind it that can say why it does not get through.
fn connect(host: &host::Host, version: &ClientVersion) -> Result<(Docker, Option<ssh::Said>)> {
    let address = host.address.as_str();
    let (scheme, _) = address.split_once("://").unwrap_or_default();
    let docker = match (scheme, &host.certificates) {
        ("unix", _) => Docker::connect_with_unix(address, PATIENCE, version)
            .map_err(|error| unreachable(error, host, None))?,
        ("tcp", Some(certificates)) => certificates
            .connect(address, PATIENCE, version)
            .doing(|| doing_connect(host))?,
        ("tcp" | "http", _) => Docker::connect_with_http(address, PATIENCE, version)?,
        ("ssh", _) => {
            let (docker, said) =
                ssh::connect(address, PATIENCE, version).doing(|| doing_connect(host))?;
            return Ok((docker, Some(said)));
        }
        _ => {
            return Err(Error::new(format!(
                "the address `{address}` is neither unix:// nor tcp:// nor ssh://"
            ))
            .doing(doing_connect(host))
            .hint("DOCKER_HOST names another one, such as unix:///var/run/docker.sock"));
        }
    };
    Ok((docker, None))
}

fn doing_connect(host: &host::Host) -> String {
    format!(
        "connecting to the Docker daemon at {} (from {})",
        host.address, host.said_by
    )
}

fn unreachable(error: DockerError, host: &host::Host, said: Option<&ssh::Said>) -> Error {
    if let Some(said) = said.and_then(ssh::Said::last) {
        return Error::new(format!("ssh says: {said}"))
            .doing(doing_connect(host))
            .hint("does `ssh HOST docker version` work without a question? It needs a key in an agent, a known host, and docker on the other side");
    }
    let reason = refusal::reason(&error.to_string());
    let out = Error::from(error).doing(doing_connect(host));
    let io = out.find::<std::io::Error>().map(std::io::Error::kind);
    if io == Some(std::io::ErrorKind::PermissionDenied) {
        return out.hint("the socket is there, but this user may not use it: join the `docker` group, or set DOCKER_HOST to a daemon of your own");
    }
    let is_refused = reason == Some(Reason::CertificateRefused)
        || out.find().is_some_and(tls::is_about_certificates);
    if host.certificates.is_some() && is_refused {
        return out.because(Reason::CertificateRefused).hint("ca.pem must hold the authority of the daemon's certificate, cert.pem and key.pem what the daemon lets in");
    }
    if host.certificates.is_none() && reason == Some(Reason::WantsTls) {
        return out.because(Reason::WantsTls).hint("it wants TLS: DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH with ca.pem, cert.pem and key.pem");
    }
    out.hint("is it running? DOCKER_HOST names another one")
        .hint("without a daemon, `flinkpack build --push` goes straight to the registry, and --output oci:DIR writes a folder")
}
