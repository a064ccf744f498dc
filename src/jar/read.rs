//! Reading a JAR whole: on all processors, within bounds.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::build::{Builder, merge};
use super::class_file;
use super::facts::{Extras, JarFacts, Service, Versioned};
use super::signed;
use super::table::Table;
use crate::error::{Error, Result};

/// No class file that Java takes is larger than this by much: its parts are
/// counted with 16 bits.
const MAX_CLASS: u64 = 16 << 20;
/// Bytes of class files that are read of one JAR; what is beyond is counted as
/// unreadable. The largest JARs seen have a tenth of it.
const MAX_ALL: u64 = 2 << 30;
/// A services file, a manifest.
const MAX_TEXT: u64 = 1 << 20;
/// Names of one kind that are kept of a JAR.
const MAX_LISTED: usize = 2000;
/// Below this number of classes a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 200;

/// A file that many read at once, each from its own place.
#[derive(Clone)]
struct Shared {
    file: Arc<File>,
    size: u64,
    at: u64,
}

impl Read for Shared {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

type Archive = zip::ZipArchive<Shared>;

/// What a file's name says that it is.
enum Entry<'a> {
    Class(&'a str),
    Versioned(u16, &'a str),
    Service(&'a str),
    Manifest,
    Artifact,
    Jar,
}

fn entry(name: &str) -> Option<Entry<'_>> {
    if let Some(class) = super::classes::class(name) {
        return Some(Entry::Class(class));
    }
    if let Some((release, class)) = super::classes::versioned(name) {
        return Some(Entry::Versioned(release, class));
    }
    if let Some(interface) = name.strip_prefix("META-INF/services/") {
        let is_file = !interface.is_empty() && !interface.contains('/');
        return is_file.then_some(Entry::Service(interface));
    }
    if name == "META-INF/MANIFEST.MF" {
        return Some(Entry::Manifest);
    }
    if name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties") {
        return Some(Entry::Artifact);
    }
    name.ends_with(".jar").then_some(Entry::Jar)
}

/// Everything in the JAR at `path`: its facts, and the texts of its signatures by
/// their CRC-32s.
pub(super) fn read(path: &Path) -> Result<(JarFacts, Vec<u32>, Table)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    super::check_directory(&mut file, size)?;
    let file = Arc::new(file);
    let shared = Shared { file, size, at: 0 };
    let mut archive = super::archive(shared)?;
    let extras = extras(&mut archive);
    let classes: Vec<usize> = (0..archive.len())
        .filter(|at| {
            let name = archive.name_for_index(*at);
            name.is_some_and(|name| matches!(entry(name), Some(Entry::Class(_))))
        })
        .collect();
    let builders = read_classes(&archive, &classes)?;
    let (mut facts, crcs, texts) = merge(builders);
    facts.extras = Extras {
        unreadable: facts.extras.unreadable,
        unreadable_example: facts.extras.unreadable_example.take(),
        ..extras
    };
    Ok((facts, crcs, texts))
}

fn read_classes(archive: &Archive, classes: &[usize]) -> Result<Vec<Builder>> {
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = most.min(classes.len() / WORTH_A_THREAD + 1);
    let (next, sum) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        let (mut archive, mut builder) = (archive.clone(), Builder::default());
        let mut bytes = Vec::new();
        while let Some(at) = classes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let left = MAX_ALL.saturating_sub(sum.load(Ordering::Relaxed));
            read_class(&mut archive, *at, left, &mut bytes, &mut builder);
            sum.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        builder
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut builders = vec![work()];
        for other in others {
            let builder = other
                .join()
                .map_err(|_| Error::new("a thread that read classes ended by a panic"))?;
            builders.push(builder);
        }
        Ok(builders)
    })
}

/// Reads one class; what is wrong with it makes it unreadable, no error.
fn read_class(
    archive: &mut Archive,
    at: usize,
    left: u64,
    bytes: &mut Vec<u8>,
    builder: &mut Builder,
) {
    bytes.clear();
    let Some(name) = archive.name_for_index(at).map(str::to_string) else {
        return;
    };
    let Some(Entry::Class(name)) = entry(&name) else {
        return;
    };
    let mut file = match archive.by_index(at) {
        Ok(file) => file,
        Err(error) => return builder.add_unreadable(name, (0, 0), &error.to_string()),
    };
    let size = u32::try_from(file.size()).unwrap_or(u32::MAX);
    let content = (file.crc32(), size);
    let most = MAX_CLASS.min(left);
    if file.size() > most {
        return builder.add_unreadable(name, content, "it is too large");
    }
    match Read::take(&mut file, most + 1).read_to_end(bytes) {
        Ok(count) if count as u64 > most => {
            return builder.add_unreadable(name, content, "it is larger than it says");
        }
        Ok(_) => {}
        Err(error) => return builder.add_unreadable(name, content, &error.to_string()),
    }
    match class_file::parse(bytes) {
        Ok(class) => builder.add(name, content, &class),
        Err(why) => builder.add_unreadable(name, content, &why),
    }
}

fn extras(archive: &mut Archive) -> Extras {
    let mut extras = Extras::default();
    let mut folded: HashMap<String, usize> = HashMap::new();
    let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for at in 0..archive.len() {
        let Some(name) = archive.name_for_index(at).map(str::to_string) else {
            continue;
        };
        let kind = entry(&name);
        if let Some(Entry::Class(_)) = kind
            && folded.insert(name.to_ascii_lowercase(), at).is_some()
            && extras.collisions.len() < 5
        {
            extras.collisions.push(name.clone());
        }
        match kind {
            Some(Entry::Service(interface)) => {
                let providers = providers(&text(archive, at));
                services
                    .entry(interface.to_string())
                    .or_default()
                    .extend(providers);
            }
            Some(Entry::Versioned(release, class)) if extras.versioned.len() < MAX_LISTED => {
                extras.versioned.push(Versioned {
                    release,
                    name: class.to_string(),
                    major: major(archive, at),
                });
            }
            Some(Entry::Manifest) => {
                let text = text(archive, at);
                extras.main_class = attribute(&text, "Main-Class");
                extras.multi_release = attribute(&text, "Multi-Release")
                    .is_some_and(|value| value.eq_ignore_ascii_case("true"));
            }
            Some(Entry::Artifact) if extras.artifacts.len() < MAX_LISTED => {
                extras.artifacts.extend(artifact(&text(archive, at)));
            }
            Some(Entry::Jar) if extras.nested.len() < MAX_LISTED => extras.nested.push(name),
            _ => {}
        }
    }
    let services = services.into_iter().take(MAX_LISTED);
    extras.services = services
        .map(|(interface, providers)| Service {
            interface,
            providers,
        })
        .collect();
    extras.artifacts.sort();
    extras.artifacts.dedup();
    let names: Vec<String> = archive.file_names().map(str::to_string).collect();
    let signatures = signed::signature_files(&names);
    extras.signed = !signatures.is_empty();
    extras.broken_signature = extras
        .signed
        .then(|| signature_problem(archive, &signatures))
        .flatten();
    extras
}

/// What the JVM says when it loads a class of a signed JAR that was changed.
fn signature_problem(archive: &mut Archive, signatures: &[String]) -> Option<String> {
    let manifest = named(archive, "META-INF/MANIFEST.MF")?;
    for signature in signatures {
        let signature = named(archive, signature)?;
        if let Some(problem) = signed::manifest_problem(&manifest, &signature) {
            return Some(problem);
        }
    }
    for (name, (digest, told)) in signed::entries(&manifest) {
        if !name.ends_with(".class") {
            continue;
        }
        let bytes = named(archive, &name)?;
        if signed::digest_of(digest, &bytes)? != told {
            return Some(format!("{digest} digest error for {name}"));
        }
    }
    None
}

/// The bytes of an entry, within bounds.
fn named(archive: &mut Archive, name: &str) -> Option<Vec<u8>> {
    let file = archive.by_name(name).ok()?;
    let mut bytes = Vec::new();
    Read::take(file, MAX_CLASS).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The major version of the form of a class; 0 where it is none.
fn major(archive: &mut Archive, at: usize) -> u16 {
    let mut head = [0; 8];
    let read = archive
        .by_index(at)
        .map(|mut file| file.read_exact(&mut head));
    match (read, head) {
        (Ok(Ok(())), [0xca, 0xfe, 0xba, 0xbe, _, _, high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

/// A small text; what cannot be read counts as empty.
fn text(archive: &mut Archive, at: usize) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = archive.by_index(at) {
        let _ = file.take(MAX_TEXT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
