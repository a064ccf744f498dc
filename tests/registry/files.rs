//! OCI layouts and archives: written, read again, and hostile ones refused.

use std::fs;
use std::io::Read;
use std::path::Path;

use flinkpack::error::Reason;
use flinkpack::image::{Image, Layout, Origin};
use flinkpack::sink::archive::{DockerArchive, OciArchive};
use flinkpack::sink::layout::OciLayout;
use flinkpack::sink::{Delivery, LayerStatus, Sink, Target};

use super::{Bench, failed};
use crate::support::registry::FaultRegistry;

async fn write_layout(bench: &Bench, image: &Image, folder: &Path, tag: Option<&str>) -> Delivery {
    let mut layout = OciLayout::new(folder, tag);
    bench.deliver(&mut layout, image, &[]).await.unwrap()
}

/// Finds `image` in the layout `path` and reads all its blobs.
fn check(path: &Path, tag: Option<&str>, image: &Image) {
    let layout = Layout::open(path).unwrap();
    let found = layout.find(tag, &image.platform).unwrap();
    let manifest = image.manifest.as_ref().unwrap();
    assert_eq!(found.digest, manifest.digest);
    assert_eq!(found.bytes, manifest.bytes);
    assert_eq!(found.media_type, manifest.media_type);
    assert_eq!(layout.config(&found.manifest.config).unwrap(), image.config);
    for descriptor in &found.manifest.layers {
        let Origin::File { path, offset } = layout.origin(descriptor).unwrap() else {
            panic!("a blob of a layout is in a file");
        };
        let content = fs::read(path).unwrap();
        let end = offset + descriptor.size;
        let blob = &content[offset as usize..end as usize];
        assert_eq!(flinkpack::image::Digest::of(blob), descriptor.digest);
    }
}

#[tokio::test]
async fn a_layout_keeps_what_it_has() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let folder = bench.folder.path().join("layout");
    let one = bench.image_on_base(&registry, &[1]);
    let first = write_layout(&bench, &one, &folder, Some("one")).await;
    assert!(
        first
            .layers
            .iter()
            .all(|status| *status == Some(LayerStatus::Built))
    );
    check(&folder, Some("one"), &one);
    let again = write_layout(&bench, &one, &folder, Some("one")).await;
    assert!(
        again.unchanged
            && again
                .layers
                .iter()
                .all(|status| *status == Some(LayerStatus::Present))
    );
    let two = bench.image_on_base(&registry, &[2]);
    let second = write_layout(&bench, &two, &folder, Some("two")).await;
    assert_eq!(second.layers[0], Some(LayerStatus::Present));
    assert_eq!(second.layers[1], Some(LayerStatus::Built));
    check(&folder, Some("one"), &one);
    check(&folder, Some("two"), &two);
    assert_eq!(registry.count("GET", "/blobs/"), 1);
    // A tag moves, and a blob of the wrong length is written again.
    let blob = folder
        .join("blobs/sha256")
        .join(two.manifest.as_ref().unwrap().digest.hex());
    fs::write(blob, b"short").unwrap();
    write_layout(&bench, &two, &folder, Some("one")).await;
    check(&folder, Some("one"), &two);
    assert_eq!(Layout::open(&folder).unwrap().index().manifests.len(), 2);
}

#[tokio::test]
async fn archives_are_the_same_bytes_each_time() {
    let bench = Bench::new();
    let image = bench.image(&[1, 2, 1]);
    let names = Target::of_references(&["example.com/team/job:1".parse().unwrap()]);
    for is_oci in [true, false] {
        let kind = |path: &Path| -> Box<dyn Sink> {
            match is_oci {
                true => Box::new(OciArchive::new(path, Some("v1"))),
                false => Box::new(DockerArchive::new(path)),
            }
        };
        let paths = ["a.tar", "b.tar"].map(|name| bench.folder.path().join(name));
        for path in &paths {
            let mut archive = kind(path);
            let delivered = bench.deliver(archive.as_mut(), &image, &names).await;
            delivered.unwrap();
        }
        let [a, b] = paths.each_ref().map(|path| fs::read(path).unwrap());
        assert!(a == b);
        if is_oci {
            check(&paths[0], Some("v1"), &image);
            check(&paths[0], None, &image);
        } else {
            check_docker(&paths[0], &image);
        }
    }
}

fn check_docker(path: &Path, image: &Image) {
    let mut members = std::collections::HashMap::new();
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let name = entry.path().unwrap().display().to_string();
        assert!(members.insert(name, bytes).is_none());
    }
    let list: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    assert_eq!(list[0]["RepoTags"][0], "example.com/team/job:1");
    assert_eq!(members[list[0]["Config"].as_str().unwrap()], image.config);
    let layers = list[0]["Layers"].as_array().unwrap();
    assert_eq!(layers.len(), image.layers.len());
    for (name, layer) in layers.iter().zip(&image.layers) {
        let digest = flinkpack::image::Digest::of(&members[name.as_str().unwrap()]);
        assert_eq!(digest, layer.descriptor.as_ref().unwrap().digest);
    }
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let bench = Bench::new();
    let mut image = bench.image(&[1]);
    image.layers[0].built = false;
    let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
    fs::write(bench.store.blob_path(&digest), vec![0; 200_000]).unwrap();
    let folder = bench.folder.path().join("out");
    let path = folder.join("image.tar");
    let mut archive = OciArchive::new(&path, None);
    let outcome = bench.deliver(&mut archive, &image, &[]);
    let error = outcome.await.unwrap_err();
    assert!(error.is(Reason::CorruptBlob), "{}", error.report());
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

/// A tar of these members.
fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn hostile_archives_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    let index: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;
    let good = tar_of(&[("index.json", index)]);
    let mut long = good.clone();
    // The size field of the first header, and its checksum.
    long[124..136].copy_from_slice(b"77777777777\0");
    let sum: u32 = long[..148]
        .iter()
        .chain(&long[156..512])
        .map(|byte| u32::from(*byte))
        .sum();
    long[148..156].copy_from_slice(format!("{:06o}\0 ", sum + 256).as_bytes());
    let long_name = format!("{}/index.json", "a".repeat(70_000));
    for (bytes, part) in [
        (
            tar_of(&[("index.json", index), ("./index.json", index)]),
            "two members",
        ),
        (
            tar_of(&[("index.json", &vec![b' '; 5 << 20])]),
            "are not read",
        ),
        (tar_of(&[("other", index)]), "no index.json"),
        (tar_of(&[(&long_name, index)]), "a header of 7"),
        (long, "ends too early"),
        (good[..600].to_vec(), "ends too early"),
        (vec![0x1f, 0x8b, 8, 0], "gunzip"),
        (vec![b'x'; 2000], "not a tar archive"),
        (Vec::new(), "no index.json"),
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = failed(Layout::open(&path));
        assert!(error.contains(part), "{part}: {error}");
    }
    fs::write(&path, &good).unwrap();
    let layout = Layout::open(&path).unwrap();
    let error = failed(layout.find(None, &"linux/amd64".parse().unwrap()));
    assert!(error.contains("holds no image"), "{error}");
}

#[test]
fn a_tag_ends_a_path_that_is_no_file() {
    use flinkpack::image::layout::split_tag;
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a:b");
    fs::write(&odd, b"").unwrap();
    let odd = odd.display().to_string();
    assert_eq!(split_tag(&odd), (odd.clone().into(), None));
    assert_eq!(split_tag("dir/x:1.2"), ("dir/x".into(), Some("1.2".into())));
    assert_eq!(split_tag("dir:x/y"), ("dir:x/y".into(), None));
}
