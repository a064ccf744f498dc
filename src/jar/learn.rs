//! Facts of JARs, kept by content: a JAR is read once, under whatever name and
//! in whatever image it comes.

use std::path::Path;

use super::facts::JarFacts;
use super::packed;
use super::read;
use super::texts::Texts;
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::parallel::processors;
use crate::store::{Bucket, Store};

/// The class names of the JAR at `path`, which has this digest: sorted, with
/// slashes, without `.class`. `shown` is how messages name the JAR.
pub fn classes(store: &Store, path: &Path, digest: &Digest, shown: &str) -> Result<Vec<String>> {
    if let Some(known) = known_classes(store, digest) {
        return Ok(known);
    }
    learn(store, path, digest, shown)?;
    known_classes(store, digest)
        .ok_or_else(|| Error::new(format!("the class names of {shown} were not kept")))
}

/// Reads the JAR at `path`, which has this digest, and keeps what it holds.
pub fn learn(store: &Store, path: &Path, digest: &Digest, shown: &str) -> Result<()> {
    learn_on(store, path, digest, shown, processors())
}

/// Learns the JAR on this many threads.
pub(super) fn learn_on(
    store: &Store,
    path: &Path,
    digest: &Digest,
    shown: &str,
    threads: usize,
) -> Result<()> {
    let mut facts = JarFacts::default();
    store.put_file(Bucket::Jars, &texts_key(digest), |texts| {
        facts =
            read::read(path, texts, threads).doing(|| format!("reading the classes in {shown}"))?;
        Ok(())
    })?;
    // The last to be written says that all is there.
    store.put_large(Bucket::Jars, &facts_key(digest), |out| {
        packed::write(&mut facts, out)
    })
}

/// The class names of a JAR that was read before.
pub fn known_classes(store: &Store, digest: &Digest) -> Option<Vec<String>> {
    store.get_large(Bucket::Jars, &facts_key(digest), packed::read_names)
}

/// Whether a JAR was read before.
pub fn is_known(store: &Store, digest: &Digest) -> bool {
    store.has_large(Bucket::Jars, &facts_key(digest))
}

/// The facts of a JAR that was read before.
pub fn known(store: &Store, digest: &Digest) -> Option<JarFacts> {
    store.get_large(Bucket::Jars, &facts_key(digest), packed::read)
}

/// The texts of the signatures in its facts.
pub fn texts(store: &Store, digest: &Digest) -> Option<Texts> {
    Texts::open(store.open_file(Bucket::Jars, &texts_key(digest))?)
}

fn facts_key(digest: &Digest) -> String {
    format!("facts {digest}")
}

fn texts_key(digest: &Digest) -> String {
    format!("texts {digest}")
}

#[cfg(test)]
#[path = "learn_tests.rs"]
mod tests;
