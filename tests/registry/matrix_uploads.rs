//! Uploads: cuts, tokens, locations, sessions, limits.

use std::time::Duration;

use super::matrix::Ends::{Anew, Error, Right};
use super::matrix::Form::{Chunks, Whole};
use super::matrix::{SESSION, SIZE, STEPS, Scene, answer, cell};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::registry::{Broken, Locations};

#[tokio::test]
async fn connections_that_break() {
    for broken in [Broken::Keeps, Broken::Forgets, Broken::Loses] {
        for bytes in [0, 1, 100_000, SIZE - 1] {
            let name = format!("reset after {bytes}, {broken:?}");
            cell(&name, Whole, Right, |scene| {
                scene.registry.behaviour().broken = broken;
                scene.fault(Fault::new("PUT", scene.end(), Action::ResetAfter(bytes)));
            })
            .await;
        }
    }
    // What a registry loses has to be sent again: `resume` counts that.
    for broken in [Broken::Keeps, Broken::Forgets] {
        for (skip, bytes) in [(0, 0), (1, 1), (1, 100_000), (2, 199_999)] {
            let name = format!("reset at chunk {skip} after {bytes}, {broken:?}");
            cell(&name, Chunks, Right, |scene| {
                scene.registry.behaviour().broken = broken;
                scene.fault(Fault::new("PATCH", SESSION, Action::ResetAfter(bytes)).after(skip));
            })
            .await;
        }
    }
    for (method, path) in STEPS {
        let name = format!("reset before the body at {method} {path}");
        cell(&name, Whole, Right, |scene| {
            scene.fault(Fault::new(method, path, Action::ResetAfter(0)));
        })
        .await;
        let name = format!("reset after the body at {method} {path}");
        cell(&name, Whole, Right, |scene| {
            scene.fault(Fault::new(method, path, Action::ResetAfterwards));
        })
        .await;
    }
    for method in ["PATCH", "PUT"] {
        let name = format!("reset after the body at {method}");
        cell(&name, Chunks, Right, |scene| {
            scene.fault(Fault::new(method, SESSION, Action::ResetAfterwards));
        })
        .await;
    }
}

#[tokio::test]
async fn tokens_that_end_on_the_way() {
    for skip in [0, 1, 2] {
        cell(&format!("401 at chunk {skip}"), Chunks, Right, |scene| {
            let refusal = Action::Answer(scene.refusal());
            scene.fault(Fault::new("PATCH", SESSION, refusal).after(skip));
        })
        .await;
    }
    for form in [Whole, Chunks] {
        for early in [false, true] {
            cell("401 at the final PUT", form, Right, |scene| {
                let refusal = match early {
                    true => Action::Early(scene.refusal()),
                    false => Action::Answer(scene.refusal()),
                };
                scene.fault(Fault::new("PUT", scene.end(), refusal));
            })
            .await;
        }
        cell("401 at the manifest", form, Right, |scene| {
            let refusal = Action::Answer(scene.refusal());
            scene.fault(Fault::new("PUT", "/manifests/", refusal));
        })
        .await;
    }
    cell(
        "tokens that live shorter than a layer takes",
        Chunks,
        Right,
        |scene| {
            scene.tokens.clone().lifetime(Duration::from_millis(600));
            let slow = Action::Slow(100_000, Duration::from_millis(150));
            scene.fault(Fault::new("PATCH", SESSION, slow).always());
        },
    )
    .await;
    let ends = Error(&["401", "were refused", "docker login", "config.json"]);
    cell("401 for ever", Whole, ends, |scene| {
        let refusal = Action::Answer(scene.refusal());
        scene.fault(Fault::new("PUT", SESSION, refusal).always());
    })
    .await;
}

#[tokio::test]
async fn locations_of_every_form() {
    for form in [Whole, Chunks] {
        for locations in [Locations::Relative, Locations::Absolute] {
            let name = format!("{locations:?}");
            cell(&name, form, Right, |scene| {
                scene.registry.behaviour().locations = locations
            })
            .await;
        }
        let ends = Error(&["but did not say where"]);
        let scene = Scene::new(form).await;
        scene.fault(Fault::new("POST", STEPS[2].1, Action::Header("location", None)).always());
        let Error(parts) = ends else { unreachable!() };
        let error = scene
            .bench
            .push(&scene.image, &scene.registry, &["a"])
            .await;
        let text = error.unwrap_err().report();
        assert!(text.contains(parts[0]), "{text}");
    }
    // The blobs are not in the registry then, which it says.
    let scene = Scene::new(Chunks).await;
    let base = format!("http://{}/proxy", scene.other.address());
    scene.registry.behaviour().locations = Locations::On(base);
    for method in ["PATCH", "PUT"] {
        let taken = Response::new(202).with("Location", "/proxy/next?state=1");
        scene
            .other
            .fault(Fault::new(method, "/proxy/", Action::Answer(taken)).always());
    }
    let outcome = scene
        .bench
        .push(&scene.image, &scene.registry, &["a"])
        .await;
    assert!(
        outcome
            .unwrap_err()
            .report()
            .contains("MANIFEST_BLOB_UNKNOWN")
    );
    let requests = scene.other.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.path.contains("/proxy/next?state=1&digest="))
    );
    for request in requests {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}

#[tokio::test]
async fn sessions_that_are_out_of_step() {
    for form in [Whole, Chunks] {
        for status in [404, 416] {
            cell(&format!("{status} at the end"), form, Right, |scene| {
                scene.fault(Fault::new("PUT", scene.end(), answer(status)));
            })
            .await;
        }
    }
    for skip in [0, 1, 2] {
        cell(&format!("416 at chunk {skip}"), Chunks, Right, |scene| {
            scene.fault(Fault::new("PATCH", SESSION, answer(416)).after(skip));
        })
        .await;
    }
    cell("a status that is not told", Chunks, Right, |scene| {
        scene.fault(Fault::new("PATCH", SESSION, answer(500)));
        scene.fault(Fault::new("GET", SESSION, answer(405)));
    })
    .await;
}

#[tokio::test]
async fn chunks_that_are_not_taken() {
    for status in [400, 404, 405, 416, 501] {
        for skip in [0, 1] {
            cell(
                &format!("{status} from chunk {skip} on"),
                Chunks,
                Anew,
                |scene| {
                    scene.fault(
                        Fault::new("PATCH", SESSION, answer(status))
                            .after(skip)
                            .always(),
                    );
                },
            )
            .await;
        }
    }
    let ends = Error(&["403", "lack the right"]);
    cell("403 at the first chunk", Chunks, ends, |scene| {
        scene.fault(Fault::new("PATCH", SESSION, answer(403)).always());
    })
    .await;
}

#[tokio::test]
async fn requests_that_are_too_long() {
    cell("413 above 300 kB", Chunks, Right, |scene| {
        scene.registry.behaviour().longest = Some(300_000)
    })
    .await;
    cell(
        "a least chunk above the usual one",
        Chunks,
        Right,
        |scene| {
            scene.registry.behaviour().least_chunk = Some(250_000);
        },
    )
    .await;
    let ends = Error(&["413", "raise that limit"]);
    cell("413 above 100 kB", Whole, ends, |scene| {
        scene.registry.behaviour().longest = Some(100_000)
    })
    .await;
    let ends = Error(&["413", "putting the manifest", "raise that limit"]);
    cell("413 at the manifest", Whole, ends, |scene| {
        scene.fault(Fault::new("PUT", "/manifests/", answer(413)))
    })
    .await;
}
