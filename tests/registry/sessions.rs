//! Upload sessions that are given up are cancelled, unless another run can go on
//! with them.

use flinkpack::store::Bucket;

use super::{Bench, failed};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::{image, noise, stored};
use crate::support::registry::FaultRegistry;
use crate::support::tokens::Tokens;

/// A registry to which an image with one layer of this size is pushed, with faults
/// at the last request of the layer.
struct Scene {
    bench: Bench,
    registry: FaultRegistry,
    image: flinkpack::image::Image,
    bytes: Vec<u8>,
    end: String,
}

async fn scene(size: usize) -> Scene {
    scene_of(FaultRegistry::start().await, size)
}

fn scene_of(registry: FaultRegistry, size: usize) -> Scene {
    let bench = Bench::new();
    let bytes = noise(1, size);
    let layer = stored(&bench.store, "big", &bytes);
    let digest = layer.descriptor.as_ref().unwrap().digest;
    Scene {
        image: image(vec![layer]),
        bench,
        registry,
        bytes,
        end: format!("digest=sha256%3A{}", digest.hex()),
    }
}

fn answer(status: u16) -> Action {
    Action::Answer(Response::new(status))
}

impl Scene {
    fn cancelled(&self) -> usize {
        self.registry.count("DELETE", "/blobs/uploads/session-")
    }
}

#[tokio::test]
async fn what_came_by_another_way_meanwhile() {
    let here = scene(300_000).await;
    here.registry.add_blob("team/job", &here.bytes);
    here.registry
        .fault(Fault::new("HEAD", "/blobs/", answer(404)));
    here.registry
        .fault(Fault::new("PUT", here.end.clone(), answer(500)));
    let pushed = here.bench.push(&here.image, &here.registry, &["a"]).await;
    pushed.unwrap();
    assert_eq!(here.cancelled(), 1, "{:#?}", here.registry.log());
    assert!(here.registry.state().uploads.is_empty());
}

#[tokio::test]
async fn what_the_registry_does_not_take() {
    for (status, size) in [(403, 300_000), (400, 300_000), (400, 9 << 20)] {
        let here = scene(size).await;
        let refusal = Fault::new("PUT", here.end.clone(), answer(status)).always();
        here.registry.fault(refusal);
        failed(here.bench.push(&here.image, &here.registry, &["a"]).await);
        assert_eq!(here.cancelled(), 1, "{status}: {:#?}", here.registry.log());
        assert!(here.registry.state().uploads.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_cancels_nothing_is_left_alone() {
    let here = scene(300_000).await;
    here.registry
        .fault(Fault::new("DELETE", "", answer(500)).always());
    here.registry
        .fault(Fault::new("PUT", here.end.clone(), answer(403)).always());
    let error = failed(here.bench.push(&here.image, &here.registry, &["a"]).await);
    assert!(error.contains("403"), "{error}");
    assert_eq!(here.cancelled(), 1, "once");
}

#[tokio::test]
async fn what_another_run_can_go_on_with_stays() {
    let here = scene(9 << 20).await;
    here.registry
        .fault(Fault::new("PUT", here.end.clone(), answer(503)).always());
    failed(here.bench.push(&here.image, &here.registry, &["a"]).await);
    let kept = here.bench.store.root().join(Bucket::Uploads.folder());
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);
    // Those that got nothing are gone, the one that has the bytes is not.
    let state = here.registry.state();
    let left: Vec<usize> = state.uploads.values().map(Vec::len).collect();
    assert_eq!(left, [9 << 20]);
}

#[tokio::test]
async fn an_upload_opened_instead_of_a_mount_of_what_is_there() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    registry.behaviour().mounts = false;
    let image = bench.image_on_base(&registry, &[]);
    registry.add_blob("team/job", &noise(999, 300_000));
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(registry.count("DELETE", "/blobs/uploads/session-"), 1);
    assert!(registry.state().uploads.is_empty());
}

/// A registry that wants the right to delete for this, and gives such tokens.
async fn refused_by(tokens: &Tokens) -> Scene {
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let here = scene_of(registry, 300_000);
    let refusal = Fault::new("PUT", here.end.clone(), answer(403)).always();
    here.registry.fault(refusal);
    here
}

impl Scene {
    /// Pushes, and is told of the refusal, not of what came of the upload.
    async fn push_in_vain(&self) {
        let error = failed(self.bench.push(&self.image, &self.registry, &["a"]).await);
        assert!(error.contains("sending the blob"), "{error}");
        assert!(error.contains("403"), "{error}");
        assert!(!error.contains("401"), "{error}");
    }
}

#[tokio::test]
async fn the_right_to_delete_is_asked_for_where_it_is_needed() {
    let tokens = Tokens::open();
    let here = refused_by(&tokens).await;
    here.push_in_vain().await;
    assert_eq!(here.cancelled(), 2, "{:#?}", here.registry.log());
    assert_eq!(tokens.count(), 2, "one to push, one to delete");
    assert!(here.registry.state().uploads.is_empty());
    let asked: Vec<_> = here.registry.requests();
    let asked = asked.iter().filter_map(|request| request.query("scope"));
    assert_eq!(
        asked.collect::<Vec<_>>(),
        [
            "repository:team/job:pull,push",
            "repository:team/job:pull,push,delete"
        ]
    );
}

#[tokio::test]
async fn who_may_not_delete_is_not_asked_twice() {
    // The token server gives less than it is asked for, or nothing.
    for (tokens, tries, given) in [
        (Tokens::open().withholding("delete"), 2, 2),
        (Tokens::open().refusing("delete"), 1, 1),
    ] {
        let here = refused_by(&tokens).await;
        for _ in 0..2 {
            here.push_in_vain().await;
            assert_eq!(here.cancelled(), tries, "{:#?}", here.registry.log());
            assert_eq!(tokens.count(), given);
            let asked = here.registry.requests();
            let asked = asked.iter().filter(|one| one.path.starts_with("/token"));
            assert_eq!(asked.count(), 2);
        }
    }
}

#[tokio::test]
async fn a_push_goes_on_where_nothing_may_be_cancelled() {
    let tokens = Tokens::open().refusing("delete");
    let (bench, registry) = (Bench::new(), FaultRegistry::with_tokens(tokens).await);
    registry.behaviour().mounts = false;
    let image = bench.image_on_base(&registry, &[1]);
    registry.add_blob("team/job", &noise(999, 300_000));
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(registry.count("DELETE", "/blobs/uploads/session-"), 1);
    assert_eq!(registry.state().uploads.len(), 1);
}
