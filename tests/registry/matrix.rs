//! Every fault at every step of a push: it ends right, or with an error that
//! says why and what to do. After each cell: no credentials reached another
//! host, and nothing that had arrived was sent again.
//!
//! Elsewhere: cuts at given bytes in `uploads` and `resume`, mounts and tags in
//! `push`, tokens in `logins`, reading in `pull`, TLS in `trust`.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use flinkpack::image::{Digest, Image};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;

use super::logins::{PASSWORD, auths};
use super::{Bench, quick};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::{image, noise, stored};
use crate::support::registry::{Broken, FaultRegistry, Locations};
use crate::support::tokens::Tokens;

/// Bytes of the layer that is in trouble.
const SIZE: u64 = 600_000;

/// Where that layer's bytes are.
const SESSION: &str = "/blobs/uploads/session-";

/// How the layer is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// In one PUT.
    Whole,
    /// In PATCHes of 200 kB, and a PUT without a body.
    Chunks,
}
use Form::{Chunks, Whole};

/// How a cell ends.
enum Ends {
    Right,
    /// With an error that has these parts.
    Error(&'static [&'static str]),
}
use Ends::{Error, Right};

/// A push to a registry that wants a token, and another server that records.
struct Scene {
    registry: FaultRegistry,
    tokens: Tokens,
    other: FaultRegistry,
    bench: Bench,
    image: Image,
    digest: Digest,
}

impl Scene {
    async fn new(form: Form) -> Scene {
        let tokens = Tokens::for_user("me", PASSWORD);
        let registry = FaultRegistry::with_tokens(tokens.clone()).await;
        let bench = Bench::new();
        let path = bench.folder.path().join("config.json");
        fs::write(&path, auths(&registry, PASSWORD)).unwrap();
        let options = Options {
            chunk: match form {
                Whole => SIZE,
                Chunks => SIZE / 3,
            },
            ..quick()
        };
        let bench = Bench {
            registries: Registries::new(Keychain::of_file(path), options, Report::silent()),
            ..bench
        };
        let layer = stored(&bench.store, "big", &noise(1, SIZE as usize));
        let digest = layer.descriptor.as_ref().unwrap().digest;
        Scene {
            other: FaultRegistry::start().await,
            image: image(vec![layer]),
            registry,
            tokens,
            bench,
            digest,
        }
    }

    /// Where the layer's last request goes.
    fn end(&self) -> String {
        format!("digest=sha256%3A{}", self.digest.hex())
    }

    fn fault(&self, fault: Fault) {
        self.registry.fault(fault);
    }

    /// What a registry says to a token that it does not take.
    fn refusal(&self) -> Response {
        let realm = format!("Bearer realm=\"http://{}/token\"", self.registry.address());
        Response::new(401).with("WWW-Authenticate", realm)
    }

    async fn check(&self, name: &str, ends: &Ends) {
        let begin = Instant::now();
        let outcome = self.bench.push(&self.image, &self.registry, &["a"]).await;
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(10), "{name}: took {took:?}");
        for request in self.other.requests() {
            assert_eq!(request.header("authorization"), None, "{name}: {request:?}");
        }
        match (ends, outcome) {
            (Right, Ok(_)) => self.check_right(name).await,
            (Right, Err(error)) => panic!("{name}: {}", error.report()),
            (Error(_), Ok(_)) => panic!("{name}: it went well"),
            (Error(parts), Err(error)) => {
                let text = error.report();
                for part in *parts {
                    assert!(text.contains(part), "{name}: {part}: {text}");
                }
                assert!(text.contains("hint: "), "{name}: {text}");
                assert!(
                    !text.contains(PASSWORD) && !text.contains("secret-token"),
                    "{name}: {text}"
                );
            }
        }
    }

    async fn check_right(&self, name: &str) {
        assert!(self.registry.has_blob("team/job", &self.digest), "{name}");
        let twice = {
            let state = self.registry.state();
            let stored: usize = state.blobs.values().map(|blob| blob.len()).sum();
            state.arrived - stored as u64
        };
        // `Range: 0-0` may mean one byte or none, so one byte may come twice.
        assert!(
            twice <= 1,
            "{name}: {twice} bytes that had arrived were sent again"
        );
        self.registry.0.faults.lock().unwrap().clear();
        self.registry.clear_log();
        let again = self.bench.push(&self.image, &self.registry, &["a"]).await;
        assert!(again.unwrap().unchanged, "{name}");
    }
}

/// Runs one cell.
async fn cell(name: &str, form: Form, ends: Ends, set: impl FnOnce(&Scene)) {
    let scene = Scene::new(form).await;
    set(&scene);
    scene.check(&format!("{name}, {form:?}"), &ends).await;
}

fn answer(status: u16) -> Action {
    Action::Answer(Response::new(status))
}

fn busy(after: &str) -> Action {
    Action::Answer(Response::new(429).with("Retry-After", after))
}

/// The steps of a push: method and a part of the path.
const STEPS: [(&str, &str); 5] = [
    ("HEAD", "/manifests/"),
    ("HEAD", "/blobs/"),
    ("POST", "/blobs/uploads/"),
    ("PUT", SESSION),
    ("PUT", "/manifests/"),
];

#[tokio::test]
async fn a_busy_registry_is_waited_for() {
    for (method, path) in STEPS {
        for after in ["0", "1"] {
            let name = format!("429 at {method} {path}, Retry-After {after}");
            cell(&name, Whole, Right, |scene| {
                scene.fault(Fault::new(method, path, busy(after)))
            })
            .await;
        }
        let name = format!("429 at {method} {path}, without Retry-After");
        cell(&name, Whole, Right, |scene| {
            scene.fault(Fault::new(method, path, answer(429)).times(2));
        })
        .await;
        let name = format!("429 at {method} {path}, an hour");
        let ends = Error(&["429", "wait 3600 s", "run the command again"]);
        cell(&name, Whole, ends, |scene| {
            scene.fault(Fault::new(method, path, busy("3600")))
        })
        .await;
    }
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let begin = Instant::now();
    cell("429 with a date", Whole, Right, |scene| {
        scene.fault(Fault::new("HEAD", "/manifests/", busy(&date)));
    })
    .await;
    assert!(begin.elapsed() >= Duration::from_millis(500));
    let begin = Instant::now();
    cell("429 with a second", Chunks, Right, |scene| {
        scene.fault(Fault::new("PATCH", SESSION, busy("1")));
    })
    .await;
    assert!(begin.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn failures_that_pass_are_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        for (method, path) in STEPS {
            for early in [false, true] {
                let response = Response::new(status);
                let action = match early {
                    true => Action::Early(response),
                    false => Action::Answer(response),
                };
                let name = format!("{status} at {method} {path}, early: {early}");
                cell(&name, Whole, Right, |scene| {
                    scene.fault(Fault::new(method, path, action))
                })
                .await;
            }
        }
        for skip in [0, 1, 2] {
            let name = format!("{status} at chunk {skip}");
            cell(&name, Chunks, Right, |scene| {
                scene.fault(
                    Fault::new("PATCH", SESSION, answer(status))
                        .after(skip)
                        .times(2),
                );
            })
            .await;
        }
        let name = format!("{status} at the end");
        cell(&name, Chunks, Right, |scene| {
            scene.fault(Fault::new("PUT", scene.end(), answer(status)).times(2));
        })
        .await;
    }
    let ends = || Error(&["500", "disk full", "tried 5 times"]);
    let full = || Action::Answer(Response::new(500).body("disk full"));
    cell("500 for ever", Whole, ends(), |scene| {
        scene.fault(Fault::new("PUT", scene.end(), full()).always());
    })
    .await;
    cell("500 for ever", Chunks, ends(), |scene| {
        scene.fault(Fault::new("PATCH", SESSION, full()).always());
    })
    .await;
}

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
async fn stalls_are_broken_off() {
    for (method, path) in STEPS {
        let name = format!("stall at {method} {path}");
        cell(&name, Whole, Right, |scene| {
            scene.fault(Fault::new(method, path, Action::Stall))
        })
        .await;
    }
    for method in ["PATCH", "PUT"] {
        let name = format!("stall in the body of {method}");
        let form = if method == "PUT" { Whole } else { Chunks };
        cell(&name, form, Right, |scene| {
            scene.fault(Fault::new(method, SESSION, Action::HoldAfter(50_000)));
        })
        .await;
    }
    let ends = Error(&["did not answer in time", "tried 5 times"]);
    cell("a stall for ever", Whole, ends, |scene| {
        scene.fault(Fault::new("HEAD", "/manifests/", Action::Stall).always());
    })
    .await;
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
        cell("401 at the final PUT", form, Right, |scene| {
            let refusal = Action::Answer(scene.refusal());
            scene.fault(Fault::new("PUT", scene.end(), refusal));
        })
        .await;
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
        scene.fault(Fault::new("POST", SESSION_OPENED, Action::Header("location", None)).always());
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

const SESSION_OPENED: &str = "/blobs/uploads/";

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
    let scene = Scene::new(Whole).await;
    scene.registry.behaviour().immutable = true;
    let first = scene
        .bench
        .push(&scene.image, &scene.registry, &["a"])
        .await;
    first.unwrap();
    let other = scene.bench.image(&[7]);
    let text = scene
        .bench
        .push(&other, &scene.registry, &["a"])
        .await
        .unwrap_err()
        .report();
    for part in ["TAG_IMMUTABLE", "team/job:a", "choose another tag"] {
        assert!(text.contains(part), "{part}: {text}");
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
                scene.fault(Fault::new("HEAD", path, answer(status)));
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
