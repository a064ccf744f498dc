//! Uploads that go on in another run: how much is sent again.

use std::time::Duration;

use flinkpack::fetch::Patience;
use flinkpack::image::{Digest, Image};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;
use flinkpack::store::{Bucket, Store};

use super::{Bench, quick};
use crate::support::faults::{Action, Fault};
use crate::support::images::{image, noise, stored};
use crate::support::registry::{Broken, FaultRegistry};

const SIZE: u64 = 40 << 20;
const CHUNK: u64 = 2 << 20;

/// A layer of 40 MiB, sent in chunks of 2 MiB.
fn big() -> (Bench, Image, Digest) {
    let bench = again(&Bench::new().store, CHUNK);
    let layer = stored(&bench.store, "big", &noise(3, SIZE as usize));
    let digest = layer.descriptor.as_ref().unwrap().digest;
    (bench, image(vec![layer]), digest)
}

/// Another process with the same cache.
fn again(store: &Store, chunk: u64) -> Bench {
    let options = Options {
        chunk,
        patience: Patience {
            stall: Duration::from_secs(20),
            ..quick().patience
        },
        answer: Duration::from_secs(20),
        ..quick()
    };
    Bench {
        store: store.clone(),
        registries: Registries::new(Keychain::anonymous(), options, Report::silent()),
        folder: tempfile::tempdir().unwrap(),
    }
}

/// Pushes until the registry holds still, and ends as a killed process does:
/// without a word.
async fn killed(bench: &Bench, image: &Image, registry: &FaultRegistry, arrived: u64) {
    let push = bench.push(image, registry, &["a"]);
    let held = async {
        while registry.state().arrived < arrived {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        outcome = push => panic!("it ended: {}", outcome.is_ok()),
        () = held => {}
    }
    registry.0.faults.lock().unwrap().clear();
    registry.clear_log();
}

fn sent(bench: &Bench) -> u64 {
    bench.registries.traffic().sent()
}

/// Bytes of configuration and manifest.
const SMALL: u64 = 4096;

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_ninety_per_cent_costs_one_chunk_at_most() {
    for (broken, most) in [(Broken::Keeps, CHUNK), (Broken::Forgets, CHUNK)] {
        let (bench, image, digest) = big();
        let registry = FaultRegistry::start().await;
        registry.behaviour().broken = broken;
        // 18 chunks of 20 came, and a half.
        let hold = Action::HoldAfter(CHUNK / 2);
        registry.fault(Fault::new("PATCH", "/uploads/", hold).after(18));
        killed(&bench, &image, &registry, 18 * CHUNK).await;
        let second = again(&bench.store, CHUNK);
        second.push(&image, &registry, &["a"]).await.unwrap();
        assert!(registry.has_blob("team/job", &digest));
        let left = SIZE - 18 * CHUNK;
        assert!(
            sent(&second) <= left + SMALL,
            "{broken:?}: {}",
            sent(&second)
        );
        let twice = sent(&bench) + sent(&second) - SIZE;
        assert!(twice <= most + SMALL, "{broken:?}: {twice}");
        if broken == Broken::Keeps {
            assert!(
                sent(&second) <= left - CHUNK / 2 + SMALL,
                "{}",
                sent(&second)
            );
        }
        let kept = std::fs::read_dir(bench.store.root().join(Bucket::Uploads.folder()));
        assert_eq!(kept.unwrap().count(), 0, "what is done is forgotten");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_sent_whole_goes_on_where_a_registry_keeps_it() {
    let (bench, image, _) = big();
    let whole = again(&bench.store, SIZE);
    let registry = FaultRegistry::start().await;
    registry.fault(Fault::new("PUT", "/uploads/", Action::HoldAfter(SIZE - 1000)).times(2));
    killed(&whole, &image, &registry, SIZE - 1000).await;
    let second = again(&bench.store, SIZE);
    second.push(&image, &registry, &["a"]).await.unwrap();
    assert!(sent(&second) < 1000 + SMALL, "{}", sent(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_gone_begins_anew() {
    let (bench, image, digest) = big();
    let registry = FaultRegistry::start().await;
    registry.behaviour().broken = Broken::Loses;
    registry.fault(Fault::new("PATCH", "/uploads/", Action::HoldAfter(1000)).after(3));
    killed(&bench, &image, &registry, 3 * CHUNK).await;
    let second = again(&bench.store, CHUNK);
    second.push(&image, &registry, &["a"]).await.unwrap();
    assert!(registry.has_blob("team/job", &digest));
    assert!(sent(&second) <= SIZE + SMALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_kept_for_one_repository_and_by_one_process() {
    let (bench, image, digest) = big();
    let registry = FaultRegistry::start().await;
    registry.fault(Fault::new("PATCH", "/uploads/", Action::HoldAfter(0)).after(10));
    let second = again(&bench.store, CHUNK);
    // While the first one is under way, another one sends for itself.
    let meanwhile = async {
        while registry.state().arrived < 10 * CHUNK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        second.push(&image, &registry, &["b"]).await.unwrap();
    };
    tokio::select! {
        _ = bench.push(&image, &registry, &["a"]) => panic!("it should be held"),
        () = meanwhile => {}
    }
    assert!(sent(&second) >= SIZE);
    assert!(registry.has_blob("team/job", &digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_session_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (bench, image, _) = big();
    let registry = FaultRegistry::start().await;
    registry.fault(Fault::new("PATCH", "/uploads/", Action::HoldAfter(0)).after(2));
    killed(&bench, &image, &registry, 2 * CHUNK).await;
    let folder = bench.store.root().join(Bucket::Uploads.folder());
    let entries: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        entries[0].metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}
