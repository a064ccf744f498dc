//! Reading a JAR whole: on several processors, within bounds.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::archive::{Archive, EntryContent, Inflater};
use super::build::{Builder, Prepared, Told};
use super::class_file::{self, ClassFile};
use super::facts::{Extras, JarFacts, Service};
use super::name::{self, Scatter};
use super::signed;
use super::table::Table;
use super::texts::TextsWriter;
use crate::error::{Context, Error, Result};

/// No class file that Java takes is larger than this by much: its parts are
/// counted with 16 bits.
const MAX_CLASS: u64 = 16 << 20;
/// Bytes of class files that are read of one JAR; what is beyond is counted as
/// unreadable. The largest JARs seen have a tenth of it.
const MAX_ALL: u64 = 2 << 30;
/// Bytes of the texts that the classes of one JAR name, each as often as it is named;
/// those of Flink 1.20's flink-dist have a thirtieth. So far below 4 GiB that places in the
/// file of texts fit 32 bits, also with what it has between the parts of a signature.
const MAX_ALL_TEXTS: u64 = 3 << 30;
/// A services file, a manifest.
const MAX_TEXT: u64 = 1 << 20;
/// Signatures of a JAR that are looked at; more than one is rare.
const MAX_SIGNERS: usize = 8;
/// Names of one kind that are kept of a JAR.
const MAX_LISTED: usize = 2000;
/// Below this number of classes a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 200;

/// What a file's name says that it is.
enum JarEntry<'a> {
    Class(&'a str),
    Versioned(u16, &'a str),
    Service(&'a str),
    Manifest,
    Artifact,
    Jar,
}

fn entry(name: &str) -> Option<JarEntry<'_>> {
    if let Some(class) = super::classes::class(name) {
        return Some(JarEntry::Class(class));
    }
    if let Some((release, class)) = super::classes::versioned(name) {
        return Some(JarEntry::Versioned(release, class));
    }
    if let Some(interface) = name.strip_prefix("META-INF/services/") {
        let is_file = !interface.is_empty() && !interface.contains('/');
        return is_file.then_some(JarEntry::Service(interface));
    }
    if name == "META-INF/MANIFEST.MF" {
        return Some(JarEntry::Manifest);
    }
    if name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties") {
        return Some(JarEntry::Artifact);
    }
    name.ends_with(".jar").then_some(JarEntry::Jar)
}

/// The entries that are classes.
#[derive(Default)]
struct Classes {
    names: Table,
    /// The Java version that each is for, 0 for any.
    releases: Vec<u16>,
    places: Vec<EntryContent>,
}

impl Classes {
    fn push(&mut self, name: &str, release: u16, place: EntryContent) {
        self.names.push(&[name]);
        self.releases.push(release);
        self.places.push(place);
    }

    /// The name of its entry.
    fn entry(&self, number: u32) -> String {
        let name = self.names.get(number);
        match self.releases.get(number as usize) {
            None | Some(0) => format!("{name}.class"),
            Some(release) => format!("META-INF/versions/{release}/{name}.class"),
        }
    }
}

/// Everything in the JAR at `path`, read on up to `threads` threads; the texts of its
/// signatures go to `texts`.
pub(super) fn read(
    path: &Path,
    texts: &mut (dyn Write + Send),
    threads: usize,
) -> Result<JarFacts> {
    let archive = Archive::open(path)?;
    let (extras, classes) = look(&archive)?;
    let builder = Builder::new(TextsWriter::new(texts));
    let builder = read_classes(&archive, &classes, builder, threads)?;
    drop(classes);
    let mut facts = builder
        .finish()
        .doing(|| "keeping the texts of its signatures")?;
    facts.extras = Extras {
        unreadable: facts.extras.unreadable,
        unreadable_example: facts.extras.unreadable_example.take(),
        ..extras
    };
    Ok(facts)
}

/// What may still be read of a JAR.
struct Budget {
    classes: AtomicU64,
    texts: AtomicU64,
}

fn read_classes<'w>(
    archive: &Archive,
    classes: &Classes,
    builder: Builder<'w>,
    threads: usize,
) -> Result<Builder<'w>> {
    let threads = threads.min(classes.places.len() / WORTH_A_THREAD + 1);
    let next = AtomicUsize::new(0);
    let budget = Budget {
        classes: AtomicU64::new(MAX_ALL),
        texts: AtomicU64::new(MAX_ALL_TEXTS),
    };
    let builder = Mutex::new(builder);
    let work = || -> io::Result<()> {
        let mut inflater = Inflater::default();
        loop {
            let entry = next.fetch_add(1, Ordering::Relaxed) as u32;
            let Some(place) = classes.places.get(entry as usize) else {
                return Ok(());
            };
            let size = u32::try_from(place.size).unwrap_or(u32::MAX);
            let told = Told {
                entry,
                name: classes.names.get(entry),
                release: classes.releases[entry as usize],
                content: (place.crc, size),
            };
            // What is wrong with a class makes it unreadable, no error.
            let class = read_class(archive, *place, &budget, &mut inflater);
            let class = class.map(Prepared::of);
            let mut builder = builder.lock().unwrap_or_else(PoisonError::into_inner);
            match class {
                Ok(class) => builder.add(told, &class)?,
                Err(why) => builder.add_unreadable(told, &why),
            }
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = vec![work()];
        for other in others {
            done.push(
                other
                    .join()
                    .map_err(|_| Error::new("a thread that read classes ended by a panic"))?,
            );
        }
        let done: io::Result<Vec<()>> = done.into_iter().collect();
        done.doing(|| "keeping the texts of its signatures")?;
        Ok(())
    })?;
    Ok(builder.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn read_class<'i>(
    archive: &Archive,
    place: EntryContent,
    budget: &Budget,
    inflater: &'i mut Inflater,
) -> std::result::Result<ClassFile<'i>, String> {
    let left = budget.classes.load(Ordering::Relaxed);
    let bytes = archive.read(place, MAX_CLASS.min(left), inflater)?;
    take(&budget.classes, bytes.len() as u64)?;
    let class = class_file::parse(bytes)?;
    take(&budget.texts, class.texts)?;
    Ok(class)
}

fn take(budget: &AtomicU64, amount: u64) -> std::result::Result<(), String> {
    let order = Ordering::Relaxed;
    match budget.fetch_update(order, order, |left| left.checked_sub(amount)) {
        Ok(_) => Ok(()),
        Err(_) => Err("its JAR holds too much".to_string()),
    }
}

/// What is worth knowing beside the classes, and where these are.
fn look(archive: &Archive) -> Result<(Extras, Classes)> {
    let mut extras = Extras::default();
    let mut classes = Classes::default();
    let mut folded: HashSet<u64, Scatter> = HashSet::default();
    let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut signatures: Vec<(String, EntryContent)> = Vec::new();
    let mut inflater = Inflater::default();
    archive.each(|name, place| {
        if signed::is_part(&name) && signatures.len() < MAX_LISTED {
            signatures.push((name.to_string(), place));
        }
        let mut text = || text(archive, place, &mut inflater);
        match entry(&name) {
            Some(JarEntry::Class(class)) => {
                let is_new = folded.insert(name::hash(&name.to_ascii_lowercase()));
                if !is_new && extras.collisions.len() < 5 {
                    extras.collisions.push(name.to_string());
                }
                classes.push(class, 0, place);
            }
            Some(JarEntry::Service(interface)) => {
                let providers = providers(&text());
                services
                    .entry(interface.to_string())
                    .or_default()
                    .extend(providers);
            }
            Some(JarEntry::Versioned(release, class)) => classes.push(class, release, place),
            Some(JarEntry::Manifest) => {
                let text = text();
                extras.main_class = attribute(&text, "Main-Class");
                extras.multi_release = attribute(&text, "Multi-Release")
                    .is_some_and(|value| value.eq_ignore_ascii_case("true"));
            }
            Some(JarEntry::Artifact) if extras.artifacts.len() < MAX_LISTED => {
                extras.artifacts.extend(artifact(&text()));
            }
            Some(JarEntry::Jar) if extras.nested.len() < MAX_LISTED => {
                extras.nested.push(name.to_string());
            }
            _ => {}
        }
        Ok(())
    })?;
    let services = services.into_iter().take(MAX_LISTED);
    extras.services = services
        .map(|(interface, providers)| Service {
            interface,
            providers,
        })
        .collect();
    extras.artifacts.sort();
    extras.artifacts.dedup();
    let signed = signed::files(&signatures);
    extras.signed = !signed.is_empty();
    extras.broken_signature = signature_problem(archive, &classes, &signatures, &signed);
    Ok((extras, classes))
}

/// What the JVM says when it loads a class of a signed JAR that was changed: `files`
/// are those of its parts that are signatures.
fn signature_problem(
    archive: &Archive,
    classes: &Classes,
    parts: &[(String, EntryContent)],
    files: &[EntryContent],
) -> Option<String> {
    let mut inflater = Inflater::default();
    let manifest = parts.iter().find(|(name, _)| name == signed::MANIFEST)?;
    let manifest = archive.read(manifest.1, MAX_CLASS, &mut inflater).ok()?;
    let manifest = manifest.to_vec();
    for file in files.iter().take(MAX_SIGNERS) {
        let signature = archive.read(*file, MAX_CLASS, &mut inflater).ok()?;
        if let Some(problem) = signed::manifest_problem(&manifest, signature) {
            return Some(problem);
        }
    }
    let entries = signed::entries(&manifest);
    let mut left = MAX_ALL;
    for (number, place) in (0..).zip(&classes.places) {
        let name = classes.entry(number);
        let Some((digest, told)) = entries.get(&name) else {
            continue;
        };
        left = left.checked_sub(place.size)?;
        let bytes = archive.read(*place, MAX_CLASS, &mut inflater).ok()?;
        if signed::digest_of(digest, bytes)? != *told {
            return Some(format!("{digest} digest error for {name}"));
        }
    }
    None
}

/// A small text; what cannot be read counts as empty.
fn text(archive: &Archive, place: EntryContent, inflater: &mut Inflater) -> String {
    let bytes = archive.read(place, MAX_TEXT, inflater);
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// The classes that a services file names (java.util.ServiceLoader).
fn providers(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.trim().to_string()
    });
    let named = lines.filter(|line| !line.is_empty() && line.len() < 1000);
    named.take(MAX_LISTED).collect()
}

/// A main attribute of a manifest; lines that go on begin with a space.
fn attribute(manifest: &str, name: &str) -> Option<String> {
    let whole = manifest.replace("\r\n", "\n").replace("\n ", "");
    let mut lines = whole.lines().take_while(|line| !line.is_empty());
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_string())
}

/// `group:artifact:version` of a pom.properties.
fn artifact(text: &str) -> Option<String> {
    let value = |key: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let value = value.trim();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        (!value.is_empty() && value.len() < 200 && value.chars().all(is_plain)).then_some(value)
    };
    let (group, artifact) = (value("groupId")?, value("artifactId")?);
    Some(format!("{group}:{artifact}:{}", value("version")?))
}
