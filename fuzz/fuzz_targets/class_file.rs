//! Class files: read or refused, and what is read is of the file.
#![no_main]

use flinkpack::jar::parse_class;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse_class(bytes) {
        Err(why) => assert!(!why.is_empty()),
        Ok(class) => {
            assert!(bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbe]));
            for (owner, _) in &class.uses {
                assert!(!owner.starts_with("java/") && !owner.starts_with('['));
            }
        }
    }
});
