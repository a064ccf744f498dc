//! Reading one layer, streaming: paths, and the content of the few files that
//! matter.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::facts::{Node, NodeKind};
use crate::error::{Context, Error, Result};
use crate::image::Digest;

/// Entries a layer may have: ten times what the largest images hold.
const MAX_ENTRIES: usize = 4_000_000;
/// The longest path Linux takes (PATH_MAX).
const MAX_PATH: usize = 4096;
/// A configuration file larger than this is no configuration file.
const MAX_TEXT: u64 = 1 << 20;

/// What one layer does to the tree below it.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Paths it brings.
    pub nodes: BTreeMap<String, Node>,
    /// Paths it hides.
    pub whiteouts: Vec<String>,
    /// Folders whose lower content it hides.
    pub opaque: Vec<String>,
    /// Content of text files it brings.
    pub texts: BTreeMap<String, String>,
    /// Hard links to files of lower layers: path and target.
    pub links: Vec<(String, String)>,
}

/// Undoes the compression that the first bytes show: gzip, zstd or none.
pub fn decompress<'a>(reader: impl Read + Send + 'a) -> Result<Box<dyn Read + Send + 'a>> {
    let mut buffered = BufReader::with_capacity(256 << 10, reader);
    let magic = buffered.fill_buf().doing(|| "reading a layer")?;
    Ok(match magic {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(buffered)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::stream::read::Decoder::new(buffered).doing(|| "reading a zstd layer")?)
        }
        _ => Box::new(buffered),
    })
}

/// A path of an archive as facts name it: no leading slash or `./`. Refuses
/// what leads out of the tree.
pub fn clean(path: &[u8]) -> Result<String> {
    if path.len() > MAX_PATH {
        return Err(Error::new(format!(
            "a path has {} bytes; Linux takes {MAX_PATH}",
            path.len()
        )));
    }
    let text = String::from_utf8_lossy(path);
    let mut out = String::with_capacity(text.len());
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(Error::new(format!(
                    "the path `{text}` leads out of the image"
                )));
            }
            part => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(part);
            }
        }
    }
    Ok(out)
}

/// Reads an uncompressed layer. JARs below `home` are hashed, configuration
/// files and the JRE's `release` are kept.
pub fn scan(reader: impl Read, home: &str, layer: usize) -> Result<Scan> {
    let mut scan = Scan::default();
    let mut archive = tar::Archive::new(reader);
    let mut buffer = vec![0; 128 << 10];
    for (count, entry) in archive.entries().doing(|| "reading a layer")?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(Error::new(format!(
                "the layer has more than {MAX_ENTRIES} entries"
            )));
        }
        let mut entry = entry.doing(|| "reading a layer's entry")?;
        let path = clean(&entry.path_bytes())?;
        if path.is_empty() {
            continue;
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            scan.opaque.push(parent.to_string());
            continue;
        }
        if let Some(hidden) = name.strip_prefix(".wh.") {
            scan.whiteouts.push(super::facts::join(parent, hidden));
            continue;
        }
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                NodeKind::File
            }
            tar::EntryType::Link => NodeKind::File,
            tar::EntryType::Directory => NodeKind::Folder,
            tar::EntryType::Symlink => NodeKind::Link,
            tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => NodeKind::Other,
            _ => continue,
        };
        let mut node = Node {
            kind,
            mode: header.mode().unwrap_or(0o644) & 0o7777,
            uid: header.uid().unwrap_or(0),
            gid: header.gid().unwrap_or(0),
            mtime: header.mtime().unwrap_or(0),
            size: 0,
            target: None,
            sha256: None,
            layer,
        };
        if kind == NodeKind::Link {
            node.target = entry
                .link_name_bytes()
                .map(|target| String::from_utf8_lossy(&target).into_owned());
        } else if header.entry_type() == tar::EntryType::Link {
            if let Some(target) = entry.link_name_bytes() {
                scan.links.push((path.clone(), clean(&target)?));
            }
        } else if kind == NodeKind::File {
            node.size = entry.size();
            let inside = path
                .strip_prefix(home)
                .is_some_and(|rest| home.is_empty() || rest.starts_with('/'));
            if inside && path.ends_with(".jar") {
                let mut hasher = Sha256::new();
                loop {
                    let read = entry
                        .read(&mut buffer)
                        .doing(|| format!("reading {path}"))?;
                    if read == 0 {
                        break;
                    }
                    hasher.update(&buffer[..read]);
                }
                node.sha256 = Some(Digest::finish(hasher));
            } else if node.size <= MAX_TEXT && is_text(inside, &path, name) {
                let mut text = Vec::new();
                entry
                    .read_to_end(&mut text)
                    .doing(|| format!("reading {path}"))?;
                scan.texts
                    .insert(path.clone(), String::from_utf8_lossy(&text).into_owned());
            }
        }
        scan.nodes.insert(path, node);
    }
    for (path, target) in std::mem::take(&mut scan.links) {
        let content = scan.nodes.get(&target).map(|node| (node.size, node.sha256));
        match (content, scan.nodes.get_mut(&path)) {
            (Some((size, sha256)), Some(node)) => {
                node.size = size;
                node.sha256 = sha256;
            }
            _ => scan.links.push((path, target)),
        }
    }
    Ok(scan)
}

fn is_text(inside: bool, path: &str, name: &str) -> bool {
    let config = inside
        && path.ends_with(&format!("conf/{name}"))
        && (name.ends_with(".yaml") || name.ends_with(".yml"));
    // Every JRE says its version in a file `release` at its root (JEP 223).
    config || name == "release"
}
