//! One pass over what the daemon exports: a docker-archive from the classic
//! store, an OCI layout from containerd's. Members come in any order, so each
//! is kept (small JSON) or scanned (a layer) as it passes by.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use serde::Deserialize;

use super::entries;
use super::scan::{Scan, clean, decompress, scan};
use crate::error::{Context, Error, Result};
use crate::image::{AnyManifest, Descriptor, Platform};
use crate::report::Task;

/// No manifest or configuration is larger, in bytes.
const MAX_JSON: u64 = 8 << 20;
/// Nor are all of them together.
const MAX_ALL_JSON: u64 = 64 << 20;

/// Nor has an image more layers: Docker stacks 125 at most (`maxLayerDepth` of its
/// layer store).
const MAX_LAYERS: usize = 1000;

/// What one pass taught.
#[derive(Debug)]
pub struct Export {
    /// The image configuration, as it is.
    pub config: Vec<u8>,
    /// What each layer does, lowest first.
    pub scans: Vec<Scan>,
    /// The image's own manifest, with layers as a registry has them; `None`
    /// from the classic store, which keeps neither.
    pub manifest: Option<Vec<u8>>,
}

#[derive(Default)]
struct Members {
    json: HashMap<String, Vec<u8>>,
    scans: HashMap<String, Scan>,
    links: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerArchive {
    config: String,
    layers: Vec<String>,
}

/// Reads an export. Blocks. `oci` says which of its two indexes to believe:
/// containerd's store keeps layers as registries have them, the classic store
/// writes an OCI index of layers that no registry has.
pub fn read(
    reader: impl Read,
    home: &str,
    oci: bool,
    platform: &Platform,
    task: &Task,
) -> Result<Export> {
    let mut members = Members::default();
    let reader = BufReader::with_capacity(1 << 20, Counted { reader, task });
    let mut json = 0;
    entries::each(reader, |entry| {
        let name = clean(&entry.path_bytes())?;
        if entry.header().entry_type() == tar::EntryType::Symlink {
            // The classic store writes a layer once and links to it.
            if let Some(target) = entry.link_name_bytes() {
                let target = String::from_utf8_lossy(&target).into_owned();
                let target = target.trim_start_matches("../").to_string();
                members.links.insert(name, target);
            }
            return Ok(ControlFlow::Continue(()));
        }
        if !entry.header().entry_type().is_file() {
            return Ok(ControlFlow::Continue(()));
        }
        let size = entry.size();
        let mut content = BufReader::with_capacity(256 << 10, entry);
        let start = content.fill_buf().doing(|| format!("reading {name}"))?;
        if matches!(start.first(), Some(b'{' | b'[')) && size <= MAX_JSON {
            json += size;
            if json > MAX_ALL_JSON {
                return Err(Error::new(format!(
                    "its lists and configurations have more than {MAX_ALL_JSON} bytes"
                )));
            }
            let mut bytes = Vec::new();
            content
                .read_to_end(&mut bytes)
                .doing(|| format!("reading {name}"))?;
            members.json.insert(name, bytes);
        } else if is_layer(start) {
            let found =
                decompress_and_scan(content, home).doing(|| format!("reading the layer {name}"))?;
            members.scans.insert(name, found);
        }
        Ok(ControlFlow::Continue(()))
    })
    .doing(|| "reading the daemon's export")?;
    if oci {
        members.oci(platform)
    } else {
        members.docker()
    }
}

fn is_layer(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
        || start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || start.get(257..262) == Some(b"ustar")
        // An empty tar is two blocks of zeros.
        || (start.len() >= 512 && start[..512].iter().all(|byte| *byte == 0))
}

fn decompress_and_scan(reader: impl Read, home: &str) -> Result<Scan> {
    // The box of `decompress` must be `Send`, which a borrowed tar entry is not.
    let mut buffered = BufReader::with_capacity(256 << 10, reader);
    let magic = buffered.fill_buf()?;
    match magic {
        [0x1f, 0x8b, ..] => scan(flate2::bufread::MultiGzDecoder::new(buffered), home, 0),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            scan(zstd::stream::read::Decoder::with_buffer(buffered)?, home, 0)
        }
        _ => scan(buffered, home, 0),
    }
}

impl Members {
    fn docker(mut self) -> Result<Export> {
        let index: Vec<DockerArchive> = serde_json::from_slice(self.file("manifest.json")?)
            .doing(|| "reading manifest.json of the daemon's export")?;
        let [index] = <[DockerArchive; 1]>::try_from(index)
            .map_err(|_| Error::new("the daemon's export holds not one image but several"))?;
        let config = self.file(&index.config)?.to_vec();
        let scans = self.layers(&index.layers)?;
        Ok(Export {
            config,
            scans,
            manifest: None,
        })
    }

    fn oci(mut self, platform: &Platform) -> Result<Export> {
        let mut bytes = self.file("index.json")?.to_vec();
        // An index in an index is what a multi-platform image looks like here.
        for _ in 0..3 {
            match AnyManifest::parse(&bytes, None)? {
                AnyManifest::Index(index) => {
                    let fits = |descriptor: &&Descriptor| {
                        descriptor
                            .other
                            .get("platform")
                            .and_then(Platform::of_json)
                            .is_none_or(|found| platform.accepts(&found))
                    };
                    let wanted = index.manifests.iter().find(fits).ok_or_else(|| {
                        Error::new(format!("the daemon's image has no manifest for {platform}"))
                    })?;
                    bytes = self.file(&wanted.digest.blob_path())?.to_vec();
                }
                AnyManifest::Image(manifest) => {
                    let config = self.file(&manifest.config.digest.blob_path())?.to_vec();
                    let names: Vec<String> = manifest
                        .layers
                        .iter()
                        .map(|layer| layer.digest.blob_path())
                        .collect();
                    let scans = self.layers(&names)?;
                    return Ok(Export {
                        config,
                        scans,
                        manifest: Some(bytes),
                    });
                }
            }
        }
        Err(Error::new(
            "the daemon's export has an index within an index within an index",
        ))
    }

    fn file(&self, name: &str) -> Result<&[u8]> {
        self.json
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| missing(name))
    }

    fn layers(&mut self, names: &[String]) -> Result<Vec<Scan>> {
        if names.len() > MAX_LAYERS {
            return Err(Error::new(format!(
                "the daemon's export names {} layers: no image has more than {MAX_LAYERS}",
                names.len()
            )));
        }
        let mut used: HashMap<String, usize> = HashMap::new();
        let mut scans: Vec<Scan> = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let name = self.links.get(name).unwrap_or(name).as_str();
            let mut found = match (self.scans.remove(name), used.get(name)) {
                (Some(found), _) => found,
                // One layer may stand twice in an image.
                (None, Some(at)) => scans[*at].clone(),
                (None, None) => return Err(missing(name)),
            };
            used.insert(name.to_string(), place);
            found.nodes.values_mut().for_each(|node| node.layer = place);
            scans.push(found);
        }
        Ok(scans)
    }
}

fn missing(name: &str) -> Error {
    Error::new(format!("the daemon's export lacks {name}"))
        .hint("an image that containerd's store pulled may lack blobs whose layers are unpacked: it runs, but cannot be saved or pushed. `docker pull` it again, or name it as docker://REFERENCE to read it from its registry")
}

struct Counted<'a, R> {
    reader: R,
    task: &'a Task,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.task.advance(read as u64);
        Ok(read)
    }
}

/// Reads one layer's blob. Blocks.
pub fn read_layer(reader: impl Read + Send, home: &str, place: usize) -> Result<Scan> {
    scan(decompress(reader)?, home, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Phase, Report};

    fn export(layers: usize) -> Result<Export> {
        let mut layer = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        layer.append_data(&mut header, "opt/flink/lib/a", &b""[..])?;
        let lists = serde_json::json!([{ "Config": "c", "Layers": vec!["l"; layers] }]);
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in [
            ("manifest.json", lists.to_string().into_bytes()),
            ("c", b"{}".to_vec()),
            ("l", layer.into_inner()?),
        ] {
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content.as_slice())?;
        }
        let task = Report::silent().start(Phase::Base, "x", None);
        let bytes = tar.into_inner()?;
        let platform = Platform::host();
        read(bytes.as_slice(), "opt/flink", false, &platform, &task)
    }

    #[test]
    fn a_layer_may_stand_twice_but_not_without_end() {
        assert_eq!(export(2).unwrap().scans.len(), 2);
        let error = export(MAX_LAYERS + 1).unwrap_err().report();
        assert!(error.contains("names 1001 layers"), "{error}");
    }
}
