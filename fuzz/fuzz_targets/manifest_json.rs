//! Manifests and indexes of registries, and facts in a label.
#![no_main]

use flinkpack::base::label;
use flinkpack::image::{AnyManifest, Digest, Platform};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match AnyManifest::parse(bytes, None) {
        Ok(AnyManifest::Index(index)) => {
            if let Ok(entry) = index.choose(&Platform::host()) {
                assert!(index.manifests.contains(entry));
            }
        }
        Ok(AnyManifest::Image(image)) => {
            let text = serde_json::to_vec(&image).expect("it is written");
            assert!(AnyManifest::parse(&text, image.media_type.as_deref()).is_ok());
        }
        Err(error) => assert!(!error.report().is_empty()),
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = label::read(&text, &[Digest::of(b"1")]);
});
