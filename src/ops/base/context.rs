//! The build context of a base: Dockerfile, entrypoint, distribution; and the
//! OS image below it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use include_dir::{Dir, include_dir};
use tokio_util::io::ReaderStream;

use crate::base::scan::{clean, decompress};
use crate::daemon::{ByteStream, Daemon};
use crate::error::{Context, Error, Result};
use crate::fetch::{Request, download};
use crate::image::Digest;
use crate::ops::Session;

/// The Dockerfile in the context.
pub const DOCKERFILE: &str = "Dockerfile.flink";

static DOCKERFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/dockerfiles");

/// A Flink distribution.
pub enum Distribution {
    /// An unpacked one.
    Folder(PathBuf),
    /// A tar, compressed or not; `shown` is how messages name it.
    Archive {
        /// The file.
        path: PathBuf,
        /// For messages.
        shown: String,
    },
}

impl Distribution {
    /// Finds it: a path from `folder`, or an address, which is fetched and has this SHA-256.
    pub async fn find(
        session: &Session,
        text: &str,
        sha256: Option<&str>,
        folder: &Path,
    ) -> Result<Distribution> {
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = url::Url::parse(text)
                .map_err(|error| Error::usage(format!("--distribution: {error}")))?;
            let wanted = match sha256 {
                Some(sum) => Some(Digest::from_hex(sum)?),
                None => None,
            };
            let shown = crate::fetch::redact::shown(&url);
            if let Some(wanted) = wanted
                && session.store.blob_size(&wanted).is_some()
            {
                let path = session.store.blob_path(&wanted);
                return Ok(Distribution::Archive { path, shown });
            }
            if wanted.is_none() {
                session.report.warn(format!(
                    "{shown} is taken without a checksum: --sha256 pins it"
                ));
            }
            let mut request = Request::new(&url, "the Flink distribution");
            request.sha256 = wanted;
            request.offline = session.offline;
            let (digest, _) = download(&request, &session.store, &session.report).await?;
            let path = session.store.blob_path(&digest);
            return Ok(Distribution::Archive { path, shown });
        }
        let path = folder.join(text);
        let meta = std::fs::metadata(&path)
            .doing(|| format!("looking for the Flink distribution {}", path.display()))
            .hint(|| "--distribution names a folder, a .tgz, or the address of one")?;
        if !meta.is_dir() {
            let shown = path.display().to_string();
            return Ok(Distribution::Archive { path, shown });
        }
        if !path.join("lib").is_dir() {
            return Err(Error::new(format!(
                "{} is not a Flink distribution: it has no lib/",
                path.display()
            )));
        }
        Ok(Distribution::Folder(path))
    }

    /// For messages.
    pub fn shown(&self) -> String {
        match self {
            Distribution::Folder(path) => path.display().to_string(),
            Distribution::Archive { shown, .. } => shown.clone(),
        }
    }
}

/// Why a stream broke, for the one who reads the daemon's answer.
pub type Failure = Arc<Mutex<Option<Error>>>;

/// The context as a tar, streaming.
pub fn stream(
    distribution: Distribution,
    dockerfiles: Option<PathBuf>,
) -> Result<(ByteStream, Failure)> {
    let failure: Failure = Arc::default();
    let (reader, writer) = tokio::io::duplex(1 << 20);
    let told = failure.clone();
    tokio::task::spawn_blocking(move || {
        let writer = tokio_util::io::SyncIoBridge::new(writer);
        if let Err(error) = write(writer, &distribution, dockerfiles.as_deref())
            && let Ok(mut slot) = told.lock()
        {
            *slot = Some(error);
        }
    });
    Ok((
        Box::pin(ReaderStream::with_capacity(reader, 256 << 10)),
        failure,
    ))
}

fn write(
    mut out: tokio_util::io::SyncIoBridge<tokio::io::DuplexStream>,
    distribution: &Distribution,
    dockerfiles: Option<&Path>,
) -> Result<()> {
    {
        let mut tar = tar::Builder::new(io::BufWriter::with_capacity(256 << 10, &mut out));
        tar.follow_symlinks(false);
        match dockerfiles {
            Some(folder) => tar
                .append_dir_all(".", folder)
                .doing(|| format!("reading {}", folder.display()))?,
            None => {
                for file in DOCKERFILES.files() {
                    let mut header = tar::Header::new_gnu();
                    let is_script = file.path().extension().is_some_and(|end| end == "sh");
                    header.set_mode(if is_script { 0o755 } else { 0o644 });
                    header.set_size(file.contents().len() as u64);
                    tar.append_data(&mut header, file.path(), file.contents())?;
                }
            }
        }
        match distribution {
            Distribution::Folder(path) => tar
                .append_dir_all("flink", path)
                .doing(|| format!("reading {}", path.display()))?,
            Distribution::Archive { path, shown } => {
                repack(path, &mut tar).doing(|| format!("reading {shown}"))?;
            }
        }
        tar.into_inner()?.flush()?;
    }
    out.shutdown()?;
    Ok(())
}

/// The archive's one top folder becomes `flink/`.
fn repack<W: Write>(path: &Path, tar: &mut tar::Builder<W>) -> Result<()> {
    let mut archive = tar::Archive::new(decompress(File::open(path)?)?);
    let mut has_lib = false;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = clean(&entry.path_bytes())?;
        let Some((_, rest)) = name.split_once('/') else {
            continue;
        };
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
            continue;
        }
        has_lib |= rest.starts_with("lib/");
        let target = format!("flink/{rest}");
        let mut header = entry.header().clone();
        if kind.is_symlink() || kind.is_hard_link() {
            let link = entry
                .link_name()?
                .ok_or_else(|| Error::new(format!("{name}: a link to nothing")))?
                .into_owned();
            let link = match link.strip_prefix(name.split('/').next().unwrap_or_default()) {
                Ok(inside) if kind.is_hard_link() => Path::new("flink").join(inside),
                _ => link,
            };
            tar.append_link(&mut header, &target, link)?;
        } else {
            tar.append_data(&mut header, &target, &mut entry)?;
        }
    }
    if has_lib {
        Ok(())
    } else {
        Err(Error::new(
            "it is not a Flink distribution: it has no lib/ below one top folder",
        ))
    }
}

/// The OS image's name in the daemon. A root file system is imported, once a
/// content; an image that the daemon has not is pulled.
pub async fn os_image(
    session: &Session,
    docker: &Daemon,
    path: &Path,
    name: &str,
) -> Result<String> {
    if !path.exists() {
        let reference: crate::image::Reference = name
            .parse()
            .hint(|| "--os names an image with a JRE, or a root file system: a tar or a folder")?;
        if docker.inspect(&reference.to_string()).await?.is_none() {
            session.report.note(format!("pulling {reference}"));
            docker.pull(&reference.full()).await?;
        }
        return Ok(reference.to_string());
    }
    let (tag, tar): (String, ByteStream) = if path.is_dir() {
        let folder = path.to_path_buf();
        let tag = format!("flinkpack-os:folder-{}", std::process::id());
        (tag, root_of(folder))
    } else {
        let (digest, _) = session.store.file_digest(path, &|_| None)?;
        let tag = format!("flinkpack-os:{}", digest.short());
        if docker.inspect(&tag).await?.is_some() {
            return Ok(tag);
        }
        let file = tokio::fs::File::open(path)
            .await
            .doing(|| format!("opening {}", path.display()))?;
        (tag, Box::pin(ReaderStream::with_capacity(file, 256 << 10)))
    };
    session.report.note(format!("importing {name} as {tag}"));
    docker.import_root(&tag, tar).await?;
    Ok(tag)
}

fn root_of(folder: PathBuf) -> ByteStream {
    let (reader, writer) = tokio::io::duplex(1 << 20);
    let (sender, receiver) = tokio::sync::oneshot::channel::<io::Error>();
    tokio::task::spawn_blocking(move || {
        let mut out = tokio_util::io::SyncIoBridge::new(writer);
        let mut tar = tar::Builder::new(&mut out);
        tar.follow_symlinks(false);
        let done = tar.append_dir_all(".", &folder).and_then(|()| tar.finish());
        drop(tar);
        if let Err(error) = done {
            let _ = sender.send(error);
        }
    });
    use futures_util::StreamExt;
    let error = futures_util::stream::once(receiver)
        .filter_map(|answer| async move { answer.ok().map(Err::<Bytes, io::Error>) });
    Box::pin(ReaderStream::with_capacity(reader, 256 << 10).chain(error))
}
