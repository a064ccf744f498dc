//! What is in an image.

use serde_json::Value;

use crate::ops::inspect::{File, Inspection};
use crate::report::bytes;

/// For people, at 80 columns.
pub fn text(image: &Inspection) -> String {
    let mut out = format!("{} ({})\n", image.image, image.platform);
    out.push_str(&format!("  digest   {}\n", image.digest));
    if let Some(index) = &image.index {
        out.push_str(&format!("  index    {}\n", index.digest));
        for one in &index.platforms {
            let digest = one.digest.short();
            out.push_str(&format!("           {digest} {}\n", one.platform));
        }
    }
    let java = image
        .java
        .map(|java| format!(", Java {java}"))
        .unwrap_or_default();
    out.push_str(&format!(
        "  Flink    {}, Scala {}{java}, in {}\n",
        image.flink, image.scala, image.flink_home
    ));
    if let Some(base) = &image.base {
        let text = base
            .get("reference")
            .and_then(Value::as_str)
            .unwrap_or_default();
        out.push_str(&format!("  base     {text}\n"));
    }
    for artifact in &image.artifacts {
        let text = |key: &str| {
            artifact
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        out.push_str(&format!(
            "  {:<11} {}: {}\n",
            text("kind"),
            text("name"),
            text("source")
        ));
    }
    let mut list = |title: &str, files: &[File]| {
        if files.is_empty() {
            return;
        }
        out.push_str(&format!("{title}\n"));
        for file in files {
            match &file.target {
                Some(target) => out.push_str(&format!("  {} -> {target}\n", file.name)),
                None => out.push_str(&format!("  {:>8}  {}\n", bytes(file.size), file.name)),
            }
        }
    };
    list("lib/", &image.lib);
    list("usrlib/", &image.usrlib);
    for plugin in &image.plugins {
        list(&format!("plugins/{}/", plugin.name), &plugin.jars);
    }
    list("opt/", &image.opt);
    out.push_str("layers\n");
    for layer in &image.layers {
        let size = layer.size.map_or("?".to_string(), bytes);
        let by: String = layer.created_by.chars().take(48).collect();
        let digest = layer.digest.unwrap_or(layer.diff_id).short();
        out.push_str(&format!("  {size:>8}  {digest}  {by}\n"));
    }
    if !image.attached.is_empty() {
        out.push_str("attached\n");
    }
    for one in &image.attached {
        out.push_str(&format!(
            "  {}  {}\n",
            one.digest.short(),
            one.artifact_type
        ));
    }
    out
}
