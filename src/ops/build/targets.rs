//! Repositories and tags that an image gets.

use crate::error::{Error, Result};
use crate::image::{Digest, Reference};
use crate::manifest::{Manifest, tags};
use crate::sink::Target;

/// Whether one of the tags holds the lock file's digest, which is known only when all
/// else is.
fn name_the_lock(manifest: &Manifest, given: &[String]) -> bool {
    let names = |tag: &String| tag.contains("{lock.digest}");
    let mut own = manifest.content.image.tags.iter();
    match given.is_empty() {
        true => own.any(|tag| names(tag.get_ref())),
        false => given.iter().any(names),
    }
}

/// The targets as far as they are known before the image is: without tags where one of
/// those holds the lock file's digest.
pub fn expected_targets(manifest: &Manifest, given: &[String]) -> Result<Vec<Target>> {
    let mut expected = targets(manifest, given, &Digest::of(b""))?;
    if name_the_lock(manifest, given) {
        for target in &mut expected {
            target.tags.clear();
        }
    }
    Ok(expected)
}

/// What the command line (`-t`) and the manifest say. A `-t` that has a `/` or
/// `:` is a whole reference; otherwise a tag of the manifest's repository. Any
/// `-t` takes the place of the manifest's tags.
pub fn targets(manifest: &Manifest, given: &[String], lock: &Digest) -> Result<Vec<Target>> {
    let image = &manifest.content.image;
    let own: Reference = image.name.get_ref().parse()?;
    let mut targets: Vec<Target> = Vec::new();
    let mut add = |repository, tag| Target::add(&mut targets, repository, tag);
    for text in given {
        let text = expand_placeholders(text, manifest, lock)?;
        if text.contains(['/', ':']) {
            let whole: Reference = text.parse()?;
            if whole.digest.is_some() {
                return Err(Error::usage(format!(
                    "-t {text}: a tag is wanted, not a digest"
                )));
            }
            let tag = whole.tag.clone().unwrap_or_else(|| "latest".to_string());
            add(whole, tag);
        } else {
            crate::image::reference::check_tag(&text)?;
            add(own.clone(), text);
        }
    }
    if given.is_empty() {
        for tag in &image.tags {
            let expanded = tags::expand(tag.get_ref(), manifest.folder(), lock);
            add(own.clone(), manifest.locate(tag.span(), expanded)?);
        }
        if image.tags.is_empty() {
            add(own, "latest".to_string());
        }
    }
    Ok(targets)
}

/// A whole reference is no tag, so only its tag part may hold placeholders.
fn expand_placeholders(text: &str, manifest: &Manifest, lock: &Digest) -> Result<String> {
    match text.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && tag.contains('{') => Ok(format!(
            "{repository}:{}",
            tags::expand(tag, manifest.folder(), lock)?
        )),
        None if text.contains('{') => tags::expand(text, manifest.folder(), lock),
        _ => Ok(text.to_string()),
    }
}
