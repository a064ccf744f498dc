//! Facts of JARs, kept by content: a JAR is read once, under whatever name and
//! in whatever image it comes.

use std::path::Path;

use super::facts::{JarFacts, Texts};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
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
    let (facts, texts) =
        super::read::read(path).doing(|| format!("reading the classes in {shown}"))?;
    let names: Vec<&str> = facts.classes().map(|class| class.name()).collect();
    store.put(Bucket::Files, &names_key(digest), &names)?;
    store.put_packed(Bucket::Jars, &texts_key(digest), &texts)?;
    // The last to be written says that all is there.
    store.put_packed(Bucket::Jars, &facts_key(digest), &facts)
}

/// The class names of a JAR that was read before.
pub fn known_classes(store: &Store, digest: &Digest) -> Option<Vec<String>> {
    store.get(Bucket::Files, &names_key(digest))
}

/// Whether a JAR was read before.
pub fn is_known(store: &Store, digest: &Digest) -> bool {
    store.has_packed(Bucket::Jars, &facts_key(digest))
}

/// The facts of a JAR that was read before.
pub fn known(store: &Store, digest: &Digest) -> Option<JarFacts> {
    store.get_packed(Bucket::Jars, &facts_key(digest))
}

/// The texts of the signatures in its facts.
pub fn texts(store: &Store, digest: &Digest) -> Option<Texts> {
    store.get_packed(Bucket::Jars, &texts_key(digest))
}

fn names_key(digest: &Digest) -> String {
    format!("classes {digest}")
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
