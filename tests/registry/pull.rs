//! Manifests and blobs that are read.

use flinkpack::image::{Descriptor, Digest, Platform, media};
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::{Bench, failed};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::noise;
use crate::support::registry::FaultRegistry;

const SIZE: usize = 400_000;

/// A registry with a blob, and what names that.
async fn with_blob() -> (Bench, FaultRegistry, Vec<u8>, Descriptor) {
    let registry = FaultRegistry::start().await;
    let bytes = noise(8, SIZE);
    let digest = registry.add_blob("team/job", &bytes);
    let descriptor = Descriptor::new("", digest, SIZE as u64);
    (Bench::new(), registry, bytes, descriptor)
}

async fn read(
    bench: &Bench,
    registry: &FaultRegistry,
    descriptor: &Descriptor,
) -> flinkpack::error::Result<Vec<u8>> {
    let mut reader = bench
        .registries
        .blob(&registry.reference("team/job"), descriptor)?;
    let mut all = Vec::new();
    while let Some(piece) = reader.chunk().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[tokio::test]
async fn a_broken_transfer_goes_on_where_it_broke_off() {
    for action in [Action::Cut(150_000), Action::Hang(150_000)] {
        let (bench, registry, bytes, descriptor) = with_blob().await;
        registry.fault(Fault::new("GET", "/blobs/", action));
        assert!(read(&bench, &registry, &descriptor).await.unwrap() == bytes);
        let requests = registry.requests();
        assert_eq!(requests[1].header("range"), Some("bytes=150000-"));
        assert_eq!(bench.registries.traffic().received(), SIZE as u64);
    }
}

#[tokio::test]
async fn a_server_without_ranges_is_read_again() {
    let (bench, registry, bytes, descriptor) = with_blob().await;
    registry.fault(Fault::new("GET", "/blobs/", Action::Cut(150_000)));
    let whole = Response::new(200).body(bytes.clone());
    registry.fault(Fault::new("GET", "/blobs/", Action::Answer(whole)));
    assert!(read(&bench, &registry, &descriptor).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_reader_reads_it_all() {
    let (bench, registry, bytes, descriptor) = with_blob().await;
    let reader = bench
        .registries
        .blob(&registry.reference("team/job"), &descriptor)
        .unwrap();
    let mut all = Vec::new();
    Box::pin(reader.into_async_read())
        .read_to_end(&mut all)
        .await
        .unwrap();
    assert!(all == bytes);
}

#[tokio::test]
async fn other_content_is_an_error_and_not_kept() {
    let (bench, registry, bytes, descriptor) = with_blob().await;
    let longer = Response::new(200).body([bytes, vec![0; 10]].concat());
    for action in [Action::Corrupt, Action::Answer(longer)] {
        registry.fault(Fault::new("GET", "/blobs/", action));
        let reference = registry.reference("team/job");
        let outcome = bench
            .registries
            .blob_to_store(&reference, &descriptor, &bench.store, None)
            .await;
        let error = failed(outcome);
        assert!(error.contains("other content"), "{error}");
        assert_eq!(bench.store.blob_size(&descriptor.digest), None);
    }
}

#[tokio::test]
async fn an_empty_blob_is_checked_too() {
    let (bench, registry, _, Descriptor { digest, .. }) = with_blob().await;
    let reference = registry.reference("team/job");
    for (named, is_right) in [(digest, false), (Digest::of(b""), true)] {
        let empty = Descriptor::new("", named, 0);
        let outcome = bench
            .registries
            .blob_to_store(&reference, &empty, &bench.store, None)
            .await;
        assert_eq!(bench.store.blob_size(&named), is_right.then_some(0));
        match is_right {
            true => assert_eq!(outcome.unwrap(), 0),
            false => assert!(failed(outcome).contains("other content")),
        }
    }
}

#[tokio::test]
async fn a_transfer_that_always_breaks_is_an_error() {
    let (bench, registry, _, descriptor) = with_blob().await;
    registry.fault(Fault::new("GET", "/blobs/", Action::Cut(0)).always());
    let error = failed(read(&bench, &registry, &descriptor).await);
    assert!(error.contains("tried 5 times"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_and_loops_are_not() {
    let (bench, registry, bytes, descriptor) = with_blob().await;
    let other = FaultRegistry::start().await;
    other.add_blob("elsewhere", &bytes);
    let location = format!(
        "http://{}/v2/elsewhere/blobs/{}",
        other.address(),
        descriptor.digest
    );
    let redirect = |to: &str| Action::Answer(Response::new(307).with("Location", to));
    registry.fault(Fault::new("GET", "/blobs/", redirect(&location)));
    assert!(read(&bench, &registry, &descriptor).await.unwrap() == bytes);
    registry
        .fault(Fault::new("GET", "/blobs/", redirect("/v2/team/job/blobs/x?secret=1")).always());
    let error = failed(read(&bench, &registry, &descriptor).await);
    assert!(
        error.contains("redirected more than 10 times") && !error.contains("secret"),
        "{error}"
    );
}

fn put_manifest(
    registry: &FaultRegistry,
    tag: &str,
    kind: &str,
    body: &serde_json::Value,
) -> Digest {
    let bytes = serde_json::to_vec(body).unwrap();
    let digest = Digest::of(&bytes);
    for name in [tag.to_string(), digest.to_string()] {
        let key = ("team/job".to_string(), name);
        registry
            .state()
            .manifests
            .insert(key, (kind.to_string(), bytes.clone()));
    }
    digest
}

fn image_manifest(seed: u64) -> serde_json::Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media::DOCKER_MANIFEST,
        "config": { "mediaType": media::DOCKER_CONFIG, "digest": Digest::of(&noise(seed, 9)), "size": 9 },
        "layers": [],
    })
}

#[tokio::test]
async fn the_wanted_platform_of_an_index() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let arm = put_manifest(&registry, "arm", media::DOCKER_MANIFEST, &image_manifest(1));
    let entry = |digest, os: &str, architecture: &str| {
        json!({ "mediaType": media::DOCKER_MANIFEST, "digest": digest, "size": 1,
                "platform": { "os": os, "architecture": architecture } })
    };
    let index = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [
        entry(Digest::of(b"x"), "unknown", "unknown"), entry(arm, "linux", "arm64") ] });
    let digest = put_manifest(&registry, "all", media::OCI_INDEX, &index);
    let reference = registry.reference("team/job:all");
    let platform = |text: &str| text.parse::<Platform>().unwrap();
    let found = bench
        .registries
        .resolve_platform(&reference, &platform("linux/arm64/v8"))
        .await
        .unwrap();
    assert_eq!((found.fetched.digest, found.index), (arm, Some(digest)));
    assert_eq!(found.fetched.media_type, media::DOCKER_MANIFEST);
    let error = failed(
        bench
            .registries
            .resolve_platform(&reference, &platform("linux/s390x"))
            .await,
    );
    assert!(
        error.contains("linux/s390x") && error.contains("there is linux/arm64"),
        "{error}"
    );
    assert!(!error.contains("unknown"), "{error}");
    let nested = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [
        entry(digest, "linux", "amd64") ] });
    put_manifest(&registry, "nested", media::OCI_INDEX, &nested);
    let reference = registry.reference("team/job:nested");
    let error = failed(
        bench
            .registries
            .resolve_platform(&reference, &platform("linux/amd64"))
            .await,
    );
    assert!(error.contains("is an index again"), "{error}");
}

#[tokio::test]
async fn a_manifest_must_be_what_its_digest_says() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let digest = put_manifest(&registry, "a", media::DOCKER_MANIFEST, &image_manifest(1));
    let by_digest = registry.reference("team/job").with_digest(digest);
    let fetched = bench.registries.manifest(&by_digest).await.unwrap();
    assert_eq!(fetched.digest, digest);
    registry.fault(Fault::new("GET", "/manifests/", Action::Corrupt).times(2));
    for reference in [by_digest, registry.reference("team/job:a")] {
        let error = failed(bench.registries.manifest(&reference).await);
        assert!(error.contains(&digest.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_huge_manifest_is_not_read() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let huge = Response::new(200).body(vec![b' '; 5 << 20]);
    registry.fault(Fault::new("GET", "/manifests/", Action::Answer(huge)));
    let error = failed(
        bench
            .registries
            .manifest(&registry.reference("team/job:a"))
            .await,
    );
    assert!(error.contains("longer than 4194304 bytes"), "{error}");
    let reference = registry.reference("team/job");
    let config = Descriptor::new("", Digest::of(b""), 9 << 20);
    assert!(bench.registries.config(&reference, &config).await.is_err());
}

#[tokio::test]
async fn head_says_what_is_there() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let digest = put_manifest(&registry, "a", media::DOCKER_MANIFEST, &image_manifest(1));
    let head = |name: &str| {
        let reference = registry.reference(name);
        let registries = bench.registries.clone();
        async move { registries.head(&reference).await.unwrap() }
    };
    assert_eq!(head("team/job:b").await, None);
    let found = head("team/job:a").await.unwrap();
    assert_eq!(found.digest, digest);
    assert_eq!(found.media_type, media::DOCKER_MANIFEST);
    assert!(found.size.is_some_and(|size| size > 100));
    registry.fault(Fault::new("HEAD", "", Action::Answer(Response::new(405))));
    assert_eq!(head("team/job:a").await.unwrap().digest, digest);
}
