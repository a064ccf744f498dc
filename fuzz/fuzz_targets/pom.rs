//! POMs: read or refused; kept and read back they are the same; and whatever
//! they say, a resolution of them ends.
#![no_main]

use std::sync::Arc;

use flinkpack::maven::pom::{self, RawPom};
use flinkpack::maven::{Answer, Context, Request, Resolution};
use libfuzzer_sys::fuzz_target;

/// POMs that there are: one that needs itself under ever new names would go on
/// to the bounds of a resolution, which takes long.
const MAX_POMS: usize = 40;

fuzz_target!(|bytes: &[u8]| {
    let pom = match pom::parse(bytes) {
        Ok(pom) => pom,
        Err(why) => return assert!(!why.is_empty()),
    };
    assert_eq!(pom::parse(bytes).as_ref(), Ok(&pom));
    let kept = serde_json::to_vec(&pom).expect("a POM is kept");
    let back: RawPom = serde_json::from_slice(&kept).expect("a POM is read back");
    assert_eq!(back, pom);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let marked = format!("\u{feff}\n {text}");
        assert_eq!(pom::parse(marked.as_bytes()).as_ref(), Ok(&pom));
    }
    let root = Arc::new(pom);
    let resolution = Resolution::of_pom(root.clone(), Context::linux("amd64", "17.0.1"));
    let answer = |request: &Request, told: usize| match request {
        Request::Pom(_) if told < MAX_POMS => Answer::Pom(root.clone()),
        Request::Pom(_) => Answer::Missing,
        Request::Versions { .. } => {
            Answer::Versions(["1", "2", "1.5-SNAPSHOT"].map(String::from).into())
        }
    };
    if let Err(error) = flinkpack_fuzz::resolve(resolution, answer) {
        assert!(!error.to_string().is_empty());
    }
});
