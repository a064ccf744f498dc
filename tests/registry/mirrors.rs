//! Mirrors: asked first for what is read, and for nothing else.

use std::fs;
use std::time::Duration;

use flinkpack::image::Descriptor;
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;
use flinkpack::store::Store;

use super::logins::{PASSWORD, auths};
use super::{Bench, quick};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::noise;
use crate::support::registry::FaultRegistry;
use crate::support::tokens::Auth;

/// A bench with `mirror` before `registry`, and a login for the registry.
fn bench(mirror: &str, registry: &FaultRegistry) -> Bench {
    let bench = Bench::new();
    let path = bench.folder.path().join("config.json");
    fs::write(&path, auths(registry, PASSWORD)).unwrap();
    let options = Options {
        mirrors: vec![format!("{}={mirror}", registry.address()).parse().unwrap()],
        ..quick()
    };
    Bench {
        registries: Registries::new(Keychain::of_file(path), options, Report::silent()),
        ..bench
    }
}

async fn published(registry: &FaultRegistry) -> (Bench, flinkpack::image::Image) {
    let bench = Bench::new();
    let image = bench.image(&[1]);
    bench.push(&image, registry, &["a"]).await.unwrap();
    registry.clear_log();
    (bench, image)
}

/// What the mirror below `hub/` has is what the registry has.
fn copy(from: &FaultRegistry, to: &FaultRegistry, path: &str) {
    let (from, mut to) = (from.state(), to.state());
    let name = |repository: &str| format!("{path}{repository}");
    for ((repository, digest), bytes) in &from.blobs {
        to.blobs
            .insert((name(repository), digest.clone()), bytes.clone());
    }
    for ((repository, tag), manifest) in &from.manifests {
        to.manifests
            .insert((name(repository), tag.clone()), manifest.clone());
    }
}

#[tokio::test]
async fn a_mirror_gives_what_it_has_and_gets_no_password() {
    let (registry, mirror) = (FaultRegistry::start().await, FaultRegistry::start().await);
    let (_, image) = published(&registry).await;
    copy(&registry, &mirror, "hub/");
    let bench = bench(&format!("{}/hub", mirror.address()), &registry);
    let reference = registry.reference("team/job:a");
    let found = bench.registries.manifest(&reference).await.unwrap();
    assert_eq!(found.digest, image.manifest.as_ref().unwrap().digest);
    let layer = image.layers[0].descriptor.as_ref().unwrap();
    let registries = &bench.registries;
    registries
        .blob_to_store(&reference, layer, &empty(&bench), None)
        .await
        .unwrap();
    assert!(registry.log().is_empty(), "{:?}", registry.log());
    assert_eq!(mirror.count("GET", "/v2/hub/team/job/"), 2);
    // A push asks the registry alone.
    mirror.clear_log();
    bench
        .push(&bench.image(&[2]), &registry, &["b"])
        .await
        .unwrap();
    assert!(mirror.log().is_empty(), "{:?}", mirror.log());
}

/// A store with nothing in it.
fn empty(bench: &Bench) -> Store {
    Store::open(bench.folder.path().join("empty"))
}

#[tokio::test]
async fn a_mirror_that_wants_a_login_does_not_get_that_of_the_registry() {
    let (registry, mirror) = (FaultRegistry::start().await, FaultRegistry::start().await);
    published(&registry).await;
    for server in [&registry, &mirror] {
        server.behaviour().auth = Auth::Basic {
            user: "me".into(),
            password: PASSWORD.into(),
        };
    }
    let bench = bench(mirror.address(), &registry);
    let reference = registry.reference("team/job:a");
    bench.registries.manifest(&reference).await.unwrap();
    assert!(!mirror.log().is_empty());
    for request in mirror.requests() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}

#[tokio::test]
async fn a_mirror_that_fails_is_passed_over() {
    let answer = |status| Action::Answer(Response::new(status));
    for action in [
        answer(404),
        answer(500),
        answer(403),
        Action::Stall,
        Action::Cut(3),
        Action::Corrupt,
    ] {
        let (registry, mirror) = (FaultRegistry::start().await, FaultRegistry::start().await);
        let (_, image) = published(&registry).await;
        copy(&registry, &mirror, "");
        mirror.fault(Fault::new("GET", "/v2/", action.clone()).always());
        mirror.fault(Fault::new("HEAD", "/v2/", action.clone()).always());
        let bench = bench(mirror.address(), &registry);
        let reference = registry.reference("team/job:a");
        let digest = image.manifest.as_ref().unwrap().digest;
        let by_digest = reference.with_digest(digest);
        let registries = &bench.registries;
        assert_eq!(
            registries.manifest(&by_digest).await.unwrap().digest,
            digest
        );
        assert_eq!(
            registries.head(&reference).await.unwrap().unwrap().digest,
            digest
        );
        let layer = image.layers[0].descriptor.as_ref().unwrap();
        let store = empty(&bench);
        registries
            .blob_to_store(&reference, layer, &store, None)
            .await
            .unwrap();
        assert!(store.read_blob(&layer.digest).is_some(), "{action:?}");
    }
}

#[tokio::test]
async fn a_blob_that_a_mirror_breaks_off_goes_on_at_the_registry() {
    let (registry, mirror) = (FaultRegistry::start().await, FaultRegistry::start().await);
    let bytes = noise(7, 400_000);
    let digest = registry.add_blob("team/job", &bytes);
    mirror.add_blob("team/job", &bytes);
    let broken = Response::new(500);
    mirror.fault(Fault::new("GET", "/blobs/", Action::Cut(150_000)));
    mirror.fault(Fault::new("GET", "/blobs/", Action::Answer(broken)).always());
    let bench = bench(mirror.address(), &registry);
    let descriptor = Descriptor::new("", digest, bytes.len() as u64);
    let reference = registry.reference("team/job:a");
    let store = empty(&bench);
    let came = bench
        .registries
        .blob_to_store(&reference, &descriptor, &store, None);
    assert_eq!(came.await.unwrap(), bytes.len() as u64);
    let asked = registry.requests();
    assert!(asked[0].header("range").is_some(), "{asked:?}");
    assert!(bench.registries.traffic().received() < 401_000);
}

#[tokio::test]
async fn a_mirror_that_nobody_answers_for_costs_little() {
    let registry = FaultRegistry::start().await;
    published(&registry).await;
    let bench = bench("127.0.0.1:1", &registry);
    let begin = std::time::Instant::now();
    for _ in 0..5 {
        let reference = registry.reference("team/job:a");
        bench.registries.manifest(&reference).await.unwrap();
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}
