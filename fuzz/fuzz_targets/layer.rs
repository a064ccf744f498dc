//! Layers of a base: no path leads out of the tree, nothing is read without end.
//! What is fuzzed is a tar, or what makes one: `+path` is a file, `-path` a folder,
//! `@path>target` a link, `=path>target` a hard link, a line each.
#![no_main]

use flinkpack::base::export;
use flinkpack::base::tree::Tree;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let written = write(bytes);
    let mut tree = Tree::default();
    for (place, bytes) in [bytes, &written].into_iter().enumerate() {
        let scan = match export::read_layer(bytes, "opt/flink", place) {
            Ok(scan) => scan,
            Err(error) => {
                assert!(!error.report().is_empty());
                continue;
            }
        };
        let paths = scan.nodes.keys().chain(&scan.whiteouts).chain(&scan.opaque);
        for path in paths.chain(scan.links.values()) {
            let is_plain = |part: &str| !matches!(part, "" | "." | "..");
            assert!(path.is_empty() || path.split('/').all(is_plain), "{path}");
        }
        tree.apply(scan);
    }
    if let Ok(facts) = tree.facts("/opt/flink", None) {
        for name in facts.children("lib").map(|(name, _)| name.to_string()) {
            let path = facts.resolve(&facts.under_home(&format!("lib/{name}")));
            assert!(!path.split('/').any(|part| part == ".."), "{path}");
        }
    }
});

fn write(bytes: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for line in bytes.split(|byte| *byte == b'\n').take(200) {
        let Some((kind, rest)) = line.split_first() else {
            continue;
        };
        let mut parts = rest.splitn(2, |byte| *byte == b'>');
        let (path, target) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(match kind {
            b'-' => tar::EntryType::Directory,
            b'@' => tar::EntryType::Symlink,
            b'=' => tar::EntryType::Link,
            _ => tar::EntryType::Regular,
        });
        // As they are: the library would refuse some.
        let (name, link) = (path.len().min(100), target.len().min(100));
        header.as_old_mut().name[..name].copy_from_slice(&path[..name]);
        header.as_old_mut().linkname[..link].copy_from_slice(&target[..link]);
        header.set_size(0);
        header.set_cksum();
        let _ = tar.append(&header, &b""[..]);
    }
    tar.into_inner().unwrap_or_default()
}
