//! TLS: whose certificates are taken, and which are shown.

use std::fs;
use std::path::{Path, PathBuf};

use flinkpack::error::Result;
use flinkpack::fetch::Patience;
use flinkpack::image::Reference;
use flinkpack::registry::{Head, Keychain, Options, Registries, Trust};
use flinkpack::report::Report;

use super::{Bench, quick};
use crate::support::authority::Authority;
use crate::support::registry::{FaultRegistry, Locations};
use crate::support::tls::{Special, TlsFront};
use crate::support::tokens::{Auth, Tokens};

/// Asks the registry behind `front` for a manifest that it has not.
async fn ask(front: &TlsFront, options: Options) -> Result<Option<Head>> {
    let reference: Reference = format!("{}/team/job:a", front.address()).parse().unwrap();
    let registries = Registries::new(Keychain::anonymous(), options, Report::silent());
    registries.head(&reference).await
}

fn trusting(authorities: Vec<PathBuf>, folder: Option<&Path>) -> Options {
    Options {
        trust: Trust {
            authorities,
            folders: folder.into_iter().map(Path::to_path_buf).collect(),
        },
        patience: Patience {
            attempts: 2,
            ..quick().patience
        },
        ..quick()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_has_to_be_named() {
    let (registry, corp) = (FaultRegistry::start().await, Authority::new());
    let front = TlsFront::start(&corp, registry.address(), Special::default());
    let error = ask(&front, quick()).await.unwrap_err().report();
    for part in [
        "certificate is not trusted",
        "--registry-ca",
        "certs.d",
        &front.address(),
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let options = trusting(vec![corp.certificate()], None);
    assert_eq!(ask(&front, options).await.unwrap(), None);
    let missing = trusting(vec!["no.pem".into()], None);
    let error = ask(&front, missing).await.unwrap_err().report();
    assert!(
        error.contains("no.pem") && error.contains("--registry-ca"),
        "{error}"
    );
    let insecure = Options {
        insecure: vec![front.address()],
        ..quick()
    };
    assert_eq!(ask(&front, insecure).await.unwrap(), None);
    let other = Options {
        insecure: vec!["127.0.0.1:1".into()],
        ..quick()
    };
    assert!(ask(&front, other).await.is_err(), "for that host alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ended_or_is_anothers_is_told() {
    let (registry, corp) = (FaultRegistry::start().await, Authority::new());
    let expired = Special {
        expired: true,
        ..Special::default()
    };
    let another = Special {
        names: Some("DNS:other.example"),
        ..Special::default()
    };
    for (special, part) in [(expired, "must renew it"), (another, "another host's")] {
        let front = TlsFront::start(&corp, registry.address(), special);
        let options = trusting(vec![corp.certificate()], None);
        let error = ask(&front, options).await.unwrap_err().report();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_through_tls_ends_right_or_sends_nothing() {
    let corp = Authority::new();
    for expired in [false, true] {
        let registry = FaultRegistry::start().await;
        let special = Special {
            expired,
            ..Special::default()
        };
        let front = TlsFront::start(&corp, registry.address(), special);
        // It does not know that it is reached by https.
        let base = format!("http://{}", front.address());
        registry.behaviour().locations = Locations::On(base);
        let options = trusting(vec![corp.certificate()], None);
        let bench = Bench {
            registries: Registries::new(Keychain::anonymous(), options, Report::silent()),
            ..Bench::new()
        };
        let image = bench.image(&[1]);
        let target: Reference = format!("{}/team/job", front.address()).parse().unwrap();
        let outcome = bench.push_to(&image, &target, &["a"]).await;
        let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
        match expired {
            false => {
                outcome.unwrap();
                assert!(registry.has_blob("team/job", &digest));
            }
            true => {
                let error = outcome.unwrap_err().report();
                assert!(error.contains("must renew it"), "{error}");
                assert!(registry.log().is_empty(), "{:?}", registry.log());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_a_host_has_authorities_and_client_certificates() {
    let registry = FaultRegistry::start().await;
    let (corp, staff) = (Authority::new(), Authority::new());
    let special = Special {
        clients: Some(&staff),
        ..Special::default()
    };
    let front = TlsFront::start(&corp, registry.address(), special);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join(front.address());
    fs::create_dir(&own).unwrap();
    fs::copy(corp.certificate(), own.join("ca.crt")).unwrap();
    let options = || trusting(Vec::new(), Some(folder.path()));
    // nginx answers 400 to a client without a certificate.
    let error = ask(&front, options()).await.unwrap_err().report();
    assert!(error.contains("400"), "{error}");
    staff.sign("DNS:client", &own);
    fs::rename(own.join("server.key"), own.join("client.key")).unwrap();
    let error = ask(&front, options()).await.unwrap_err().report();
    assert!(
        error.contains("client.key has no certificate beside it"),
        "{error}"
    );
    fs::rename(own.join("server.pem"), own.join("client.cert")).unwrap();
    assert_eq!(ask(&front, options()).await.unwrap(), None);
    fs::remove_file(own.join("client.key")).unwrap();
    let error = ask(&front, options()).await.unwrap_err().report();
    assert!(error.contains("client.key"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_another_host_says_nothing() {
    let (registry, corp) = (FaultRegistry::start().await, Authority::new());
    let front = TlsFront::start(&corp, registry.address(), Special::default());
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("127.0.0.1:1");
    fs::create_dir(&other).unwrap();
    fs::copy(corp.certificate(), other.join("ca.crt")).unwrap();
    let options = trusting(Vec::new(), Some(folder.path()));
    assert!(ask(&front, options).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_server_of_a_registry_counts_as_the_registry_does() {
    let tokens = Tokens::open();
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let corp = Authority::new();
    let front = TlsFront::start(&corp, registry.address(), Special::default());
    registry.behaviour().auth = Auth::Bearer {
        realm: format!("https://{}/token", front.address()),
        tokens,
    };
    let insecure = Options {
        insecure: vec![front.address()],
        ..quick()
    };
    for options in [insecure, trusting(vec![corp.certificate()], None)] {
        assert_eq!(ask(&front, options).await.unwrap(), None);
    }
}
