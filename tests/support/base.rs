//! Images that look like Flink and are a few kilobytes small.

use std::fs;
use std::io::Write;
use std::path::Path;

use flinkpack::image::{Digest, Platform, media};
use serde_json::{Value, json};

use super::project::jar;
use super::registry::FaultRegistry;

/// A tiny base, put together part by part.
#[derive(Clone)]
pub struct TinyBase {
    flink: String,
    platform: String,
    has_opt: bool,
    has_flink: bool,
    above: Vec<Vec<u8>>,
}

/// A tar of folders, files and links.
pub struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub fn new() -> Tar {
        Tar(tar::Builder::new(Vec::new()))
    }

    fn add(self, path: &str, kind: tar::EntryType, target: &str, bytes: &[u8]) -> Tar {
        let mode = match kind {
            tar::EntryType::Directory => 0o755,
            _ => 0o644,
        };
        self.add_with(mode, path, kind, target, bytes)
    }

    fn add_with(
        mut self,
        mode: u32,
        path: &str,
        kind: tar::EntryType,
        target: &str,
        bytes: &[u8],
    ) -> Tar {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(9999);
        header.set_gid(9999);
        header.set_mtime(1_700_000_000);
        header.set_size(bytes.len() as u64);
        // Written as they are: a test may want what the library refuses.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).expect("an entry");
        self
    }

    pub fn folder(self, path: &str) -> Tar {
        self.add(path, tar::EntryType::Directory, "", b"")
    }

    pub fn folder_of(self, path: &str, mode: u32) -> Tar {
        self.add_with(mode, path, tar::EntryType::Directory, "", b"")
    }

    pub fn file(self, path: &str, bytes: &[u8]) -> Tar {
        self.add(path, tar::EntryType::Regular, "", bytes)
    }

    pub fn link(self, path: &str, target: &str) -> Tar {
        self.add(path, tar::EntryType::Symlink, target, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Tar {
        self.add(path, tar::EntryType::Link, target, b"")
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("a tar")
    }
}

/// The blobs of an image: each with its media type, the manifest last.
struct Parts {
    blobs: Vec<Vec<u8>>,
    manifest: Vec<u8>,
}

impl TinyBase {
    /// Flink of this version, for this machine.
    pub fn flink(version: &str) -> TinyBase {
        TinyBase {
            flink: version.to_string(),
            platform: Platform::host().to_string(),
            has_opt: true,
            has_flink: true,
            above: Vec::new(),
        }
    }

    /// Without anything in opt/.
    pub fn without_opt(mut self) -> TinyBase {
        self.has_opt = false;
        self
    }

    /// An operating system and nothing else.
    pub fn without_flink(mut self) -> TinyBase {
        self.has_flink = false;
        self
    }

    pub fn platform(mut self, platform: &str) -> TinyBase {
        self.platform = platform.to_string();
        self
    }

    /// One more layer, on top.
    pub fn layer(mut self, tar: Tar) -> TinyBase {
        self.above.push(tar.bytes());
        self
    }

    /// The digest of its layer at this place.
    pub fn layer_digest(&self, at: usize) -> String {
        Digest::of(&self.layers()[at]).to_string()
    }

    fn layers(&self) -> Vec<Vec<u8>> {
        let system = Tar::new()
            .folder("etc")
            .folder("usr")
            .folder("usr/lib")
            .folder("usr/lib/jvm")
            .folder("usr/lib/jvm/jre")
            .file("usr/lib/jvm/jre/release", b"JAVA_VERSION=\"17.0.9\"\n")
            .folder("opt");
        let mut layers = vec![system.bytes()];
        if self.has_flink {
            layers.push(self.flink_layer());
        }
        layers.extend(self.above.clone());
        layers
    }

    fn flink_layer(&self) -> Vec<u8> {
        let version = &self.flink;
        let is_new = version.starts_with("2.") || version.starts_with("1.20");
        let (conf, text) = if is_new {
            (
                "config.yaml",
                "jobmanager:\n  rpc:\n    address: localhost\n",
            )
        } else {
            ("flink-conf.yaml", "jobmanager.rpc.address: localhost\n")
        };
        let archive = |name: &str| jar(&[("META-INF/MANIFEST.MF", name.as_bytes())]);
        let suffix = if is_new { "" } else { "_2.12" };
        let mut tar = Tar::new()
            .folder("opt/flink")
            .folder("opt/flink/bin")
            .folder("opt/flink/conf")
            .file(&format!("opt/flink/conf/{conf}"), text.as_bytes())
            .folder("opt/flink/lib")
            .file(
                &format!("opt/flink/lib/flink-dist{suffix}-{version}.jar"),
                &archive("dist"),
            )
            .file(
                &format!("opt/flink/lib/flink-scala_2.12-{version}.jar"),
                &archive("scala"),
            );
        if self.has_opt {
            tar = tar.folder("opt/flink/opt");
            for name in ["flink-s3-fs-hadoop", "flink-oss-fs-hadoop"] {
                tar = tar.file(
                    &format!("opt/flink/opt/{name}-{version}.jar"),
                    &archive(name),
                );
            }
        }
        tar.bytes()
    }

    fn parts(&self) -> Parts {
        let layers = self.layers();
        let ids: Vec<String> = layers
            .iter()
            .map(|layer| Digest::of(layer).to_string())
            .collect();
        let (os, architecture) = self.platform.split_once('/').expect("os/architecture");
        let config = json!({
            "architecture": architecture,
            "os": os,
            "config": {
                "Env": ["PATH=/usr/bin:/bin", "FLINK_HOME=/opt/flink", "JAVA_HOME=/usr/lib/jvm/jre"],
                "Entrypoint": ["/docker-entrypoint.sh"],
                "Cmd": ["help"],
                "User": "9999:9999",
            },
            "rootfs": {"type": "layers", "diff_ids": ids},
            "history": layers.iter().map(|_| json!({"created_by": "a test"})).collect::<Vec<_>>(),
        });
        let config = config.to_string().into_bytes();
        let of = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "config": of(media::OCI_CONFIG, &config),
            "layers": layers.iter().map(|layer| of(media::OCI_LAYER, layer)).collect::<Vec<_>>(),
        });
        let mut blobs = layers;
        blobs.push(config);
        Parts {
            blobs,
            manifest: manifest.to_string().into_bytes(),
        }
    }

    /// As an OCI layout.
    pub fn write(&self, folder: &Path) {
        TinyBase::write_index(folder, &[self]);
    }

    /// Several platforms, as one image of an OCI layout.
    pub fn write_index(folder: &Path, bases: &[&TinyBase]) {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a folder");
        let put = |bytes: &[u8]| {
            fs::write(blobs.join(Digest::of(bytes).hex()), bytes).expect("a blob");
        };
        let mut manifests = Vec::new();
        for base in bases {
            let parts = base.parts();
            for blob in parts.blobs.iter().chain([&parts.manifest]) {
                put(blob);
            }
            manifests.push(base.described(&parts.manifest));
        }
        let mut entry = manifests[0].clone();
        if manifests.len() > 1 {
            let index =
                json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests});
            let index = index.to_string().into_bytes();
            put(&index);
            entry = json!({"mediaType": media::OCI_INDEX, "digest": Digest::of(&index), "size": index.len()});
        }
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        fs::write(folder.join("index.json"), index.to_string()).expect("an index");
        let mut marker = fs::File::create(folder.join("oci-layout")).expect("a file");
        marker
            .write_all(br#"{"imageLayoutVersion":"1.0.0"}"#)
            .expect("a file");
    }

    /// Several platforms, as one image of a registry.
    pub fn publish_index(
        registry: &FaultRegistry,
        repository: &str,
        tag: &str,
        bases: &[&TinyBase],
    ) {
        let publish = |base: &&TinyBase| {
            base.publish(registry, repository, tag);
            base.described(&base.parts().manifest)
        };
        let manifests: Vec<Value> = bases.iter().map(publish).collect();
        let index =
            json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests});
        let index = index.to_string().into_bytes();
        for name in [tag.to_string(), Digest::of(&index).to_string()] {
            registry.state().manifests.insert(
                (repository.to_string(), name),
                (media::OCI_INDEX.to_string(), index.clone()),
            );
        }
    }

    fn described(&self, manifest: &[u8]) -> Value {
        let (os, architecture) = self.platform.split_once('/').expect("os/architecture");
        json!({
            "mediaType": media::OCI_MANIFEST,
            "digest": Digest::of(manifest),
            "size": manifest.len(),
            "platform": {"os": os, "architecture": architecture},
        })
    }

    /// Into a registry. Says the manifest's digest.
    pub fn publish(&self, registry: &FaultRegistry, repository: &str, tag: &str) -> Digest {
        let parts = self.parts();
        for blob in &parts.blobs {
            registry.add_blob(repository, blob);
        }
        let digest = Digest::of(&parts.manifest);
        let mut state = registry.state();
        for name in [tag.to_string(), digest.to_string()] {
            state.manifests.insert(
                (repository.to_string(), name),
                (media::OCI_MANIFEST.to_string(), parts.manifest.clone()),
            );
        }
        digest
    }
}
