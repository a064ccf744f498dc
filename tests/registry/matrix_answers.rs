//! Answers that refuse, lie or lead astray.

use super::matrix::Ends::{Error, Right};
use super::matrix::Form::Whole;
use super::matrix::{SESSION, Scene, answer, cell};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;

#[tokio::test]
async fn manifests_that_are_refused() {
    let type_hint = "does the registry take that type?";
    let invalid =
        Response::new(400).body(r#"{"errors":[{"code":"MANIFEST_INVALID","message":"no"}]}"#);
    for (name, response) in [("415", Response::new(415)), ("400", invalid)] {
        let scene = Scene::new(Whole).await;
        scene.fault(Fault::new("PUT", "/manifests/", Action::Answer(response)).always());
        let outcome = scene
            .bench
            .push(&scene.image, &scene.registry, &["a"])
            .await;
        let text = outcome.unwrap_err().report();
        assert!(text.contains(name) && text.contains(type_hint), "{text}");
    }
}

#[tokio::test]
async fn another_digest_in_the_answer() {
    const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    for path in ["/manifests/a", SESSION] {
        cell(path, Whole, Error(&["says that it got", OTHER]), |scene| {
            let header = Action::Header("docker-content-digest", Some(OTHER.into()));
            scene.fault(Fault::new("PUT", path, header).always());
        })
        .await;
    }
}

#[tokio::test]
async fn redirects_in_a_circle() {
    for (method, path, status) in [
        ("HEAD", "/manifests/", 302),
        ("POST", "/blobs/uploads/", 307),
        ("PUT", "/manifests/", 308),
    ] {
        let ends = Error(&[
            "redirected more than 10 times",
            "the address that it is reached by",
        ]);
        cell(&format!("{method} {path}"), Whole, ends, |scene| {
            let circle = Response::new(status).with("Location", "?again");
            scene.fault(Fault::new(method, path, Action::Answer(circle)).always());
        })
        .await;
    }
    cell("to another host", Whole, Right, |scene| {
        let place = format!("http://{}/elsewhere", scene.other.address());
        let away = Response::new(307).with("Location", place);
        scene.fault(Fault::new("HEAD", "/manifests/", Action::Answer(away)));
    })
    .await;
}

#[tokio::test]
async fn questions_that_are_not_answered() {
    for status in [403, 405] {
        for path in ["/manifests/", "/blobs/"] {
            cell(&format!("{status} at HEAD {path}"), Whole, Right, |scene| {
                scene.fault(Fault::new("HEAD", path, answer(status)).always());
            })
            .await;
        }
    }
    cell("HEAD without a digest", Whole, Right, |scene| {
        let header = Action::Header("docker-content-digest", None);
        scene.fault(Fault::new("HEAD", "/manifests/", header));
    })
    .await;
}
