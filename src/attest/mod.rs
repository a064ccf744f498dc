//! What is said of an image beside it: its bill of materials and its provenance,
//! each a document that refers to the image (OCI image specification 1.1,
//! `manifest.md`, `subject`). The same inputs give the same bytes: no time, no
//! host, no user is in them.

mod provenance;
mod referrer;
mod sbom;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use provenance::provenance;
pub use referrer::{Referrer, referrers};
pub use sbom::sbom;

use crate::error::{Context, Result};
use crate::image::{Descriptor, Digest, Manifest, media};
use crate::lock::{Lock, LockedPlatform};
use crate::maven::Coordinates;

/// The type of a CycloneDX document in JSON (registered with IANA).
pub const CYCLONEDX: &str = "application/vnd.cyclonedx+json";

/// The type of an in-toto statement (in-toto attestation framework, `spec/v1`).
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The configuration of a manifest that is no image's (OCI image specification
/// 1.1, `manifest.md`, "Guidance for an Empty Descriptor").
pub const EMPTY: &[u8] = b"{}";

/// A document that goes with an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// What it is.
    pub artifact_type: String,
    /// The document.
    pub text: String,
}

/// What the documents tell of.
pub struct Subject<'a> {
    /// The image's repository, without the registry.
    pub name: &'a str,
    /// The digest of the image, or of the index of several platforms.
    pub digest: Digest,
    /// What it was made of.
    pub lock: &'a Lock,
    /// FLINK_HOME, without leading slash.
    pub home: &'a str,
}

impl Subject<'_> {
    /// What the base for a platform is called in the documents.
    fn base_name(&self, one: &LockedPlatform) -> String {
        match self.lock.base.platforms.len() {
            1 => "base".to_string(),
            _ => format!("base {}", one.platform),
        }
    }
}

impl Attachment {
    /// The document's descriptor.
    pub fn descriptor(&self) -> Descriptor {
        let bytes = self.text.as_bytes();
        Descriptor::new(&self.artifact_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// The manifest by which it refers to `image`.
    pub fn manifest(&self, image: &Manifest) -> Result<Manifest> {
        let config = Descriptor::new(media::OCI_EMPTY, Digest::of(EMPTY), EMPTY.len() as u64);
        let size = image.bytes.len() as u64;
        let bytes = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "artifactType": self.artifact_type,
            "config": config,
            "layers": [self.descriptor()],
            "subject": Descriptor::new(&image.media_type, image.digest, size),
        }))
        .doing(|| "encoding the manifest of an attached document")?;
        Ok(Manifest {
            digest: Digest::of(&bytes),
            media_type: media::OCI_MANIFEST.to_string(),
            config,
            bytes,
        })
    }

    /// How an index names that manifest.
    pub fn entry(&self, manifest: &Manifest) -> Descriptor {
        let size = manifest.bytes.len() as u64;
        let mut entry = Descriptor::new(&manifest.media_type, manifest.digest, size);
        let kind = Value::from(self.artifact_type.as_str());
        entry.other.insert("artifactType".to_string(), kind);
        entry
    }
}

/// What a package URL need not have escaped (package-url specification).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The package URL of a coordinate (package-url specification, type `maven`).
fn maven_purl(coordinate: &Coordinates) -> String {
    let mut purl = format!(
        "pkg:maven/{}/{}@{}",
        escaped(coordinate.group()),
        escaped(coordinate.artifact()),
        escaped(coordinate.version())
    );
    let classifier = coordinate
        .classifier()
        .map(|classifier| format!("classifier={}", escaped(classifier)));
    let extension = coordinate.extension();
    let extension = (extension != "jar").then(|| format!("type={}", escaped(extension)));
    let qualifiers: Vec<String> = classifier.into_iter().chain(extension).collect();
    if !qualifiers.is_empty() {
        purl.push('?');
        purl.push_str(&qualifiers.join("&"));
    }
    purl
}

/// The package URL of an image (package-url specification, type `oci`).
fn oci_purl(reference: &str, digest: &Digest) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let name = name.split([':', '@']).next().unwrap_or(name);
    format!(
        "pkg:oci/{}@{}",
        escaped(&name.to_lowercase()),
        escaped(&digest.to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_escaped() {
        let purl = |text: &str| maven_purl(&text.parse().unwrap());
        assert_eq!(purl("g.h:a_2.12:1.0"), "pkg:maven/g.h/a_2.12@1.0");
        assert_eq!(purl("g:a:2.0+x"), "pkg:maven/g/a@2.0%2Bx");
        assert_eq!(
            purl("g:a:1.0:linux-x86_64"),
            "pkg:maven/g/a@1.0?classifier=linux-x86_64"
        );
        let digest = Digest::of(b"x");
        let hex = digest.hex();
        for name in ["r.example:5000/team/flink:1.20", "team/flink", "flink"] {
            assert_eq!(
                oci_purl(name, &digest),
                format!("pkg:oci/flink@sha256%3A{hex}")
            );
        }
    }
}
