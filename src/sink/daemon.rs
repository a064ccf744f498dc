//! Into the daemon, sending only the layers it lacks.
//!
//! `POST /images/load` takes an archive from which layers are missing where the
//! daemon has them already. The classic store reads `manifest.json` and looks
//! layers up by chain ID; containerd's reads `index.json` and looks blobs up by
//! digest. The archive has both, so one form serves both stores. What was
//! loaded is looked at afterwards; where it is not what was sent, everything is
//! sent.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::daemon::{ByteStream, Daemon};
use crate::error::{Context, Error, Result};
use crate::image::{Digest, Image, Layer, Origin, Reference};
use crate::report::{Phase, Report, Task};
use crate::store::Store;

/// What the daemon took.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The image's ID in this daemon.
    pub image_id: Digest,
    /// For each layer of the image, whether it was sent.
    pub sent: Vec<bool>,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// Whether the daemon has exactly this image under every name.
pub async fn is_loaded(daemon: &Daemon, image: &Image, names: &[Reference]) -> Result<bool> {
    Ok(verify(daemon, image, names).await?.is_some())
}

/// How many of the image's layers, counted from the lowest, the daemon has for
/// certain: those it has in the same order in an image it knows.
pub async fn layers_there(daemon: &Daemon, image: &Image, known: &[String]) -> Result<usize> {
    let mut there = 0;
    for name in known {
        if let Some(other) = daemon.inspect(name).await? {
            there = there.max(same_layers(&image.layers, &other.diff_ids));
        }
    }
    Ok(there)
}

/// How many layers, counted from the lowest, are the same.
pub fn same_layers(layers: &[Layer], diff_ids: &[Digest]) -> usize {
    layers
        .iter()
        .zip(diff_ids)
        .take_while(|(layer, diff_id)| layer.diff_id == **diff_id)
        .count()
}

/// Loads the image under `names`, leaving out its first `there` layers. Answers
/// `None` where the daemon would not have it that way: then its whole is needed.
pub async fn load(
    daemon: &Daemon,
    store: &Store,
    image: &Image,
    names: &[Reference],
    there: usize,
    report: &Report,
) -> Result<Option<Loaded>> {
    let sent: Vec<&Layer> = image.layers.iter().skip(there).collect();
    let total: u64 = sent
        .iter()
        .filter_map(|layer| layer.descriptor.as_ref())
        .map(|descriptor| descriptor.size)
        .sum();
    let task = Arc::new(report.start(Phase::Load, shown(names), Some(total)));
    let failure = Arc::new(std::sync::Mutex::new(None));
    let count = Arc::new(AtomicU64::new(0));
    let body = body(
        Archive {
            image: image.clone(),
            names: names.to_vec(),
            there,
            store: store.clone(),
        },
        count.clone(),
        task.clone(),
        failure.clone(),
    );
    let loaded = daemon.load(body).await;
    if let Some(error) = failure.lock().ok().and_then(|mut slot| slot.take()) {
        return Err(error);
    }
    let verified = match &loaded {
        Ok(()) => verify(daemon, image, names).await?,
        Err(_) => None,
    };
    let task = Arc::into_inner(task);
    match (verified, loaded) {
        (Some(image_id), _) => {
            if let Some(task) = task {
                task.finish("loaded");
            }
            Ok(Some(Loaded {
                image_id,
                sent: (0..image.layers.len()).map(|at| at >= there).collect(),
                bytes: count.load(Ordering::Relaxed),
            }))
        }
        (None, Err(error)) if there == 0 => Err(hint_of(error)),
        (None, Ok(())) if there == 0 => Err(Error::new(format!(
            "the daemon at {} took the image {} but does not have its layers",
            daemon.address(),
            shown(names)
        ))
        .hint("the daemon's log says more; `docker system df` shows whether its disk is full")),
        (None, loaded) => {
            let why = loaded
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            if let Some(task) = task {
                task.finish("not taken");
            }
            report.detail(format!(
                "the daemon does not have the {there} layers that were left out; sending everything ({why})"
            ));
            Ok(None)
        }
    }
}

fn hint_of(error: Error) -> Error {
    let text = error.to_string();
    if text.contains("no space left") {
        error.hint("the daemon's disk is full: `docker system df` shows what takes the room, `docker image prune` frees some")
    } else {
        error.hint(
            "nothing of the old image was changed; run the command again when the daemon is well",
        )
    }
}

fn shown(names: &[Reference]) -> String {
    names.first().map(Reference::to_string).unwrap_or_default()
}

/// The image's ID, if every name leads to exactly these layers.
async fn verify(daemon: &Daemon, image: &Image, names: &[Reference]) -> Result<Option<Digest>> {
    let mut id = None;
    for name in names {
        let Some(found) = daemon.inspect(&name.to_string()).await? else {
            return Ok(None);
        };
        if found.diff_ids.len() != image.layers.len()
            || found
                .diff_ids
                .iter()
                .zip(&image.layers)
                .any(|(diff_id, layer)| *diff_id != layer.diff_id)
        {
            return Ok(None);
        }
        // The ID is the configuration's digest or the manifest's, by store.
        let is_manifest = image
            .manifest
            .as_ref()
            .is_some_and(|manifest| manifest.digest == found.id);
        if !is_manifest && found.id != Digest::of(&image.config) {
            return Ok(None);
        }
        id = Some(found.id);
    }
    Ok(id)
}

struct Archive {
    image: Image,
    names: Vec<Reference>,
    there: usize,
    store: Store,
}

fn body(
    archive: Archive,
    count: Arc<AtomicU64>,
    task: Arc<Task>,
    failure: Arc<std::sync::Mutex<Option<Error>>>,
) -> ByteStream {
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(2);
    tokio::task::spawn_blocking(move || {
        let sink = io::BufWriter::with_capacity(
            256 << 10,
            Channel {
                sender: sender.clone(),
                count,
            },
        );
        if let Err(error) = archive.write(sink, &task) {
            let _ = sender.blocking_send(Err(io::Error::other(error.to_string())));
            // A daemon that hung up is told by its own answer.
            if !sender.is_closed()
                && let Ok(mut slot) = failure.lock()
            {
                *slot = Some(error);
            }
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

struct Channel {
    sender: tokio::sync::mpsc::Sender<io::Result<Bytes>>,
    count: Arc<AtomicU64>,
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.sender
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Archive {
    fn write(&self, sink: impl Write, task: &Task) -> Result<()> {
        let mut tar = tar::Builder::new(sink);
        let config_digest = Digest::of(&self.image.config);
        let layers: Vec<String> = self
            .image
            .layers
            .iter()
            .map(|layer| {
                let digest = layer
                    .descriptor
                    .as_ref()
                    .map_or(layer.diff_id, |descriptor| descriptor.digest);
                blob_name(&digest)
            })
            .collect();
        let names: Vec<String> = self.names.iter().map(Reference::to_string).collect();
        let docker = json!([{
            "Config": blob_name(&config_digest),
            "RepoTags": names,
            "Layers": layers,
        }]);
        append(&mut tar, "manifest.json", docker.to_string().as_bytes())?;
        append(&mut tar, &blob_name(&config_digest), &self.image.config)?;
        if let Some(manifest) = &self.image.manifest {
            let manifests: Vec<serde_json::Value> = self
                .names
                .iter()
                .map(|name| {
                    json!({
                        "mediaType": manifest.media_type,
                        "digest": manifest.digest,
                        "size": manifest.bytes.len(),
                        "annotations": {
                            "io.containerd.image.name": name.full(),
                            "org.opencontainers.image.ref.name": name.tag,
                        },
                    })
                })
                .collect();
            let index = json!({"schemaVersion": 2, "manifests": manifests});
            append(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
            append(&mut tar, "index.json", index.to_string().as_bytes())?;
            append(&mut tar, &blob_name(&manifest.digest), &manifest.bytes)?;
        }
        for layer in self.image.layers.iter().skip(self.there) {
            self.layer(&mut tar, layer, task)?;
        }
        tar.into_inner()?.flush()?;
        Ok(())
    }

    fn layer<W: Write>(&self, tar: &mut tar::Builder<W>, layer: &Layer, task: &Task) -> Result<()> {
        let descriptor = layer.descriptor.as_ref().ok_or_else(|| {
            Error::new(format!("the layer `{}` has no bytes to send", layer.name))
        })?;
        let file: Box<dyn Read> = match &layer.origin {
            Origin::Store => Box::new(self.store.open_blob(&descriptor.digest)?),
            Origin::File { path, offset } => {
                use io::Seek;
                let mut file =
                    std::fs::File::open(path).doing(|| format!("opening {}", path.display()))?;
                file.seek(io::SeekFrom::Start(*offset))?;
                Box::new(file.take(descriptor.size))
            }
            Origin::Registry(_) | Origin::Daemon { .. } => {
                return Err(Error::new(format!(
                    "the bytes of the layer `{}` were not fetched",
                    layer.name
                )));
            }
        };
        // What was written a moment ago was hashed then.
        let is_known = layer.built;
        let mut checked = Checked {
            inner: file,
            hasher: (!is_known).then(Sha256::new),
            task,
        };
        let mut header = header(descriptor.size);
        tar.append_data(&mut header, blob_name(&descriptor.digest), &mut checked)
            .doing(|| format!("sending the layer `{}`", layer.name))?;
        let found = checked.hasher.map(Digest::finish);
        if found.is_some_and(|found| found != descriptor.digest) {
            if matches!(layer.origin, Origin::Store) {
                self.store.forget_blob(&descriptor.digest);
            }
            return Err(Error::new(format!(
                "the cache's copy of the layer `{}` is corrupted; it was deleted",
                layer.name
            ))
            .tagged("corrupt-blob"));
        }
        Ok(())
    }
}

struct Checked<'a> {
    inner: Box<dyn Read>,
    hasher: Option<Sha256>,
    task: &'a Task,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        self.task.advance(read as u64);
        Ok(read)
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(size);
    header
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> Result<()> {
    tar.append_data(&mut header(bytes.len() as u64), name, bytes)?;
    Ok(())
}
