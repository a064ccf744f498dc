//! The bill of materials: CycloneDX 1.5, as JSON.
//!
//! Source: the schema `bom-1.5.schema.json` of the specification.

use serde_json::{Value, json};

use super::{Attachment, CYCLONEDX, Subject, maven_purl, oci_purl};
use crate::error::{Context, Result};
use crate::image::Digest;
use crate::lock::{LockedJar, Source};

/// The JARs that were put into the image, and its base.
pub fn sbom(subject: &Subject<'_>) -> Result<Attachment> {
    let lock = subject.lock;
    let bases = lock.base.platforms.iter().map(|one| {
        json!({
            "type": "container",
            "bom-ref": subject.base_name(one),
            "name": one.reference,
            "version": one.digest.to_string(),
            "purl": oci_purl(&one.reference, &one.digest),
        })
    });
    let mut components: Vec<Value> = bases.collect();
    components.extend(lock.jars.iter().map(|jar| component(subject, jar)));
    let mut dependencies = vec![json!({"ref": "image", "dependsOn": roots(subject)})];
    dependencies.extend(lock.jars.iter().map(|jar| {
        let needed = lock.jars.iter().filter(|other| needs(jar, other));
        let needed: Vec<String> = needed.map(|other| place(subject, other)).collect();
        json!({"ref": place(subject, jar), "dependsOn": needed})
    }));
    let content = json!({
        "metadata": {
            "tools": {"components": [{
                "type": "application",
                "name": "flinkpack",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": subject.name,
                "version": subject.digest.to_string(),
                "purl": oci_purl(subject.name, &subject.digest),
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial(&content),
        "version": 1,
    });
    if let (Value::Object(all), Value::Object(content)) = (&mut document, content) {
        all.extend(content);
    }
    Ok(Attachment {
        artifact_type: CYCLONEDX.to_string(),
        text: serde_json::to_string(&document).doing(|| "encoding the bill of materials")?,
    })
}

fn component(subject: &Subject<'_>, jar: &LockedJar) -> Value {
    let mut out = json!({
        "type": "library",
        "bom-ref": place(subject, jar),
        "name": jar.path.rsplit('/').next().unwrap_or(&jar.path),
        "hashes": [{"alg": "SHA-256", "content": jar.sha256.hex()}],
        "evidence": {"occurrences": [{"location": place(subject, jar)}]},
        "properties": [
            {"name": "flinkpack:name", "value": jar.name},
            {"name": "flinkpack:kind", "value": jar.kind.word()},
            {"name": "flinkpack:source", "value": jar.source.to_string()},
        ],
    });
    if let Some(coordinate) = jar.source.coordinates() {
        out["group"] = coordinate.group().into();
        out["name"] = coordinate.artifact().into();
        out["version"] = coordinate.version().into();
        out["purl"] = maven_purl(coordinate).into();
    }
    if let Source::Url(url) = &jar.source {
        out["externalReferences"] = json!([{"type": "distribution", "url": url}]);
    }
    out
}

/// Where a JAR is in the image: also its name in the document, since no two
/// are in one place.
fn place(subject: &Subject<'_>, jar: &LockedJar) -> String {
    format!("/{}/{}", subject.home, jar.path)
}

/// Whether `jar` brought `other` along.
fn needs(jar: &LockedJar, other: &LockedJar) -> bool {
    let coordinates = jar.source.coordinates();
    coordinates.is_some() && other.needed_by.as_ref() == coordinates
}

/// What the image has because the manifest, or a JAR that is not in it, asks.
fn roots(subject: &Subject<'_>) -> Vec<String> {
    let jars = &subject.lock.jars;
    let roots = jars
        .iter()
        .filter(|jar| !jars.iter().any(|other| needs(other, jar)));
    let places = roots.map(|jar| place(subject, jar));
    let bases = subject.lock.base.platforms.iter();
    let bases = bases.map(|one| subject.base_name(one));
    bases.chain(places).collect()
}

/// A UUID that follows from the content (RFC 9562, version 8).
fn serial(content: &Value) -> String {
    let hex = Digest::of(content.to_string().as_bytes()).hex();
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    )
}
