//! Manifests: errors have a place, and show no password of an address.
#![no_main]

use std::path::Path;

use flinkpack::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "s3cr3t";

fuzz_target!(|text: &str| {
    match Manifest::of_text(Path::new("folder/flinkpack.toml"), text) {
        Ok(manifest) => {
            assert_eq!(manifest.text(), text);
            assert_eq!(manifest.folder(), Path::new("folder"));
            for path in manifest.content.files.keys() {
                assert!(path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            }
        }
        Err(error) => {
            let report = error.report();
            assert!(report.contains("flinkpack.toml"), "{report}");
            let hides = || {
                text.match_indices(SECRET).all(|(at, _)| {
                    text[..at].ends_with("://me:") && text[at + SECRET.len()..].starts_with('@')
                })
            };
            assert!(!report.contains(SECRET) || !hides(), "{report}");
        }
    }
});
