//! Reading one layer, streaming: paths, and the content of the few files that
//! matter.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::entries;
use super::facts::{Node, NodeKind};
use crate::error::{Context, Error, Result};
use crate::image::Digest;

/// The longest path Linux takes (PATH_MAX).
const MAX_PATH: usize = 4096;
/// A configuration file larger than this is no configuration file.
const MAX_TEXT: u64 = 1 << 20;
/// Bytes of all configuration files of a layer.
const MAX_TEXTS: u64 = 64 << 20;
/// A file larger than this is no JAR: a sparse one may claim any size.
const MAX_JAR: u64 = 64 << 30;

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
    /// Hard links to files of lower layers, and their targets.
    pub links: BTreeMap<String, String>,
}

/// Undoes the compression that the first bytes show: gzip, zstd or none.
pub fn decompress<'a>(reader: impl Read + Send + 'a) -> Result<Box<dyn Read + Send + 'a>> {
    let mut buffered = BufReader::with_capacity(256 << 10, reader);
    let magic = buffered.fill_buf()?;
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
    let mut buffer = vec![0; 128 << 10];
    let mut texts = 0;
    entries::each(reader, |entry| {
        let path = clean(&entry.path_bytes())?;
        if path.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            scan.opaque.push(parent.to_string());
            return Ok(ControlFlow::Continue(()));
        }
        if let Some(hidden) = name.strip_prefix(".wh.") {
            if matches!(hidden, "" | "." | "..") {
                return Err(Error::new(format!("the whiteout `{path}` names no file")));
            }
            scan.whiteouts.push(super::facts::join(parent, hidden));
            return Ok(ControlFlow::Continue(()));
        }
        let Some(mut node) = node(entry.header(), layer) else {
            return Ok(ControlFlow::Continue(()));
        };
        if node.kind == NodeKind::Link {
            node.target = entry
                .link_name_bytes()
                .map(|target| String::from_utf8_lossy(&target).into_owned());
        } else if entry.header().entry_type() == tar::EntryType::Link {
            if let Some(target) = entry.link_name_bytes() {
                scan.links.insert(path.clone(), clean(&target)?);
            }
        } else if node.kind == NodeKind::File {
            node.size = entry.size();
            let inside = path
                .strip_prefix(home)
                .is_some_and(|rest| home.is_empty() || rest.starts_with('/'));
            if inside && path.ends_with(".jar") {
                node.sha256 =
                    Some(hash(entry, node.size, &mut buffer).doing(|| format!("reading {path}"))?);
            } else if node.size <= MAX_TEXT && is_text(inside, &path, name) {
                texts += node.size;
                if texts > MAX_TEXTS {
                    return Err(Error::new(format!(
                        "its configuration files have more than {MAX_TEXTS} bytes"
                    )));
                }
                let mut text = Vec::new();
                entry
                    .read_to_end(&mut text)
                    .doing(|| format!("reading {path}"))?;
                scan.texts
                    .insert(path.clone(), String::from_utf8_lossy(&text).into_owned());
            }
        }
        scan.nodes.insert(path, node);
        Ok(ControlFlow::Continue(()))
    })?;
    for (path, target) in std::mem::take(&mut scan.links) {
        let content = scan.nodes.get(&target).map(|node| (node.size, node.sha256));
        match (content, scan.nodes.get_mut(&path)) {
            (Some((size, sha256)), Some(node)) => {
                node.size = size;
                node.sha256 = sha256;
            }
            _ => {
                scan.links.insert(path, target);
            }
        }
    }
    Ok(scan)
}

/// What an entry puts in the tree, without its content; `None` for what is none.
fn node(header: &tar::Header, layer: usize) -> Option<Node> {
    let kind = match header.entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
            NodeKind::File
        }
        tar::EntryType::Link => NodeKind::File,
        tar::EntryType::Directory => NodeKind::Folder,
        tar::EntryType::Symlink => NodeKind::Link,
        tar::EntryType::Char | tar::EntryType::Block | tar::EntryType::Fifo => NodeKind::Other,
        _ => return None,
    };
    Some(Node {
        kind,
        mode: header.mode().unwrap_or(0o644) & 0o7777,
        uid: header.uid().unwrap_or(0),
        gid: header.gid().unwrap_or(0),
        mtime: header.mtime().unwrap_or(0),
        size: 0,
        target: None,
        sha256: None,
        layer,
    })
}

fn hash(mut reader: impl Read, size: u64, buffer: &mut [u8]) -> Result<Digest> {
    if size > MAX_JAR {
        return Err(Error::new(format!("no JAR has {size} bytes")));
    }
    let mut hasher = Sha256::new();
    loop {
        let read = reader.read(buffer)?;
        if read == 0 {
            return Ok(Digest::finish(hasher));
        }
        hasher.update(&buffer[..read]);
    }
}

fn is_text(inside: bool, path: &str, name: &str) -> bool {
    let config = inside
        && path.ends_with(&format!("conf/{name}"))
        && (name.ends_with(".yaml") || name.ends_with(".yml"));
    // Every JRE says its version in a file `release` at its root (JEP 223).
    config || name == "release"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar's number that is too large for octal digits.
    fn binary(number: u64) -> [u8; 12] {
        let mut out = [0; 12];
        out[0] = 0x80;
        out[4..].copy_from_slice(&number.to_be_bytes());
        out
    }

    #[test]
    fn a_hole_is_no_jar() {
        let mut header = tar::Header::new_gnu();
        header.set_path("opt/flink/lib/a.jar").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(0);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.realsize = binary(1 << 60);
        gnu.sparse[0].offset = binary(1 << 60);
        gnu.sparse[0].numbytes = binary(0);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(bytes.len() + 1024, 0);
        let error = scan(bytes.as_slice(), "opt/flink", 0).unwrap_err().report();
        assert!(
            error.contains("no JAR has 1152921504606846976 bytes"),
            "{error}"
        );
    }

    #[test]
    fn configuration_files_have_an_end() {
        let mut tar = tar::Builder::new(Vec::new());
        let text = vec![b' '; MAX_TEXT as usize];
        for at in 0..=MAX_TEXTS / MAX_TEXT {
            let mut header = tar::Header::new_gnu();
            header.set_size(MAX_TEXT);
            tar.append_data(&mut header, format!("{at}/release"), text.as_slice())
                .unwrap();
        }
        let bytes = tar.into_inner().unwrap();
        let error = scan(bytes.as_slice(), "opt/flink", 0).unwrap_err().report();
        assert!(error.contains("configuration files"), "{error}");
    }
}
