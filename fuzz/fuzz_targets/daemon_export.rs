//! What `docker save` streams: nothing is kept without end, whatever the lists name.
//! What is fuzzed is that stream, or what makes one: members between lines of `==`, the
//! first line of each its name; in content that begins with `%`, each line after that
//! is a file of a layer.
#![no_main]

use flinkpack::base::export;
use flinkpack::image::Platform;
use flinkpack::report::{Phase, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let platform: Platform = "linux/amd64".parse().expect("a platform");
    let task = Report::silent().start(Phase::Base, "the base", None);
    let written = write(&String::from_utf8_lossy(bytes));
    for stream in [bytes, &written] {
        for oci in [false, true] {
            match export::read(stream, "opt/flink", oci, &platform, &task) {
                Ok(found) => {
                    assert!(!found.config.is_empty());
                    assert_eq!(found.manifest.is_some(), oci);
                }
                Err(error) => assert!(!error.report().is_empty()),
            }
        }
    }
});

fn write(text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for member in text.split("\n==\n").take(50) {
        let (name, content) = member.split_once('\n').unwrap_or((member, ""));
        match content.strip_prefix('%') {
            Some(files) => append(&mut tar, name, &layer(files)),
            None => append(&mut tar, name, content.as_bytes()),
        }
    }
    tar.into_inner().unwrap_or_default()
}

fn layer(files: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in files.lines().take(50) {
        append(&mut tar, file, b"x");
    }
    tar.into_inner().unwrap_or_default()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    // As it is: the library would refuse some.
    let length = name.len().min(100);
    header.as_old_mut().name[..length].copy_from_slice(&name.as_bytes()[..length]);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let _ = tar.append(&header, content);
}
