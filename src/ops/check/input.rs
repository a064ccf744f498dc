//! What `check` looks at, gathered from an image: its JARs with their facts, its
//! configuration, and the values that might be secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{self, Base, BaseFacts, NodeKind};
use crate::check::{self, Input, Literal, Loader, NamedConnector, PlacedJar};
use crate::error::Result;
use crate::image::{Digest, Origin};
use crate::jar;
use crate::lock::Source;
use crate::manifest::JarSource;
use crate::ops::Session;
use crate::ops::project::locked_layers::LockedLayers;
use crate::ops::project::resolved::Resolved;
use crate::parallel::in_parallel;
use crate::stage::{self, Content, EntryKind, jars};

/// Bytes of a SQL file or another text that are looked at.
const MAX_TEXT: u64 = 1 << 20;

/// Where a JAR's bytes are.
enum Bytes {
    /// At this path of the base.
    Base(String),
    /// In a file of this machine.
    Local(PathBuf),
    /// Nowhere yet.
    Absent,
}

/// A JAR with the way to its bytes.
struct Located {
    jar: PlacedJar,
    bytes: Bytes,
}

/// How much of the base may be read for a check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What is known, and what lies on this machine: a build moves no byte of a
    /// base for its check.
    Cheap,
    /// Everything.
    Full,
}

/// The input, and whether JARs were left unread.
pub struct Gathered {
    /// The input.
    pub input: Input,
    /// Whether something is not known that was worth reading.
    pub partial: bool,
}

/// Of what a manifest comes to.
pub async fn of_resolved(
    session: &Session,
    found: &Resolved,
    locked: &LockedLayers,
    effort: Effort,
) -> Result<Gathered> {
    let base = &found.base;
    let facts = stage::image_facts::facts_of_image(&base.facts, &found.stage, base.layers.len())?;
    let mut located = placed(&facts, base, Some(found));
    // What the build fetches anyway costs nothing.
    let needed = found.absent(session, |plan| locked.has(plan))?;
    let is_here = |sha256: &Digest| session.store.blob_size(sha256).is_some();
    let absent: Vec<Digest> = located
        .iter()
        .filter(|one| matches!(one.bytes, Bytes::Absent))
        .map(|one| one.jar.sha256)
        .filter(|sha256| !jar::is_known(&session.store, sha256) && !is_here(sha256))
        .filter(|sha256| effort == Effort::Full || needed.contains(sha256))
        .collect();
    found.fetch(session, &absent).await?;
    for one in &mut located {
        if matches!(one.bytes, Bytes::Absent) && is_here(&one.jar.sha256) {
            one.bytes = Bytes::Local(session.store.blob_path(&one.jar.sha256));
        }
    }
    let mut gathered = gather(session, base, &facts, located, effort).await?;
    let input = &mut gathered.input;
    let manifest = &found.manifest.content;
    input.catalogue = found.catalogue().clone();
    input.main_class = manifest.job.as_ref().and_then(|job| job.class.clone());
    input.connectors = manifest
        .connectors
        .iter()
        .filter(|(_, spec)| matches!(spec.get_ref().source, JarSource::Catalogue(_)))
        .filter_map(|(name, _)| {
            let entry = found.catalogue().find(name)?;
            Some(NamedConnector {
                name: name.clone(),
                identifiers: entry.identifiers.clone(),
            })
        })
        .collect();
    literals(found, input)?;
    Ok(gathered)
}

/// Of an image as it is.
pub async fn of_image(session: &Session, base: &Base) -> Result<Gathered> {
    let located = placed(&base.facts, base, None);
    gather(session, base, &base.facts, located, Effort::Full).await
}

/// Whether a file of lib/ or plugins/ comes with Flink's own distribution.
fn is_flinks(name: &str) -> bool {
    let own = [
        "flink-dist",
        "flink-table-",
        "flink-table_",
        "flink-csv",
        "flink-json",
        "flink-scala",
        "flink-cep",
        "flink-connector-files",
        "flink-shaded-zookeeper",
        "flink-metrics-",
        "flink-external-resource-",
        "log4j-",
    ];
    own.iter().any(|prefix| name.starts_with(prefix))
}

/// Every JAR that somebody loads.
fn placed(facts: &BaseFacts, base: &Base, found: Option<&Resolved>) -> Vec<Located> {
    let artifacts: BTreeMap<String, &crate::resolve::Artifact> = found
        .iter()
        .flat_map(|found| &found.artifacts)
        .map(|artifact| (jars::path_of(&base.facts, artifact), artifact))
        .collect();
    let prefix = facts.under_home("");
    let mut out = Vec::new();
    for (path, node) in &facts.nodes {
        let Some(below) = path.strip_prefix(&prefix) else {
            continue;
        };
        let Some(loader) = Loader::of(below) else {
            continue;
        };
        let is_jar = below.ends_with(".jar") && node.kind != NodeKind::Folder;
        let Some((file, sha256)) = is_jar.then(|| base::jar_file(facts, path)).flatten() else {
            continue;
        };
        let artifact = artifacts.get(below);
        let copied = artifact.and_then(|artifact| match &artifact.source {
            Source::Base(from) => Some(base.facts.under_home(from)),
            _ => None,
        });
        let bytes = match found.and_then(|found| found.stage.get(&file)) {
            Some(_) if copied.is_some() => Bytes::Base(copied.unwrap_or_default()),
            Some(entry) => match &entry.kind {
                EntryKind::File { content, .. } => match content {
                    Content::Local(path) => Bytes::Local(path.clone()),
                    _ => Bytes::Absent,
                },
                _ => continue,
            },
            None => Bytes::Base(file),
        };
        let of_base = match found {
            Some(_) => matches!(bytes, Bytes::Base(_)),
            None => loader == Loader::Tool || is_flinks(below.rsplit('/').next().unwrap_or(below)),
        };
        let coordinates = artifact.and_then(|artifact| artifact.source.coordinates());
        out.push(Located {
            jar: PlacedJar {
                path: below.to_string(),
                loader,
                sha256,
                coordinates: coordinates.cloned(),
                kind: artifact.map(|artifact| artifact.kind),
                of_base,
                facts: None,
            },
            bytes,
        });
    }
    out
}

async fn gather(
    session: &Session,
    base: &Base,
    facts: &BaseFacts,
    mut located: Vec<Located>,
    effort: Effort,
) -> Result<Gathered> {
    let alone: BTreeSet<Loader> = {
        let mut counts: BTreeMap<Loader, usize> = BTreeMap::new();
        for one in &located {
            *counts.entry(one.jar.loader.clone()).or_default() += 1;
        }
        let single = counts.into_iter().filter(|(_, count)| *count == 1);
        single.map(|(loader, _)| loader).collect()
    };
    // A plugin that is one JAR of the base's has nothing to conflict with.
    let is_worth = |one: &Located| {
        let is_plugin = matches!(one.jar.loader, Loader::Plugin(_));
        !(is_plugin && one.jar.of_base && alone.contains(&one.jar.loader))
    };
    let mut of_base = BTreeMap::new();
    let mut local = BTreeMap::new();
    for one in located.iter().filter(|one| is_worth(one)) {
        if jar::is_known(&session.store, &one.jar.sha256) {
            continue;
        }
        match &one.bytes {
            Bytes::Base(file) => drop(of_base.insert(file.clone(), one.jar.sha256)),
            Bytes::Local(path) => {
                local.insert(one.jar.sha256, (path.clone(), one.jar.path.clone()));
            }
            Bytes::Absent => {}
        }
    }
    let is_cheap = base.layers.iter().all(|layer| {
        let descriptor = layer.descriptor.as_ref();
        let known = descriptor.and_then(|one| session.store.blob_size(&one.digest));
        known.is_some() || !matches!(layer.origin, Origin::Registry(_) | Origin::Daemon { .. })
    });
    if effort == Effort::Cheap && !is_cheap {
        of_base.clear();
    }
    learn(session, base, of_base, local).await?;
    load(session, &mut located, &is_worth)?;
    let partial = located
        .iter()
        .any(|one| is_worth(one) && one.jar.facts.is_none());
    let store = session.store.clone();
    let empty = plugins_without_jar(facts);
    Ok(Gathered {
        input: Input {
            flink: facts.flink.clone(),
            scala: facts.scala.clone(),
            java: facts.java,
            empty_plugins: empty,
            jars: located.into_iter().map(|one| one.jar).collect(),
            config: stage::config::effective(facts),
            sql: Vec::new(),
            main_class: None,
            connectors: Vec::new(),
            literals: Vec::new(),
            catalogue: crate::catalogue::Catalogue::embedded(),
            texts: Box::new(move |sha256| jar::texts(&store, sha256)),
        },
        partial,
    })
}

/// Reads these JARs: those of this machine while the base's come.
async fn learn(
    session: &Session,
    base: &Base,
    of_base: BTreeMap<String, Digest>,
    local: BTreeMap<Digest, (PathBuf, String)>,
) -> Result<()> {
    let learner = jar::Learner::new(&session.store, of_base.len() + local.len());
    // The last one has no other beside it: that is a small one.
    let mut local: Vec<_> = local.into_iter().collect();
    local.sort_by_key(|(_, (path, _))| std::fs::metadata(path).map_or(0, |file| file.len()));
    let queue = learner.queue();
    let local = tokio::task::spawn_blocking(move || {
        let mut largest_first = local.into_iter().rev();
        largest_first.try_for_each(|(sha256, (path, shown))| queue.learn(path, &sha256, &shown))
    });
    if !of_base.is_empty() {
        base::learn(&session.sources().await, base, of_base, learner.queue()).await?;
    }
    local.await??;
    learner.finish().await
}

/// Folders under plugins/ in which Flink finds no JAR: it looks right under them.
fn plugins_without_jar(facts: &BaseFacts) -> Vec<String> {
    let prefix = facts.under_home("plugins/");
    let below = facts.nodes.range(prefix.clone()..);
    let below = below.take_while(|(path, _)| path.starts_with(&prefix));
    let mut folders: BTreeMap<&str, bool> = BTreeMap::new();
    for (path, node) in below {
        let (folder, file) = match path[prefix.len()..].split_once('/') {
            Some((folder, file)) => (folder, Some(file)),
            None if node.kind == NodeKind::Folder => (&path[prefix.len()..], None),
            None => continue,
        };
        let is_jar = |file: &str| {
            file.ends_with(".jar") && !file.contains('/') && node.kind != NodeKind::Folder
        };
        *folders.entry(folder).or_default() |= file.is_some_and(is_jar);
    }
    let without = folders.into_iter().filter(|(_, has_jar)| !has_jar);
    without.map(|(folder, _)| folder.to_string()).collect()
}

/// Loads the facts of these JARs, on all processors.
fn load(
    session: &Session,
    located: &mut [Located],
    is_worth: &dyn Fn(&Located) -> bool,
) -> Result<()> {
    let mut wanted: Vec<&mut PlacedJar> = located
        .iter_mut()
        .filter(|one| is_worth(one))
        .map(|one| &mut one.jar)
        .collect();
    let facts = in_parallel(wanted.len(), |at| {
        Ok(jar::known(&session.store, &wanted[at].sha256).map(Arc::new))
    })?;
    for (jar, facts) in wanted.iter_mut().zip(facts) {
        jar.facts = facts;
    }
    Ok(())
}

/// Values of the manifest and of small text files, and the SQL files.
fn literals(found: &Resolved, input: &mut Input) -> Result<()> {
    let manifest = &found.manifest.content;
    let mut literals = Vec::new();
    let mut sql = Vec::new();
    let mut add = |place: &str, key: Option<&str>, value: &str| {
        literals.push(Literal {
            place: place.to_string(),
            key: key.map(str::to_string),
            value: value.to_string(),
        });
    };
    if let Some(config) = &manifest.config {
        for (key, value) in stage::config_value::flatten(config.get_ref())? {
            match value {
                stage::config_value::Value::Text(text)
                | stage::config_value::Value::Plain(text) => {
                    add("[config]", Some(&key), &text);
                }
                stage::config_value::Value::List(texts) => {
                    texts
                        .iter()
                        .for_each(|text| add("[config]", Some(&key), text));
                }
            }
        }
    }
    for (key, value) in &manifest.image.env {
        add("[image.env]", Some(key), value);
    }
    let mut args = manifest.job.iter().flat_map(|job| &job.args).peekable();
    while let Some(arg) = args.next() {
        match arg.split_once('=') {
            Some((key, value)) => add("[job] args", Some(key), value),
            None if arg.starts_with('-') => {
                if let Some(value) = args.peek().filter(|value| !value.starts_with('-')) {
                    add("[job] args", Some(arg), value);
                }
            }
            None => add("[job] args", None, arg),
        }
    }
    for entry in found.stage.entries() {
        let EntryKind::File { content, size, .. } = &entry.kind else {
            continue;
        };
        let (Content::Local(path), true) = (content, entry.reason.starts_with("[files]")) else {
            continue;
        };
        let is_sql = entry.path.ends_with(".sql");
        if !is_sql && !check::is_text_worth_reading(&entry.path, *size) {
            continue;
        }
        let Some(text) = small_text(path) else {
            continue;
        };
        let place = format!("[files] /{}", entry.path);
        pairs(&text, |key, value| add(&place, key, value));
        if is_sql {
            sql.push((format!("/{}", entry.path), text));
        }
    }
    input.literals = literals;
    input.sql = sql;
    Ok(())
}

/// Tells the keys and values of a text's lines, and the text as a whole.
pub(in crate::ops) fn pairs(text: &str, mut tell: impl FnMut(Option<&str>, &str)) {
    for line in text.lines() {
        let line = line.trim();
        let pair = line.split_once('=').or_else(|| line.split_once(": "));
        let is_key = |key: &str| !key.is_empty() && !key.contains([' ', '<', '"', '#', '\'']);
        if let Some((key, value)) = pair
            && is_key(key.trim())
        {
            let value = value.trim().trim_matches(['"', '\'']);
            tell(Some(key.trim()), value);
        }
    }
    tell(None, text);
}

fn small_text(path: &std::path::Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAX_TEXT).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}
