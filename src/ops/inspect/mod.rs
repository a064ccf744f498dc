//! `flinkpack inspect`: what is in an image, in Flink's terms.

mod documents;

use serde::Serialize;
use serde_json::Value;

use crate::base::{self, NodeKind};
use crate::error::Result;
use crate::image::assemble::{BASE_DIGEST, BASE_NAME};
use crate::image::{Digest, Index};
use crate::ops::Session;
use crate::ops::build::images::ARTIFACTS_LABEL;
use documents::Attached;
pub use documents::document;

/// What is told of an image.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its name.
    pub image: String,
    /// Its digest.
    pub digest: Digest,
    /// What it runs on.
    pub platform: String,
    /// The index that has it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexLines>,
    /// Its Flink.
    pub flink: String,
    /// Its Scala.
    pub scala: String,
    /// Its Java.
    pub java: Option<u32>,
    /// Where Flink is.
    pub flink_home: String,
    /// The base that flinkpack built it on.
    pub base: Option<Value>,
    /// What flinkpack put in, with sources.
    pub artifacts: Vec<Value>,
    /// JARs in lib/.
    pub lib: Vec<File>,
    /// JARs in usrlib/.
    pub usrlib: Vec<File>,
    /// Plugin folders with their JARs.
    pub plugins: Vec<Plugin>,
    /// JARs in opt/.
    pub opt: Vec<File>,
    /// The layers, lowest first.
    pub layers: Vec<LayerLine>,
    /// Documents that refer to it.
    pub attached: Vec<Attached>,
}

/// An index, and the images in it.
#[derive(Clone, Debug, Serialize)]
pub struct IndexLines {
    /// Its digest.
    pub digest: Digest,
    /// Its images.
    pub platforms: Vec<IndexLine>,
}

/// An image of an index.
#[derive(Clone, Debug, Serialize)]
pub struct IndexLine {
    /// What it runs on.
    pub platform: String,
    /// Its digest.
    pub digest: Digest,
}

/// A file.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its size in bytes; 0 for a link.
    pub size: u64,
    /// Where it points, for a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// A plugin folder.
#[derive(Clone, Debug, Serialize)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Its JARs.
    pub jars: Vec<File>,
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerLine {
    /// Digest of the bytes as registries keep them.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
    /// Size in bytes as registries keep it.
    pub size: Option<u64>,
    /// What its history says made it.
    pub created_by: String,
}

/// Reads an image, from wherever a base can come.
pub async fn run(session: &Session, image: &str, platform: Option<&str>) -> Result<Inspection> {
    let (spec, base) = session.open(image, platform).await?;
    let index = base::index(&session.sources().await, &spec, &base).await?;
    let index = index.map(|(digest, index)| IndexLines::of(digest, &index));
    let facts = &base.facts;
    let files = |folder: &str| -> Vec<File> {
        facts
            .children(folder)
            .filter(|(name, node)| node.kind != NodeKind::Folder && name.ends_with(".jar"))
            .map(|(name, node)| File {
                name: name.to_string(),
                size: node.size,
                target: node.target.clone(),
                sha256: node.sha256,
            })
            .collect()
    };
    let plugins = facts
        .children("plugins")
        .filter(|(_, node)| node.kind == NodeKind::Folder)
        .map(|(name, _)| Plugin {
            name: name.to_string(),
            jars: files(&format!("plugins/{name}")),
        })
        .collect();
    let config: Value = serde_json::from_slice(&base.config).unwrap_or_default();
    let label = |name: &str| {
        config
            .pointer("/config/Labels")
            .and_then(|labels| labels.get(name))
            .and_then(Value::as_str)
    };
    let artifacts = label(ARTIFACTS_LABEL)
        .and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok())
        .unwrap_or_default();
    let made_on = label(BASE_NAME).map(|name| {
        serde_json::json!({
            "reference": name,
            "digest": label(BASE_DIGEST),
        })
    });
    Ok(Inspection {
        image: base.reference.clone(),
        digest: base.digest,
        platform: base.platform.to_string(),
        attached: {
            // Documents refer to what the name leads to.
            let top = index.as_ref().map_or(base.digest, |index| index.digest);
            documents::list(session, &spec, &base, top).await
        },
        index,
        flink: facts.flink.to_string(),
        scala: facts.scala.clone(),
        java: facts.java,
        flink_home: format!("/{}", facts.home),
        base: made_on,
        artifacts,
        lib: files("lib"),
        usrlib: files("usrlib"),
        plugins,
        opt: files("opt"),
        layers: layers(&base, &config),
    })
}

fn layers(base: &base::Base, config: &Value) -> Vec<LayerLine> {
    let history: Vec<&str> = config
        .get("history")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("empty_layer").and_then(Value::as_bool) != Some(true))
        .map(|entry| {
            entry
                .get("created_by")
                .and_then(Value::as_str)
                .unwrap_or("")
        })
        .collect();
    base.layers
        .iter()
        .enumerate()
        .map(|(place, layer)| LayerLine {
            digest: layer
                .descriptor
                .as_ref()
                .map(|descriptor| descriptor.digest),
            diff_id: layer.diff_id,
            size: layer.descriptor.as_ref().map(|descriptor| descriptor.size),
            created_by: history.get(place).unwrap_or(&"").to_string(),
        })
        .collect()
}

impl IndexLines {
    fn of(digest: Digest, index: &Index) -> IndexLines {
        let platforms = index.platforms().into_iter();
        let platforms = platforms.map(|(platform, digest)| IndexLine {
            platform: platform.to_string(),
            digest,
        });
        IndexLines {
            digest,
            platforms: platforms.collect(),
        }
    }
}
