//! Uploads that meet trouble: they end right, and send little twice.

use std::time::Duration;

use flinkpack::error::Reason;
use flinkpack::fetch::Patience;
use flinkpack::image::{LayerKind, Origin};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;

use super::{Bench, failed, quick};
use crate::support::faults::{Action, Fault};
use crate::support::images::{image, layer, noise, stored};
use crate::support::registry::FaultRegistry;

const PUT: &str = "PUT";
const UPLOADS: &str = "/blobs/uploads/session-";

/// Pushes one layer of 500 kB with this fault, and says how many bytes went out.
async fn push_with(fault: Fault) -> (FaultRegistry, u64) {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    registry.fault(fault);
    let layer = stored(&bench.store, "big", &noise(1, 500_000));
    let digest = layer.descriptor.as_ref().unwrap().digest;
    bench
        .push(&image(vec![layer]), &registry, &["a"])
        .await
        .unwrap();
    assert!(registry.has_blob("team/job", &digest));
    let sent = bench.registries.traffic().sent();
    (registry, sent)
}

/// The fault at the upload of the layer, which is session 1 or 2.
fn at_layer(action: Action) -> Fault {
    Fault::new(PUT, UPLOADS, action)
}

#[tokio::test]
async fn whole_when_nothing_goes_wrong() {
    let (registry, sent) = push_with(Fault::new("X", "", Action::Stall)).await;
    assert_eq!(registry.count("PATCH", ""), 0);
    assert!(sent < 510_000, "{sent}");
}

/// A fault at the big layer alone: the configuration, sent at the same time,
/// is shorter than what the reset waits for.
async fn cut_at(bytes: u64) -> (FaultRegistry, u64) {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let layer = stored(&bench.store, "big", &noise(1, 3_000_000));
    let digest = layer.descriptor.as_ref().unwrap().digest;
    registry.fault(Fault::new(
        PUT,
        format!("digest=sha256%3A{}", digest.hex()),
        Action::ResetAfter(bytes),
    ));
    bench
        .push(&image(vec![layer]), &registry, &["a"])
        .await
        .unwrap();
    assert!(registry.has_blob("team/job", &digest));
    let resent: u64 = registry
        .requests()
        .iter()
        .filter(|request| request.method == "PATCH")
        .map(|request| request.length)
        .sum();
    (registry, resent)
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_was_cut() {
    let (_, resent) = cut_at(2_700_000).await;
    assert_eq!(resent, 300_000);
    let (_, resent) = cut_at(1_000_001).await;
    assert_eq!(resent, 1_999_999);
    let (registry, _) = cut_at(0).await;
    assert_eq!(registry.count("PATCH", ""), 0, "it begins again, whole");
}

#[tokio::test]
async fn a_limit_on_requests_means_chunks() {
    for least in [None, Some(700_000)] {
        let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
        registry.behaviour().longest = Some(1 << 20);
        registry.behaviour().least_chunk = least;
        let layer = stored(&bench.store, "big", &noise(1, 3_000_000));
        bench
            .push(&image(vec![layer]), &registry, &["a"])
            .await
            .unwrap();
        let patches: Vec<_> = registry.requests();
        let patches: Vec<_> = patches
            .iter()
            .filter(|request| request.method == "PATCH")
            .filter(|request| request.length <= 1 << 20)
            .map(|request| request.header("content-range").unwrap())
            .collect();
        assert_eq!(patches, ["0-1048575", "1048576-2097151", "2097152-2999999"]);
    }
}

#[tokio::test]
async fn a_damaged_blob_of_the_cache_is_named_and_forgotten() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let mut image = bench.image(&[1]);
    image.layers[0].built = false;
    let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
    let path = bench.store.blob_path(&digest);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    for bytes in [bytes.clone(), bytes[..1000].to_vec()] {
        std::fs::write(&path, bytes).unwrap();
        let error = bench.push(&image, &registry, &["a"]).await.unwrap_err();
        assert!(error.is(Reason::CorruptBlob), "{}", error.report());
        assert_eq!(bench.store.blob_size(&digest), None);
        assert!(!registry.has_blob("team/job", &digest));
    }
}

#[tokio::test]
async fn a_blob_in_a_file_is_read_from_its_place_and_checked() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let bytes = noise(5, 700_000);
    let path = bench.folder.path().join("archive");
    let mut content = vec![7; 1234];
    content.extend(&bytes);
    content.extend([8; 999]);
    std::fs::write(&path, &content).unwrap();
    let origin = Origin::File {
        path: path.clone(),
        offset: 1234,
    };
    let image = image(vec![layer("base", LayerKind::Base, &bytes, origin)]);
    bench.push(&image, &registry, &["a"]).await.unwrap();
    content[5000] ^= 1;
    std::fs::write(&path, &content).unwrap();
    let other = FaultRegistry::start().await;
    let error = failed(bench.push(&image, &other, &["a"]).await);
    assert!(
        error.contains("is damaged") && error.contains("archive"),
        "{error}"
    );
}

#[tokio::test]
async fn slow_is_not_stalled() {
    // Much longer than the limit for a stall, but always moving.
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let options = Options {
        patience: Patience {
            attempts: 1,
            stall: Duration::from_millis(500),
            ..quick().patience
        },
        answer: Duration::from_secs(20),
        ..quick()
    };
    let registries = Registries::new(Keychain::anonymous(), options, Report::silent());
    let bench = Bench {
        registries,
        ..bench
    };
    let layer = stored(&bench.store, "big", &noise(1, 16 << 20));
    registry.fault(at_layer(Action::Slow(1 << 20, Duration::from_millis(100))).times(2));
    let begin = std::time::Instant::now();
    bench
        .push(&image(vec![layer]), &registry, &["a"])
        .await
        .unwrap();
    assert!(begin.elapsed() > Duration::from_millis(1500));
}
