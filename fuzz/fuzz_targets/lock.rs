//! Lock files: what is read is written, and is read again as the same.
#![no_main]

use flinkpack::lock::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let path = flinkpack_fuzz::file("flinkpack.lock", text);
    let lock = match Lock::read(&path) {
        Ok(lock) => lock.expect("the file is there"),
        Err(error) => return assert!(!error.report().is_empty()),
    };
    let written = lock.text();
    let path = flinkpack_fuzz::file("written.lock", written.as_bytes());
    let again = Lock::read(&path).expect("what is written is read");
    assert_eq!(again.as_ref(), Some(&lock));
    assert!(!lock.write(&path).expect("it is the same"));
    assert_eq!(lock.differences(&lock), [""; 0]);
    for jar in &lock.jars {
        let pin = lock.pin(&jar.name, &jar.source).expect("it has a pin");
        assert_eq!((&pin.name, &pin.source), (&jar.name, &jar.source));
    }
});
