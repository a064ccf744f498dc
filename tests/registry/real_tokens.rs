//! Docker's registry, as Debian has it, with a token server of ours before it.

use std::fs;
use std::sync::Arc;

use flinkpack::image::{Image, LayerKind, Origin, Reference};
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;

use super::Bench;
use crate::support::images::{image, layer, noise, stored};
use crate::support::process::{Process, program};
use crate::support::registry::FaultRegistry;
use crate::support::signer::Signer;
use crate::support::tokens::Tokens;

/// The registry, and what gives the tokens that it wants.
async fn registry(tokens: Tokens) -> (Process, FaultRegistry) {
    let signer = Arc::new(Signer::new());
    let server = FaultRegistry::with_tokens(tokens.signed_by(&signer)).await;
    let process = Process::start(|folder, port| {
        let settings = format!(
            "version: 0.1
log: {{ level: error, accesslog: {{ disabled: true }} }}
storage: {{ filesystem: {{ rootdirectory: \"{}\" }} }}
http: {{ addr: \"127.0.0.1:{port}\" }}
auth: {{ token: {{ realm: \"http://{}/token\", service: test, issuer: test, rootcertbundle: \"{}\" }} }}
",
            folder.join("data").display(),
            server.address(),
            signer.certificate().display(),
        );
        fs::write(folder.join("settings.yml"), settings).expect("a file");
        let mut command = program("docker-registry");
        command.arg("serve").arg(folder.join("settings.yml"));
        command
    });
    (process, server)
}

/// Signing a token takes what it takes.
fn patient() -> Bench {
    let registries = Registries::new(Keychain::anonymous(), Options::default(), Report::silent());
    Bench {
        registries,
        ..Bench::new()
    }
}

async fn push(bench: &Bench, image: Image, target: &Reference, tag: &str) {
    bench.push_to(&image, target, &[tag]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_cancelled_by_who_may_delete() {
    for (tokens, left) in [
        (Tokens::open(), 0),
        (Tokens::open().withholding("delete"), 1),
    ] {
        let (registry, server) = registry(tokens).await;
        let place = |name: &str| -> Reference {
            let text = format!("127.0.0.1:{}/{name}", registry.port);
            text.parse().unwrap()
        };
        let (job, bytes) = (place("team/job"), noise(1, 300_000));
        let bench = patient();
        let first = image(vec![stored(&bench.store, "base", &bytes)]);
        push(&bench, first, &job, "1").await;
        // Not where it is to be mounted from, so that an upload is opened; but there.
        let origin = Origin::Registry(place("team/base"));
        let base = layer("base", LayerKind::Base, &bytes, origin);
        let bench = patient();
        let own = stored(&bench.store, "own", &noise(2, 1000));
        push(&bench, image(vec![base, own]), &job, "2").await;
        let uploads = "data/docker/registry/v2/repositories/team/job/_uploads";
        let open = fs::read_dir(registry.path(uploads)).expect("a folder");
        // This registry leaves a folder with a hash of what was cancelled.
        let open = open
            .flatten()
            .filter(|one| one.path().join("data").exists());
        assert_eq!(open.count(), left);
        let asked = server.requests();
        let asked = asked.iter().flat_map(|request| request.queries("scope"));
        let deleting = asked.filter(|scope| scope.ends_with(",delete")).count();
        assert_eq!(deleting, 1);
    }
}
