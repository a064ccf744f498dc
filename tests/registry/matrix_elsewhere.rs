//! Uploads and answers that go by way of another host: they end right, and that
//! host sees no credentials.

use super::matrix::Ends::{Error, Right};
use super::matrix::Form::{Chunks, Whole};
use super::matrix::{SESSION, Scene, answer, cell};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::registry::{Broken, Locations};

/// Sessions are opened here, and go on there.
fn upload_there(scene: &Scene) {
    let base = format!("http://{}", scene.other.address());
    scene.registry.behaviour().locations = Locations::On(base);
}

#[tokio::test]
async fn uploads_on_another_host() {
    for form in [Whole, Chunks] {
        cell("an upload elsewhere", form, Right, upload_there).await;
        for action in [answer(500), Action::ResetAfterwards, Action::Stall] {
            let name = format!("an upload elsewhere with {action:?}");
            cell(&name, form, Right, |scene| {
                upload_there(scene);
                scene.other.fault(Fault::new("PUT", scene.end(), action));
            })
            .await;
        }
    }
    for broken in [Broken::Keeps, Broken::Forgets] {
        let name = format!("a cut upload elsewhere, {broken:?}");
        cell(&name, Chunks, Right, |scene| {
            upload_there(scene);
            scene.other.behaviour().broken = broken;
            let cut = Action::ResetAfter(100_000);
            scene
                .other
                .fault(Fault::new("PATCH", SESSION, cut).after(1));
        })
        .await;
    }
}

#[tokio::test]
async fn addresses_of_another_host_that_end() {
    // What was signed for a time is refused after it.
    for status in [401, 403] {
        for form in [Whole, Chunks] {
            let name = format!("{status} at the end of an upload elsewhere");
            cell(&name, form, Right, |scene| {
                upload_there(scene);
                scene
                    .other
                    .fault(Fault::new("PUT", scene.end(), answer(status)));
            })
            .await;
        }
        let told = Response::new(status).body("signature is too old");
        let ends = Error(&["too old", "pointed", "tried 5 times"]);
        cell(
            &format!("{status} elsewhere for ever"),
            Whole,
            ends,
            |scene| {
                upload_there(scene);
                let refusal = Action::Answer(told);
                scene
                    .other
                    .fault(Fault::new("PUT", SESSION, refusal).always());
            },
        )
        .await;
    }
}

#[tokio::test]
async fn requests_that_are_sent_to_another_host() {
    for (method, path) in [
        ("HEAD", "/manifests/"),
        ("HEAD", "/blobs/"),
        ("POST", "/blobs/uploads/"),
        ("PATCH", SESSION),
        ("PUT", SESSION),
        ("PUT", "/manifests/"),
    ] {
        for status in [307, 308] {
            let form = if method == "PATCH" { Chunks } else { Whole };
            let name = format!("{status} at {method} {path}");
            cell(&name, form, Right, |scene| {
                let base = format!("http://{}", scene.other.address());
                let there = Action::Redirect(status, base);
                scene.fault(Fault::new(method, path, there).always());
            })
            .await;
        }
    }
    // A body is not turned into a question.
    for (method, path) in [("PUT", SESSION), ("PUT", "/manifests/")] {
        let scene = Scene::new(Whole).await;
        let base = format!("http://{}", scene.other.address());
        scene.fault(Fault::new(method, path, Action::Redirect(302, base)).always());
        let outcome = scene
            .bench
            .push(&scene.image, &scene.registry, &["a"])
            .await;
        let text = outcome.unwrap_err().report();
        assert!(text.contains("302"), "{text}");
        assert!(scene.other.log().is_empty(), "{:?}", scene.other.log());
    }
}
