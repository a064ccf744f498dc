//! What a push asks and sends.

use std::time::Duration;

use flinkpack::image::{LayerKind, Origin};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;
use flinkpack::sink::LayerStatus;

use super::{Bench, failed, quick};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::{image, layer, noise, stored};
use crate::support::registry::FaultRegistry;

#[tokio::test]
async fn nothing_changed_is_one_request() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let image = bench.image(&[1, 2]);
    let first = bench.push(&image, &registry, &["v1"]).await.unwrap();
    assert!(!first.unchanged);
    registry.clear_log();
    let second = bench.push(&image, &registry, &["v1"]).await.unwrap();
    assert_eq!(registry.log(), ["HEAD /v2/team/job/manifests/v1"]);
    assert!(second.unchanged);
    assert_eq!((second.requests, second.bytes), (1, 0));
    assert!(
        second
            .layers
            .iter()
            .all(|status| *status == Some(LayerStatus::Present))
    );
    assert_eq!(second.place, first.place);
}

#[tokio::test]
async fn one_changed_layer_is_the_only_one_sent_or_asked_for() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    bench
        .push(&bench.image(&[1, 2, 3, 4]), &registry, &["v1"])
        .await
        .unwrap();
    registry.clear_log();
    let image = bench.image(&[1, 2, 3, 5]);
    let published = bench.push(&image, &registry, &["v1"]).await.unwrap();
    let statuses: Vec<_> = published.layers.iter().flatten().copied().collect();
    use LayerStatus::{Present, Uploaded};
    assert_eq!(statuses, [Present, Present, Present, Uploaded]);
    let small = (image.config.len() + image.manifest.unwrap().bytes.len()) as u64;
    assert_eq!(published.bytes, 200_000 + small);
    // HEAD of the tag, whose manifest was put from here; POST, PUT of the layer,
    // which was made just now, and of the configuration; PUT of the manifest.
    assert_eq!(registry.log().len(), 6, "{:#?}", registry.log());
}

#[tokio::test]
async fn the_base_is_mounted_and_each_tag_gets_the_manifest() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let image = bench.image_on_base(&registry, &[1]);
    let published = bench.push(&image, &registry, &["a", "b"]).await.unwrap();
    assert_eq!(published.layers[0], Some(LayerStatus::Mounted));
    assert_eq!(published.layers[1], Some(LayerStatus::Uploaded));
    assert_eq!(registry.count("PUT", "/manifests/"), 2);
    assert_eq!(registry.count("HEAD", "/manifests/"), 1);
    let base = image.layers[0]
        .descriptor
        .as_ref()
        .unwrap()
        .digest
        .to_string();
    assert_eq!(
        registry.count("", &format!("mount={}", base.replace(':', "%3A"))),
        1
    );
    assert_eq!(registry.count("GET", "/blobs/"), 0, "no base byte moves");
}

#[tokio::test]
async fn an_upload_opened_instead_of_a_mount_is_used() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    registry.behaviour().mounts = false;
    let image = bench.image_on_base(&registry, &[]);
    let published = bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(published.layers[0], Some(LayerStatus::Uploaded));
    // One for the base, one for the configuration.
    assert_eq!(registry.count("POST", "/blobs/uploads/"), 2);
    assert!(
        registry.state().uploads.is_empty(),
        "no session is left open"
    );
}

#[tokio::test]
async fn a_mount_that_is_refused_is_an_upload() {
    for status in [404, 405, 403] {
        let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
        registry.fault(Fault::new(
            "POST",
            "mount=",
            Action::Answer(Response::new(status)),
        ));
        let image = bench.image_on_base(&registry, &[]);
        let published = bench.push(&image, &registry, &["a"]).await.unwrap();
        assert_eq!(published.layers[0], Some(LayerStatus::Uploaded), "{status}");
    }
}

#[tokio::test]
async fn a_base_elsewhere_streams_through() {
    let bench = Bench::new();
    let (source, target) = (FaultRegistry::start().await, FaultRegistry::start().await);
    let image = bench.image_on_base(&source, &[1]);
    // Broken off on the way, too.
    source.fault(Fault::new("GET", "/blobs/", Action::Cut(100_000)));
    let published = bench.push(&image, &target, &["a"]).await.unwrap();
    assert_eq!(published.layers[0], Some(LayerStatus::Uploaded));
    let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
    assert!(target.has_blob("team/job", &digest));
    assert_eq!(target.count("PUT", "/blobs/uploads/"), 3);
    assert_eq!(source.count("GET", "/blobs/"), 2);
    // What passed through is kept, and not asked for again.
    let third = FaultRegistry::start().await;
    bench.push(&image, &third, &["a"]).await.unwrap();
    assert!(third.has_blob("team/job", &digest));
    assert_eq!(source.count("GET", "/blobs/"), 2);
}

#[tokio::test]
async fn a_big_base_elsewhere_is_asked_for_in_the_chunks_it_is_sent_in() {
    let bench = Bench::new();
    let options = Options {
        chunk: 100_000,
        ..quick()
    };
    let bench = Bench {
        registries: Registries::new(Keychain::anonymous(), options, Report::silent()),
        ..bench
    };
    let (source, target) = (FaultRegistry::start().await, FaultRegistry::start().await);
    let image = bench.image_on_base(&source, &[]);
    source.fault(Fault::new("GET", "/blobs/", Action::Cut(50_000)).after(1));
    bench.push(&image, &target, &["a"]).await.unwrap();
    let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
    assert!(target.has_blob("team/job", &digest));
    assert_eq!(bench.store.blob_size(&digest), Some(300_000));
    let received = bench.registries.traffic().received();
    assert!(received < 310_000, "{received}: nothing came twice");
    // Three chunks, one of them in two parts.
    assert_eq!(source.count("GET", "/blobs/"), 4);
}

#[tokio::test]
async fn a_registry_that_is_asked_too_often_is_asked_less() {
    for (busy, most) in [(false, 4), (true, 2)] {
        let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
        if busy {
            let answer = Response::new(429).with("Retry-After", 0);
            registry.fault(Fault::new("HEAD", "/manifests/", Action::Answer(answer)));
        }
        let slow = Action::Slow(100_000, Duration::from_millis(30));
        registry.fault(Fault::new("PUT", "/blobs/", slow).always());
        let image = bench.image(&[1, 2, 3, 4, 5, 6, 7, 8]);
        bench
            .push(&image, &registry, &["a", "b", "c"])
            .await
            .unwrap();
        assert_eq!(registry.most_at_once("PUT"), most, "busy: {busy}");
        assert_eq!(registry.count("PUT", "/blobs/"), 9, "each blob once");
        assert_eq!(registry.count("PUT", "/manifests/"), 3, "once a tag");
    }
}

#[tokio::test]
async fn a_manifest_that_lost_its_blobs_is_not_trusted() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    bench
        .push(&bench.image(&[1, 2]), &registry, &["v1"])
        .await
        .unwrap();
    let lost = bench.image(&[1]).layers[0]
        .descriptor
        .as_ref()
        .unwrap()
        .digest;
    let key = ("team/job".to_string(), lost.to_string());
    registry.state().blobs.remove(&key);
    bench
        .push(&bench.image(&[1, 3]), &registry, &["v1"])
        .await
        .unwrap();
    assert!(registry.has_blob("team/job", &lost));
}

#[tokio::test]
async fn the_same_push_to_an_immutable_tag_is_fine_and_another_is_not() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    registry.behaviour().immutable = true;
    let one = bench.image(&[1]);
    bench.push(&one, &registry, &["b"]).await.unwrap();
    bench.push(&one, &registry, &["a", "b"]).await.unwrap();
    let error = failed(bench.push(&bench.image(&[2]), &registry, &["a"]).await);
    for part in ["TAG_IMMUTABLE", "team/job:a", "choose another tag"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// Harbor, Quay, ECR and others refuse with statuses of their own, even what would
/// change nothing.
#[tokio::test]
async fn a_tag_that_is_locked_is_known_by_its_digest() {
    for status in [400, 403, 405, 409, 412] {
        let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
        let one = bench.image(&[1]);
        bench.push(&one, &registry, &["b"]).await.unwrap();
        let locked = Action::Answer(Response::new(status));
        registry.fault(Fault::new("PUT", "/manifests/b", locked).always());
        bench.push(&one, &registry, &["a", "b"]).await.unwrap();
        let error = failed(bench.push(&bench.image(&[2]), &registry, &["b"]).await);
        for part in [&status.to_string(), "team/job:b", "choose another tag"] {
            assert!(error.contains(part), "{status}, {part}: {error}");
        }
    }
}

#[tokio::test]
async fn a_wrong_digest_of_what_is_there_is_not_believed() {
    const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    for said in [OTHER, "sha256:x", "md5:abc"] {
        let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
        bench
            .push(&bench.image(&[1]), &registry, &["a"])
            .await
            .unwrap();
        let header = Action::Header("docker-content-digest", Some(said.into()));
        registry.fault(Fault::new("HEAD", "/manifests/", header).always());
        let next = bench.image(&[1, 2]);
        bench.push(&next, &registry, &["a"]).await.unwrap();
        let digest = next.layers[1].descriptor.as_ref().unwrap().digest;
        assert!(registry.has_blob("team/job", &digest), "{said}");
    }
}

#[tokio::test]
async fn without_a_tag_the_digest_is_the_name() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let image = bench.image(&[1]);
    let digest = image.manifest.as_ref().unwrap().digest;
    bench.push(&image, &registry, &[]).await.unwrap();
    assert_eq!(registry.count("PUT", &format!("/manifests/{digest}")), 1);
    assert!(bench.push(&image, &registry, &[]).await.unwrap().unchanged);
}

#[tokio::test]
async fn a_layer_twice_in_an_image_is_sent_once() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let bytes = noise(1, 100_000);
    let twice = vec![
        stored(&bench.store, "a", &bytes),
        stored(&bench.store, "b", &bytes),
    ];
    let published = bench.push(&image(twice), &registry, &["a"]).await.unwrap();
    assert_eq!(registry.count("PUT", "/blobs/uploads/"), 2);
    assert!(
        published
            .layers
            .iter()
            .all(|status| *status == Some(LayerStatus::Uploaded))
    );
}

#[tokio::test]
async fn a_layer_in_the_daemon_alone_is_needed_only_if_absent() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let bytes = noise(1, 100_000);
    let origin = Origin::Daemon {
        image: "sha256:1".into(),
    };
    let image = image(vec![layer("base", LayerKind::Base, &bytes, origin)]);
    let error = failed(bench.push(&image, &registry, &["a"]).await);
    assert!(
        error.contains("internal error") && error.contains("in the daemon alone"),
        "{error}"
    );
    registry.add_blob("team/job", &bytes);
    bench.push(&image, &registry, &["a"]).await.unwrap();
}
