//! Where an image comes from: SLSA provenance 1.0 in an in-toto statement.
//!
//! Source: slsa.dev/spec/v1.0/provenance, and in-toto attestation `spec/v1`.

use serde_json::{Value, json};

use super::{Attachment, IN_TOTO, Subject, maven_purl, oci_purl};
use crate::error::{Context, Result};
use crate::image::Digest;
use crate::lock::Source;

/// What was built of what; `manifest` and `lock` are the files' digests.
pub fn provenance(subject: &Subject<'_>, manifest: Digest, lock: Digest) -> Result<Attachment> {
    let of = |digest: &Digest| json!({"sha256": digest.hex()});
    let base = &subject.lock.base;
    let mut inputs = vec![
        json!({"name": "flinkpack.toml", "digest": of(&manifest)}),
        json!({"name": "flinkpack.lock", "digest": of(&lock)}),
    ];
    inputs.extend(base.platforms.iter().map(|one| {
        json!({
            "name": subject.base_name(one),
            "uri": oci_purl(&one.reference, &one.digest),
            "digest": of(&one.digest),
        })
    }));
    inputs.extend(subject.lock.jars.iter().map(|jar| {
        let mut input = json!({"name": jar.path, "digest": of(&jar.sha256)});
        let uri = match &jar.source {
            Source::Maven(coordinates) => Some(maven_purl(coordinates)),
            Source::Url(url) => Some(url.clone()),
            Source::Path(_) | Source::Base(_) => None,
        };
        if let Some(uri) = uri {
            input["uri"] = Value::from(uri);
        }
        input
    }));
    let document = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject.name, "digest": of(&subject.digest)}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:flinkpack:build:1",
                "externalParameters": {
                    "manifest": "flinkpack.toml",
                    "base": base.references(),
                    "platform": base.platform_names(),
                },
                "resolvedDependencies": inputs,
            },
            "runDetails": {
                "builder": {
                    "id": "urn:flinkpack:builder",
                    "version": {"flinkpack": env!("CARGO_PKG_VERSION")},
                },
            },
        },
    });
    Ok(Attachment {
        artifact_type: IN_TOTO.to_string(),
        text: serde_json::to_string(&document).doing(|| "encoding the provenance")?,
    })
}
