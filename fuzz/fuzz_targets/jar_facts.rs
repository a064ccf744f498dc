//! JARs: facts or an error, and the facts come back whole.
#![no_main]

use flinkpack::image::Digest;
use flinkpack::jar::{known, known_classes, learn, texts};
use flinkpack::store::Store;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = flinkpack_fuzz::file("x.jar", bytes);
    let store = Store::open(flinkpack_fuzz::path("store"));
    // One name for all, so that the store does not grow.
    let digest = Digest::of(b"the same");
    if let Err(error) = learn(&store, &path, &digest, "x.jar") {
        return assert!(!error.report().is_empty());
    }
    let facts = known(&store, &digest).expect("they were kept");
    let texts = texts(&store, &digest).expect("they were kept");
    let names = known_classes(&store, &digest).expect("they were kept");
    assert_eq!(names.len(), facts.len());
    for (class, name) in facts.classes().zip(&names) {
        assert_eq!(class.name().text, name);
        assert_eq!(
            facts.find(name).map(|found| found.number()),
            Some(class.number())
        );
        let text = |signature: u32| texts.get(signature).expect("it was kept");
        for signature in class.members() {
            assert!(class.declares(*signature));
            assert_eq!(crc32(&text(*signature)), *signature);
        }
        for used in class.uses() {
            assert_eq!(crc32(&text(used.signature)), used.signature);
        }
        class
            .types()
            .for_each(|name| assert!(name.text.len() <= 65_535));
    }
});

fn crc32(text: &str) -> u32 {
    let bits = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    });
    !bits
}
