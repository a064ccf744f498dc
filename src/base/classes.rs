//! The classes that a base has on its class path: those of the JARs in lib/.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::scan::{clean, decompress};
use super::{Base, BaseFacts, NodeKind, Sources, extract, materialise};
use crate::daemon::read_ahead;
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::jar::{self, Queue};
use crate::report::Phase;
use crate::store::Store;

/// A JAR of the base's lib/.
#[derive(Clone, Debug)]
pub struct LibJar {
    /// Its path under FLINK_HOME.
    pub path: String,
    /// Its content.
    pub sha256: Digest,
    /// The names of its classes, with slashes, sorted.
    pub classes: Vec<String>,
}

/// The JARs in lib/ with their digests, and with the paths of the files that
/// links lead to: what decides the answer of [`lib_classes`].
pub fn lib_jars(facts: &BaseFacts) -> Vec<(String, String, Digest)> {
    let jars = facts
        .children("lib")
        .filter(|(name, _)| name.ends_with(".jar"));
    jars.filter_map(|(name, _)| {
        let (file, sha256) = jar_file(facts, &facts.under_home(&format!("lib/{name}")))?;
        Some((format!("lib/{name}"), file, sha256))
    })
    .collect()
}

/// The file that a JAR's path ends at, links followed, and its content.
pub fn jar_file(facts: &BaseFacts, path: &str) -> Option<(String, Digest)> {
    let file = target(facts, path)?;
    let sha256 = facts.nodes.get(&file)?.sha256?;
    Some((file, sha256))
}

/// The file that a link ends at.
fn target(facts: &BaseFacts, link: &str) -> Option<String> {
    let mut path = link.to_string();
    // Forty links is what Linux follows before it gives up (path_resolution(7)).
    for _ in 0..40 {
        let node = facts.nodes.get(&path)?;
        let Some(to) = node.target.as_ref().filter(|_| node.kind == NodeKind::Link) else {
            return Some(path);
        };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        path = match to.starts_with('/') {
            true => facts.resolve(to),
            false => facts.resolve(&format!("{folder}/{to}")),
        };
    }
    None
}

/// The classes of every JAR in lib/. The base's bytes are read once for a JAR;
/// what was learnt is kept by the JAR's digest, so that another base with the
/// same JAR costs nothing.
pub async fn lib_classes(sources: &Sources<'_>, base: &Base) -> Result<Vec<LibJar>> {
    let jars = lib_jars(&base.facts);
    let lacking: BTreeMap<String, Digest> = jars
        .iter()
        .filter(|(_, _, sha256)| jar::known_classes(sources.store, sha256).is_none())
        .map(|(_, file, sha256)| (file.clone(), *sha256))
        .collect();
    let learner = jar::Learner::new(sources.store, lacking.len());
    learn(sources, base, lacking, learner.queue()).await?;
    learner.finish().await?;
    jars.into_iter()
        .map(|(path, _, sha256)| {
            let classes = jar::known_classes(sources.store, &sha256)
                .ok_or_else(|| Error::new(format!("the class names of {path} were not kept")))?;
            Ok(LibJar {
                path,
                sha256,
                classes,
            })
        })
        .collect()
}

/// Hands these JARs of the base in: paths without leading slash, with their content.
/// The base's bytes are read once.
pub async fn learn(
    sources: &Sources<'_>,
    base: &Base,
    mut files: BTreeMap<String, Digest>,
    queue: Queue,
) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let task = sources
        .report
        .start(Phase::Base, "reading the classes in lib/", None);
    read(sources, base, &mut files, &queue)
        .await
        .doing(|| format!("reading the classes in lib/ of the base {}", base.reference))?;
    task.finish("read");
    Ok(())
}

/// Reads these JARs, by as few passes as it takes.
async fn read(
    sources: &Sources<'_>,
    base: &Base,
    lacking: &mut BTreeMap<String, Digest>,
    queue: &Queue,
) -> Result<()> {
    if let (Some(image), Some(daemon)) = (base.daemon_id, sources.daemon) {
        for folder in ["lib", "usrlib", "plugins"] {
            let folder = base.facts.under_home(folder);
            let is_below = |file: &String| {
                let below = file.strip_prefix(&folder);
                below.is_some_and(|below| below.starts_with('/'))
            };
            if !lacking.keys().any(is_below) {
                continue;
            }
            let prefix = folder
                .rsplit_once('/')
                .map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let download = daemon
                .download(&image.to_string(), &format!("/{folder}"))
                .await?;
            let reader = read_ahead(download.bytes);
            let left = pass(
                sources,
                reader,
                prefix,
                std::mem::take(lacking),
                queue.clone(),
            )
            .await;
            daemon.remove_container(&download.container).await?;
            *lacking = left?;
        }
    } else {
        for (index, layer) in base.layers.iter().enumerate() {
            let holds = |file: &String| {
                let node = base.facts.nodes.get(file);
                node.is_some_and(|node| node.layer == index)
            };
            if lacking.keys().any(holds) {
                let reader = materialise::open_layer(sources, layer).await?;
                *lacking = pass(
                    sources,
                    reader,
                    String::new(),
                    std::mem::take(lacking),
                    queue.clone(),
                )
                .await?;
            }
        }
    }
    // What these only link to.
    for (file, sha256) in std::mem::take(lacking) {
        extract(sources, base, &file).await?;
        let blob = sources.store.blob_path(&sha256);
        let (queue, shown) = (queue.clone(), file.clone());
        tokio::task::spawn_blocking(move || queue.learn(blob, &sha256, &shown)).await??;
    }
    Ok(())
}

/// Goes over a tar whose paths lack `prefix`, and answers what was not in it.
async fn pass(
    sources: &Sources<'_>,
    reader: impl Read + Send + 'static,
    prefix: String,
    mut lacking: BTreeMap<String, Digest>,
    queue: Queue,
) -> Result<BTreeMap<String, Digest>> {
    let store = sources.store.clone();
    tokio::task::spawn_blocking(move || {
        let mut archive = tar::Archive::new(decompress(reader)?);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = format!("{prefix}{}", clean(&entry.path_bytes())?);
            if !entry.header().entry_type().is_file() {
                continue;
            }
            if let Some(sha256) = lacking.get(&path)
                && keep(&mut entry, &store, sha256, &path, &queue)?
            {
                lacking.remove(&path);
            }
            if lacking.is_empty() {
                break;
            }
        }
        Ok(lacking)
    })
    .await?
}

/// Says whether the bytes were those of the digest: a lower layer may have the
/// path with other content.
fn keep(
    reader: &mut impl Read,
    store: &Store,
    sha256: &Digest,
    path: &str,
    queue: &Queue,
) -> Result<bool> {
    let mut file = tempfile::NamedTempFile::new_in(store.temporary()?)?;
    let mut hashed = Hashed {
        file: file.as_file_mut(),
        hasher: sha2::Sha256::default(),
    };
    io::copy(reader, &mut hashed)?;
    if Digest::finish(hashed.hasher) != *sha256 {
        return Ok(false);
    }
    queue.learn(file, sha256, path)?;
    Ok(true)
}

struct Hashed<'a> {
    file: &'a mut std::fs::File,
    hasher: sha2::Sha256,
}

impl io::Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        sha2::Digest::update(&mut self.hasher, &bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
