//! Image references and names of bases: what is read is written again.
#![no_main]

use flinkpack::base::BaseSpec;
use flinkpack::image::{Digest, Platform, Reference};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        for form in [reference.to_string(), reference.full()] {
            let again: Reference = form.parse().expect("what is written");
            assert_eq!(again.full(), reference.full(), "{form}");
        }
        assert!(!reference.full().contains(char::is_whitespace));
        if let Ok(other) = reference.with_tag("1") {
            assert_eq!(other.name(), reference.name());
        }
    }
    if let Ok(base) = text.parse::<BaseSpec>() {
        let again: BaseSpec = base.to_string().parse().expect("what is written");
        assert_eq!(again.to_string(), base.to_string());
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest));
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert!(platform.accepts(&platform), "{platform}");
    }
});
