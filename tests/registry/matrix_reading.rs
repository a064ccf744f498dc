//! The same faults where a manifest and a blob are read.

use std::time::{Duration, Instant};

use flinkpack::error::Result;

use super::matrix::{answer, busy};
use super::{Bench, failed};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::registry::FaultRegistry;

/// Bytes of the layer that is read.
const SIZE: u64 = 200_000;

/// Reads an image's manifest and layer into an empty store, with this fault.
async fn read(fault: Fault) -> (Bench, Result<()>) {
    let (writer, reader) = (Bench::new(), Bench::new());
    let registry = FaultRegistry::start().await;
    let image = writer.image(&[1]);
    writer.push(&image, &registry, &["a"]).await.unwrap();
    registry.fault(fault);
    let reference = registry.reference("team/job:a");
    let begin = Instant::now();
    let outcome = async {
        reader.registries.manifest(&reference).await?;
        let layer = image.layers[0].descriptor.as_ref().unwrap();
        let registries = &reader.registries;
        let came = registries.blob_to_store(&reference, layer, &reader.store, None);
        assert_eq!(came.await?, SIZE);
        assert!(reader.store.read_blob(&layer.digest).is_some());
        Ok(())
    };
    let outcome = outcome.await;
    assert!(begin.elapsed() < Duration::from_secs(10));
    (reader, outcome)
}

#[tokio::test]
async fn what_passes_is_tried_again_and_nothing_is_read_twice() {
    for path in ["/manifests/", "/blobs/"] {
        for action in [
            busy("0"),
            busy("1"),
            answer(429),
            answer(500),
            answer(502),
            answer(503),
            answer(504),
            Action::Early(Response::new(503)),
            Action::ResetAfterwards,
            Action::Cut(0),
            Action::Cut(150),
            Action::Hang(150),
            Action::Stall,
        ] {
            let (reader, outcome) = read(Fault::new("GET", path, action.clone()).times(2)).await;
            outcome.unwrap_or_else(|error| panic!("{action:?} at {path}: {}", error.report()));
            let received = reader.registries.traffic().received();
            assert!(received < SIZE + 2000, "{action:?} at {path}: {received}");
        }
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    for path in ["/manifests/", "/blobs/"] {
        for (action, parts) in [
            (busy("3600"), ["429", "wait 3600 s"]),
            (answer(503), ["503", "tried 5 times"]),
            (Action::Stall, ["did not answer in time", "tried 5 times"]),
            (Action::Cut(0), ["hint: ", "tried 5 times"]),
        ] {
            let (_, outcome) = read(Fault::new("GET", path, action).always()).await;
            let error = failed(outcome);
            for part in parts {
                assert!(error.contains(part), "{part} at {path}: {error}");
            }
        }
    }
}
