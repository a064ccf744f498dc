//! Headers of registries: challenges, and where an upload goes on.
#![no_main]

use flinkpack::image::Digest;
use flinkpack::registry::{challenge, location};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for challenge in challenge::parse(text) {
        assert!(!challenge.scheme.is_empty());
        assert_eq!(challenge.scheme, challenge.scheme.to_ascii_lowercase());
    }
    if let Some(bytes) = location::received(text) {
        assert_ne!(bytes, 1, "0-0 is nothing");
    }
    let _ = location::first_position(text);
    let answered = "https://registry.test/v2/a/blobs/uploads/"
        .parse()
        .expect("an address");
    let Ok(url) = location::resolve(&answered, text) else {
        return;
    };
    assert!(matches!(url.scheme(), "http" | "https"));
    // What began in safety is not sent in the open to the same host.
    assert!(
        url.scheme() == "https" || url.host() != answered.host(),
        "{url}"
    );
    let last = location::with_digest(&url, &Digest::of(b"x"));
    assert!(
        last.query()
            .is_some_and(|query| query.contains("digest=sha256%3A"))
    );
    assert_eq!(last.host(), url.host());
});
