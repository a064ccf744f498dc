//! Failures that pass: too many requests, servers that fail, stalls.

use std::time::{Duration, Instant, SystemTime};

use super::matrix::Ends::{Error, Right};
use super::matrix::Form::{Chunks, Whole};
use super::matrix::{SESSION, STEPS, answer, busy, cell};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;

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
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let ends = Error(&["429", "wait 3", "run the command again"]);
    cell("429 with a date in an hour", Whole, ends, |scene| {
        scene.fault(Fault::new("POST", "/uploads/", busy(&date)));
    })
    .await;
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
