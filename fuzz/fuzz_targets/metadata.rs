//! `maven-metadata.xml`: versions are clean, and a snapshot's version makes no
//! path that leaves its folder.
#![no_main]

use flinkpack::maven::Coordinates;
use flinkpack::maven::version;
use flinkpack::repository::{snapshot_in, versions_in};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(versions) = versions_in(text, "maven-metadata.xml") {
        for version in &versions {
            assert!(!version.is_empty() && version.trim() == version);
        }
        let sorted = version::sorted(versions.iter().map(String::as_str));
        assert_eq!(sorted.len(), versions.len());
    }
    for name in [
        "g:a:1-SNAPSHOT",
        "g:a:1-SNAPSHOT:tests",
        "g:a:1-SNAPSHOT@pom",
    ] {
        let coordinate: Coordinates = name.parse().expect("a coordinate");
        let Ok(Some(found)) = snapshot_in(text, &coordinate, "maven-metadata.xml") else {
            continue;
        };
        if let Ok(dated) = coordinate.with_version(&found.version) {
            let path = dated.path();
            assert!(path.starts_with("g/a/") && !path.contains("/.."), "{path}");
            assert_eq!(path.split('/').count(), 4, "{path}");
        }
    }
});
