//! Base and own layers become an image: its configuration and its manifest.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Descriptor, Digest, Image, ImageManifest, Layer, LayerKind, Manifest, Platform, media,
};
use crate::error::{Context, Error, Result};

/// The label and the annotation that name the base (OCI image specification 1.1,
/// `annotations.md`).
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// The label and the annotation that give the digest of the base's manifest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// What changes in the configuration of the base.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
    /// Environment to set.
    pub env: BTreeMap<String, String>,
    /// The command, where it changes.
    pub command: Option<Vec<String>>,
    /// What a history entry says of each own layer, by its place among them.
    pub history: Vec<String>,
}

/// Puts layers on top of a base configuration. `docker_types` says which family
/// of media types the base's manifest has: one manifest keeps to one family.
///
/// The image's creation time is the base's, so that the same inputs give the
/// same digest.
pub fn assemble(
    base_config: &[u8],
    platform: Platform,
    layers: Vec<Layer>,
    docker_types: bool,
    changes: &Changes,
) -> Result<Image> {
    let mut config: Map<String, Value> =
        serde_json::from_slice(base_config).doing(|| "reading the base's configuration")?;
    // What Docker's builder notes of its own containers says nothing of this image.
    config.remove("container");
    config.remove("container_config");
    let base_count = layers
        .iter()
        .filter(|layer| layer.kind == LayerKind::Base)
        .count();
    set_history(&mut config, base_count, &changes.history);
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| layer.diff_id.to_string())
        .collect();
    config.insert(
        "rootfs".into(),
        json!({"type": "layers", "diff_ids": diff_ids}),
    );
    set_container_config(&mut config, changes)?;
    let config = serde_json::to_vec(&config).doing(|| "encoding the image's configuration")?;
    let manifest = manifest(&config, &layers, docker_types)?;
    Ok(Image {
        platform,
        layers,
        config,
        manifest,
    })
}

fn set_history(config: &mut Map<String, Value>, base_count: usize, own: &[String]) {
    let created = config.get("created").cloned();
    let mut history = match config.remove("history") {
        Some(Value::Array(history)) => history,
        _ => Vec::new(),
    };
    let filled = history
        .iter()
        .filter(|entry| entry.get("empty_layer").and_then(Value::as_bool) != Some(true))
        .count();
    let entry = |by: &str| {
        let mut entry = Map::new();
        if let Some(created) = &created {
            entry.insert("created".into(), created.clone());
        }
        entry.insert("created_by".into(), by.into());
        Value::Object(entry)
    };
    // Entries that hold a layer must number the layers, or engines refuse the
    // image; some tools leave the history out.
    history.extend((filled..base_count).map(|_| entry("base")));
    history.extend(own.iter().map(|by| entry(by)));
    config.insert("history".into(), Value::Array(history));
}

fn set_container_config(config: &mut Map<String, Value>, changes: &Changes) -> Result<()> {
    let inner = config
        .entry("config")
        .or_insert_with(|| Value::Object(Map::new()));
    if inner.is_null() {
        *inner = Value::Object(Map::new());
    }
    let inner = inner.as_object_mut().ok_or_else(|| {
        Error::new("the base's configuration has a `config` that is not an object")
    })?;
    if !changes.labels.is_empty() {
        let labels = inner
            .entry("Labels")
            .or_insert_with(|| Value::Object(Map::new()));
        if !labels.is_object() {
            *labels = Value::Object(Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            for (name, value) in &changes.labels {
                labels.insert(name.clone(), value.clone().into());
            }
        }
    }
    if !changes.env.is_empty() {
        let mut env: Vec<Value> = match inner.remove("Env") {
            Some(Value::Array(env)) => env,
            _ => Vec::new(),
        };
        for (name, value) in &changes.env {
            let line: Value = format!("{name}={value}").into();
            let prefix = format!("{name}=");
            let there = env
                .iter_mut()
                .find(|old| old.as_str().is_some_and(|old| old.starts_with(&prefix)));
            match there {
                Some(old) => *old = line,
                None => env.push(line),
            }
        }
        inner.insert("Env".into(), Value::Array(env));
    }
    if let Some(command) = &changes.command {
        inner.insert("Cmd".into(), command.clone().into());
    }
    Ok(())
}

/// The manifest of these layers; `None` while one has no descriptor.
pub fn manifest(config: &[u8], layers: &[Layer], docker_types: bool) -> Result<Option<Manifest>> {
    let descriptors: Option<Vec<Descriptor>> = layers
        .iter()
        .map(|layer| layer.descriptor.clone())
        .collect();
    let Some(descriptors) = descriptors else {
        return Ok(None);
    };
    let (manifest_type, config_type) = if docker_types {
        (media::DOCKER_MANIFEST, media::DOCKER_CONFIG)
    } else {
        (media::OCI_MANIFEST, media::OCI_CONFIG)
    };
    let mut other = Map::new();
    if !docker_types {
        let annotations = annotations(config);
        if !annotations.is_empty() {
            other.insert("annotations".to_string(), annotations.into());
        }
    }
    let config = Descriptor::new(config_type, Digest::of(config), config.len() as u64);
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: Some(manifest_type.to_string()),
        config: config.clone(),
        layers: descriptors,
        other,
    };
    let bytes = serde_json::to_vec(&manifest).doing(|| "encoding the manifest")?;
    Ok(Some(Manifest {
        digest: Digest::of(&bytes),
        media_type: manifest_type.to_string(),
        config,
        bytes,
    }))
}

/// What the labels say of the base, for tools that look for it in the manifest alone.
/// Docker's manifests have no annotations.
fn annotations(config: &[u8]) -> Map<String, Value> {
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let labels = config.pointer("/config/Labels");
    let kept = [BASE_NAME, BASE_DIGEST].into_iter().filter_map(|name| {
        let value = labels?.get(name)?.as_str()?;
        Some((name.to_string(), value.into()))
    });
    kept.collect()
}

/// The same blobs, and so the same image ID, under a manifest of OCI's media
/// types: an OCI layout may hold no other, and its readers refuse what does.
pub fn in_oci_types(image: &mut Image) -> Result<()> {
    for descriptor in image
        .layers
        .iter_mut()
        .flat_map(|layer| &mut layer.descriptor)
    {
        if descriptor.media_type == media::DOCKER_LAYER_GZIP {
            descriptor.media_type = media::OCI_LAYER_GZIP.to_string();
        }
    }
    image.manifest = manifest(&image.config, &image.layers, false)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Origin;

    fn layer(kind: LayerKind, name: &str) -> Layer {
        Layer {
            kind,
            name: name.into(),
            diff_id: Digest::of(name.as_bytes()),
            descriptor: Some(Descriptor::new(
                media::OCI_LAYER_GZIP,
                Digest::of(name.as_bytes()),
                1,
            )),
            origin: Origin::Store,
            entries: 1,
            built: false,
        }
    }

    #[test]
    fn history_numbers_the_layers_and_the_base_s_words_stay() {
        let base = br#"{"created":"2024-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","A=1"],"Entrypoint":["/e"],"Healthcheck":{"Test":["x"]}},"container":"x","rootfs":{"type":"layers","diff_ids":[]}}"#;
        let changes = Changes {
            env: BTreeMap::from([("A".into(), "2".into())]),
            command: Some(vec!["standalone-job".into()]),
            history: vec!["flinkpack: kafka".into()],
            ..Changes::default()
        };
        let layers = vec![
            layer(LayerKind::Base, "b"),
            layer(LayerKind::Connector, "k"),
        ];
        let image = assemble(base, Platform::host(), layers, false, &changes).unwrap();
        let config: Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(config["history"].as_array().unwrap().len(), 2);
        assert_eq!(config["config"]["Env"], json!(["PATH=/bin", "A=2"]));
        assert_eq!(config["config"]["Healthcheck"]["Test"], json!(["x"]));
        assert_eq!(config["created"], "2024-01-01T00:00:00Z");
        assert!(config.get("container").is_none());
        assert!(image.manifest.is_some());
    }

    #[test]
    fn a_manifest_names_the_base_in_oci_types_alone() {
        let changes = Changes {
            labels: BTreeMap::from([
                (BASE_NAME.into(), "flink:1.20".into()),
                (BASE_DIGEST.into(), "sha256:00".into()),
                ("other".into(), "x".into()),
            ]),
            ..Changes::default()
        };
        let annotations = |docker_types: bool| {
            let layers = vec![layer(LayerKind::Base, "b")];
            let image = assemble(b"{}", Platform::host(), layers, docker_types, &changes);
            let manifest = image.unwrap().manifest.unwrap();
            let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
            manifest.get("annotations").cloned()
        };
        let named = json!({ BASE_NAME: "flink:1.20", BASE_DIGEST: "sha256:00" });
        assert_eq!(annotations(false), Some(named));
        assert_eq!(annotations(true), None);
    }

    #[test]
    fn other_media_types_keep_the_blobs() {
        let mut layer = layer(LayerKind::Base, "b");
        if let Some(descriptor) = &mut layer.descriptor {
            descriptor.media_type = media::DOCKER_LAYER_GZIP.into();
        }
        let changes = Changes::default();
        let docker = assemble(b"{}", Platform::host(), vec![layer], true, &changes).unwrap();
        let mut oci = docker.clone();
        in_oci_types(&mut oci).unwrap();
        assert_eq!(oci.config, docker.config);
        let text = String::from_utf8(oci.manifest.unwrap().bytes).unwrap();
        assert!(!text.contains("docker"), "{text}");
    }
}
