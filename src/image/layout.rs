//! Reading OCI image layouts: a folder, or a tar archive of one.
//!
//! Source: OCI image specification 1.1, `image-layout.md`. Nothing is unpacked:
//! a blob is a stretch of a file ([`Origin::File`]).

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::members::{Member, members};
use super::{AnyManifest, Descriptor, Digest, ImageManifest, Index, Origin, Platform};
use crate::error::{Context, Error, Result};

/// The annotation that names an image in a layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The longest index or manifest that is read.
const MANIFEST: u64 = 4 << 20;

/// The longest configuration that is read.
const CONFIG: u64 = 8 << 20;

/// The longest document beside an image that is read.
const DOCUMENT: u64 = 64 << 20;

/// Indexes inside of indexes that are followed.
const DEPTH: usize = 3;

/// An OCI image layout.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
    /// The members, where it is an archive.
    members: Option<HashMap<String, Member>>,
    index: Index,
}

/// An image found in a layout.
#[derive(Clone, Debug)]
pub struct Found {
    /// The manifest's bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// The manifest, read.
    pub manifest: ImageManifest,
}

impl Layout {
    /// Opens a layout: a folder, or a plain tar archive.
    pub fn open(path: &Path) -> Result<Layout> {
        let doing = || format!("reading the OCI layout {}", path.display());
        Layout::read(path).doing(doing)
    }

    fn read(path: &Path) -> Result<Layout> {
        let members = match path.metadata()?.is_dir() {
            true => None,
            false => Some(members(path)?),
        };
        let mut layout = Layout {
            path: path.to_path_buf(),
            members,
            index: Index {
                schema_version: 2,
                media_type: None,
                manifests: Vec::new(),
                other: serde_json::Map::new(),
            },
        };
        let bytes = layout.file("index.json", MANIFEST).hint(|| {
            "an OCI layout has a file index.json; an archive made by `docker save` before Docker 25 has none"
        })?;
        layout.index = serde_json::from_slice(&bytes).doing(|| "reading index.json")?;
        Ok(layout)
    }

    /// The images it names, by [`REF_NAME`].
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The image for `platform` under `tag`; without a tag, the only one.
    pub fn find(&self, tag: Option<&str>, platform: &Platform) -> Result<Found> {
        let doing = || {
            let path = self.path.display();
            match tag {
                Some(tag) => format!("looking for `{tag}` in {path}"),
                None => format!("looking for an image in {path}"),
            }
        };
        self.entry(tag)
            .and_then(|entry| self.resolve(entry, platform, DEPTH))
            .doing(doing)
    }

    /// The index under `tag`, with its digest; `None` where one image is there.
    pub fn index_under(&self, tag: Option<&str>) -> Result<Option<(Digest, Index)>> {
        let mut entry = self.entry(tag)?.clone();
        for _ in 0..DEPTH {
            let bytes = self.blob(&entry.digest, MANIFEST)?;
            match AnyManifest::parse(&bytes, Some(&entry.media_type))? {
                AnyManifest::Image(_) => return Ok(None),
                AnyManifest::Index(index) => match index.manifests.as_slice() {
                    [only] if !only.other.contains_key("platform") => entry = only.clone(),
                    _ => return Ok(Some((entry.digest, index))),
                },
            }
        }
        Err(Error::new("its indexes are nested too deep"))
    }

    /// Where a blob's bytes are, if the layout has that many of them.
    pub fn origin(&self, descriptor: &Descriptor) -> Result<Origin> {
        let (path, offset, size) = self.place(&descriptor.digest.blob_path())?;
        if size != descriptor.size {
            return Err(Error::new(format!(
                "the blob {} in {} has {size} bytes, not {}",
                descriptor.digest,
                self.path.display(),
                descriptor.size
            )));
        }
        Ok(Origin::File { path, offset })
    }

    /// An image configuration, checked.
    pub fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        self.blob(&descriptor.digest, CONFIG)
    }

    /// The document that the manifest `entry` attaches to an image.
    pub fn document(&self, entry: &Descriptor) -> Result<Vec<u8>> {
        let manifest = self.blob(&entry.digest, MANIFEST)?;
        match AnyManifest::parse(&manifest, Some(&entry.media_type))? {
            AnyManifest::Image(manifest) => self.blob(&manifest.document()?.digest, DOCUMENT),
            AnyManifest::Index(_) => Err(Error::new("an index is attached, and no document")),
        }
    }

    /// The entries that refer to the image `digest`.
    pub fn referrers(&self, digest: &Digest) -> Vec<Descriptor> {
        let refers = |entry: &&Descriptor| {
            let manifest = self.blob(&entry.digest, MANIFEST).ok();
            let manifest = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let manifest: serde_json::Value = manifest.unwrap_or_default();
            let subject = manifest.pointer("/subject/digest");
            subject.and_then(|subject| subject.as_str()) == Some(&digest.to_string())
        };
        self.index
            .manifests
            .iter()
            .filter(refers)
            .cloned()
            .collect()
    }

    fn entry(&self, tag: Option<&str>) -> Result<&Descriptor> {
        let name = |entry: &Descriptor| {
            let annotations = entry.other.get("annotations")?;
            Some(annotations.get(REF_NAME)?.as_str()?.to_string())
        };
        // What refers to an image is none itself.
        let images = self.index.manifests.iter();
        let images = images.filter(|entry| !entry.other.contains_key("artifactType"));
        let entries: Vec<&Descriptor> = images.collect();
        let names: Vec<String> = entries.iter().copied().filter_map(name).collect();
        match tag {
            Some(tag) => entries
                .iter()
                .copied()
                .find(|entry| name(entry).as_deref() == Some(tag))
                .ok_or_else(|| {
                    Error::new(format!("it has no such image; it has {}", listed(&names)))
                }),
            None => match entries.as_slice() {
                [] => Err(Error::new("it holds no image")),
                [only] => Ok(only),
                several => Err(Error::new(format!(
                    "it holds {} images: {}",
                    several.len(),
                    listed(&names)
                ))
                .hint("name one of them: PATH:NAME")),
            },
        }
    }

    fn resolve(&self, entry: &Descriptor, platform: &Platform, depth: usize) -> Result<Found> {
        let bytes = self.blob(&entry.digest, MANIFEST)?;
        let index = match AnyManifest::parse(&bytes, Some(&entry.media_type))? {
            AnyManifest::Image(manifest) => {
                return Ok(Found {
                    bytes,
                    media_type: manifest
                        .media_type
                        .clone()
                        .unwrap_or(entry.media_type.clone()),
                    digest: entry.digest,
                    manifest,
                });
            }
            AnyManifest::Index(index) => index,
        };
        if depth == 0 {
            return Err(Error::new("its indexes are nested too deep"));
        }
        // An index of one index, as some tools write it, says no platform.
        let inner = match index.manifests.as_slice() {
            [only] if !only.other.contains_key("platform") => only,
            _ => index.choose(platform)?,
        };
        self.resolve(inner, platform, depth - 1)
    }

    fn blob(&self, digest: &Digest, most: u64) -> Result<Vec<u8>> {
        let bytes = self.file(&digest.blob_path(), most)?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(Error::new(format!(
                "the blob {digest} in {} is damaged: its content has the digest {found}",
                self.path.display()
            )));
        }
        Ok(bytes)
    }

    fn file(&self, name: &str, most: u64) -> Result<Vec<u8>> {
        let (path, offset, size) = self.place(name)?;
        if size > most {
            return Err(Error::new(format!(
                "{name} in {} has {size} bytes; more than {most} are not read",
                self.path.display()
            )));
        }
        let mut bytes = Vec::new();
        let read = || -> std::io::Result<()> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.take(size).read_to_end(&mut bytes)?;
            Ok(())
        };
        let mut read = read;
        read().doing(|| format!("reading {name} in {}", self.path.display()))?;
        Ok(bytes)
    }

    /// File, offset and size of a member.
    fn place(&self, name: &str) -> Result<(PathBuf, u64, u64)> {
        let absent = || Error::new(format!("there is no {name} in {}", self.path.display()));
        match &self.members {
            Some(members) => {
                let member = members.get(name).ok_or_else(absent)?;
                Ok((self.path.clone(), member.offset, member.size))
            }
            None => {
                let path = self.path.join(name);
                let size = match path.metadata() {
                    Ok(meta) if meta.is_file() => meta.len(),
                    _ => return Err(absent()),
                };
                Ok((path, 0, size))
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "no names".to_string(),
        names => names.join(", "),
    }
}

/// Splits `PATH[:TAG]`. A path that exists is taken whole.
pub fn split_tag(text: &str) -> (PathBuf, Option<String>) {
    match text.rsplit_once(':') {
        Some((path, tag))
            if !path.is_empty()
                && super::reference::check_tag(tag).is_ok()
                && !Path::new(text).exists() =>
        {
            (path.into(), Some(tag.to_string()))
        }
        _ => (text.into(), None),
    }
}
