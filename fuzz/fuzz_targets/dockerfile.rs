//! Dockerfiles: read or refused, and every path is absolute.
#![no_main]

use flinkpack::dockerfile::{Listed, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let list = |pattern: &str| {
        vec![Listed {
            path: pattern.to_string(),
            below: pattern.rsplit('/').next().unwrap_or_default().to_string(),
            in_folder: pattern.ends_with('/'),
        }]
    };
    match read(text, &list) {
        Err(why) => assert!(!why.is_empty()),
        Ok(recipe) => {
            for path in recipe.tree.files.keys().chain(&recipe.tree.folders) {
                assert!(path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            }
            assert!(recipe.left.iter().all(|one| one.line > 0));
        }
    }
});
