//! Images to push: real in form, with any bytes for layers.

use flinkpack::image::{
    Descriptor, Digest, Image, ImageManifest, Layer, LayerKind, Manifest, Origin, Platform, media,
};
use flinkpack::store::Store;
use serde_json::json;

/// Bytes that do not compress and differ by `seed`.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next)
        .flatten()
        .take(length)
        .collect()
}

/// A layer of these bytes.
pub fn layer(name: &str, kind: LayerKind, bytes: &[u8], origin: Origin) -> Layer {
    let digest = Digest::of(bytes);
    Layer {
        kind,
        name: name.to_string(),
        diff_id: digest,
        descriptor: Some(Descriptor::new(
            media::OCI_LAYER,
            digest,
            bytes.len() as u64,
        )),
        origin,
        entries: 1,
        built: true,
    }
}

/// A layer whose bytes are in `store`.
pub fn stored(store: &Store, name: &str, bytes: &[u8]) -> Layer {
    store.write_blob(bytes).unwrap();
    layer(name, LayerKind::Connector, bytes, Origin::Store)
}

/// An image of these layers.
pub fn image(layers: Vec<Layer>) -> Image {
    let ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": ids },
    });
    let config = serde_json::to_vec(&config).unwrap();
    let descriptor = Descriptor::new(media::OCI_CONFIG, Digest::of(&config), config.len() as u64);
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: Some(media::OCI_MANIFEST.to_string()),
        config: descriptor.clone(),
        layers: layers
            .iter()
            .map(|layer| layer.descriptor.clone().unwrap())
            .collect(),
        other: serde_json::Map::new(),
    };
    let bytes = serde_json::to_vec(&manifest).unwrap();
    Image {
        platform: Platform {
            os: "linux".into(),
            architecture: "amd64".into(),
            variant: None,
        },
        layers,
        config,
        manifest: Some(Manifest {
            digest: Digest::of(&bytes),
            bytes,
            media_type: media::OCI_MANIFEST.to_string(),
            config: descriptor,
        }),
    }
}
