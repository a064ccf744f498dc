//! Every fault at every step of a push: it ends right, or with an error that
//! says why and what to do. After each cell: no credentials reached another
//! host, and nothing that had arrived was sent again.
//!
//! Elsewhere: cuts at given bytes in `uploads` and `resume`, mounts and tags in
//! `push`, tokens in `logins`, more of reading in `pull`, TLS in `trust`.

use std::fs;
use std::time::{Duration, Instant};

use flinkpack::image::{Digest, Image};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;

use super::logins::{PASSWORD, auths};
use super::{Bench, quick};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::{image, noise, stored};
use crate::support::registry::FaultRegistry;
use crate::support::tokens::Tokens;

/// Bytes of the layer that is in trouble.
pub const SIZE: u64 = 600_000;

/// Where that layer's bytes are.
pub const SESSION: &str = "/blobs/uploads/session-";

/// How the layer is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// In one PUT.
    Whole,
    /// In PATCHes of 200 kB, and a PUT without a body.
    Chunks,
}
use Form::{Chunks, Whole};

/// How a cell ends.
pub enum Ends {
    Right,
    /// Right, but a chunk that had arrived is sent again: the registry goes on
    /// with nothing.
    Anew,
    /// With an error that has these parts.
    Error(&'static [&'static str]),
}
use Ends::{Anew, Error, Right};

/// A push to a registry that wants a token, and another server for the same
/// content, which wants none.
pub struct Scene {
    pub registry: FaultRegistry,
    pub tokens: Tokens,
    pub other: FaultRegistry,
    pub bench: Bench,
    pub image: Image,
    pub digest: Digest,
}

impl Scene {
    pub async fn new(form: Form) -> Scene {
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
            other: registry.beside().await,
            image: image(vec![layer]),
            registry,
            tokens,
            bench,
            digest,
        }
    }

    /// Where the layer's last request goes.
    pub fn end(&self) -> String {
        format!("digest=sha256%3A{}", self.digest.hex())
    }

    pub fn fault(&self, fault: Fault) {
        self.registry.fault(fault);
    }

    /// What a registry says to a token that it does not take.
    pub fn refusal(&self) -> Response {
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
            // `Range: 0-0` may mean one byte or none, so one byte may come twice.
            (Right, Ok(_)) => self.check_right(name, 1).await,
            (Anew, Ok(_)) => self.check_right(name, SIZE / 3).await,
            (Right | Anew, Err(error)) => panic!("{name}: {}", error.report()),
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

    async fn check_right(&self, name: &str, most: u64) {
        assert!(self.registry.has_blob("team/job", &self.digest), "{name}");
        let twice = {
            let state = self.registry.state();
            let stored: usize = state.blobs.values().map(|blob| blob.len()).sum();
            state.arrived - stored as u64
        };
        assert!(
            twice <= most,
            "{name}: {twice} bytes that had arrived were sent again"
        );
        self.registry.0.faults.lock().unwrap().clear();
        self.registry.clear_log();
        let again = self.bench.push(&self.image, &self.registry, &["a"]).await;
        assert!(again.unwrap().unchanged, "{name}");
    }
}

/// Runs one cell.
pub async fn cell(name: &str, form: Form, ends: Ends, set: impl FnOnce(&Scene)) {
    let scene = Scene::new(form).await;
    set(&scene);
    scene.check(&format!("{name}, {form:?}"), &ends).await;
}

pub fn answer(status: u16) -> Action {
    Action::Answer(Response::new(status))
}

pub fn busy(after: &str) -> Action {
    Action::Answer(Response::new(429).with("Retry-After", after))
}

/// The steps of a push: method and a part of the path.
pub const STEPS: [(&str, &str); 5] = [
    ("HEAD", "/manifests/"),
    ("HEAD", "/blobs/"),
    ("POST", "/blobs/uploads/"),
    ("PUT", SESSION),
    ("PUT", "/manifests/"),
];
