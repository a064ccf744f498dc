//! Credentials: found, sent, renewed, and never sent where they do not belong.

use std::fs;
use std::time::Duration;

use base64::Engine as _;
use flinkpack::registry::Keychain;

use super::{Bench, failed};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::images::noise;
use crate::support::registry::{Behaviour, FaultRegistry, Locations};
use crate::support::tokens::{Auth, Tokens};

pub const PASSWORD: &str = "pass-word-7";

/// A bench whose Docker configuration is `config`.
fn configured(config: &str) -> (Bench, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, config).unwrap();
    (Bench::with(Keychain::of_file(path)), folder)
}

pub fn auths(registry: &FaultRegistry, password: &str) -> String {
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("me:{password}"));
    format!(
        r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
        registry.address()
    )
}

pub async fn with_basic() -> FaultRegistry {
    let behaviour = Behaviour {
        auth: Auth::Basic {
            user: "me".into(),
            password: PASSWORD.into(),
        },
        ..Behaviour::default()
    };
    FaultRegistry::with(behaviour).await
}

#[tokio::test]
async fn a_password_is_sent_when_it_is_asked_for() {
    let registry = with_basic().await;
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    bench
        .push(&bench.image(&[1]), &registry, &["a"])
        .await
        .unwrap();
    let refused = registry.requests();
    let bare = refused
        .iter()
        .filter(|request| request.header("authorization").is_none());
    assert_eq!(bare.count(), 1, "only the first request goes without");
}

#[tokio::test]
async fn without_credentials_the_error_says_where_they_were_looked_for() {
    let registry = with_basic().await;
    let (bench, folder) = configured(r#"{"auths":{}}"#);
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    let file = folder.path().join("config.json").display().to_string();
    for part in [
        "401",
        "no credentials",
        &file,
        registry.address(),
        "docker login",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn refused_credentials_are_named_but_not_shown() {
    let registry = with_basic().await;
    let (bench, folder) = configured(&auths(&registry, "wrong-secret"));
    let echo = Response::new(401)
        .with("WWW-Authenticate", "Basic realm=\"x\"")
        .body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong-secret is wrong"}]}"#);
    registry.fault(Fault::new("HEAD", "", Action::Answer(echo.clone())).times(1));
    registry.fault(Fault::new("GET", "", Action::Answer(echo)).always());
    let reference = registry.reference("team/job:a");
    let error = failed(bench.registries.manifest(&reference).await);
    let file = folder.path().join("config.json").display().to_string();
    for part in ["refused", &file, registry.address(), "UNAUTHORIZED"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("wrong-secret"), "{error}");
}

#[tokio::test]
async fn one_token_serves_a_whole_push() {
    let tokens = Tokens::for_user("me", PASSWORD);
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    let image = bench.image_on_base(&registry, &[1, 2]);
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(tokens.count(), 1);
    assert_eq!(bench.registries.traffic().tokens(), 1);
    let asked = registry.requests();
    let asked = asked
        .iter()
        .find(|request| request.path.starts_with("/token"))
        .unwrap();
    assert_eq!(
        asked.queries("scope"),
        ["repository:team/job:pull,push", "repository:base:pull"]
    );
    registry.clear_log();
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(registry.log().len(), 1);
}

#[tokio::test]
async fn a_wider_scope_that_is_refused_means_no_mount() {
    let tokens = Tokens::open().refusing("repository:base");
    let registry = FaultRegistry::with_tokens(tokens).await;
    let bench = Bench::new();
    let mut image = bench.image_on_base(&registry, &[1]);
    // The bytes have to come from elsewhere, since the source is out of reach.
    bench.store.write_blob(&noise(999, 300_000)).unwrap();
    image.layers[0].built = false;
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert_eq!(registry.count("POST", "mount="), 0);
}

#[tokio::test]
async fn a_mount_that_the_token_does_not_allow_is_an_upload() {
    for status in [401, 403] {
        let tokens = Tokens::for_user("me", PASSWORD);
        let registry = FaultRegistry::with_tokens(tokens).await;
        let (bench, _folder) = configured(&auths(&registry, PASSWORD));
        let image = bench.image_on_base(&registry, &[1]);
        let realm = format!("Bearer realm=\"http://{}/token\"", registry.address());
        let lacks = Response::new(status).with("WWW-Authenticate", realm);
        registry.fault(Fault::new("POST", "mount=", Action::Answer(lacks)).always());
        bench.push(&image, &registry, &["a"]).await.unwrap();
        let digest = image.layers[0].descriptor.as_ref().unwrap().digest;
        assert!(registry.has_blob("team/job", &digest), "{status}");
    }
}

#[tokio::test]
async fn tokens_that_end_between_layers_are_renewed() {
    let tokens = Tokens::for_user("me", PASSWORD).lifetime(Duration::from_millis(600));
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    let slow = Action::Slow(50_000, Duration::from_millis(60));
    registry.fault(Fault::new("PUT", "/blobs/", slow).always());
    let image = bench.image(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    bench.push(&image, &registry, &["a"]).await.unwrap();
    assert!(tokens.count() >= 2, "{}", tokens.count());
    let whole = 12 * 200_000 + image.config.len() as u64;
    assert_eq!(registry.state().arrived, whole, "nothing twice");
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let tokens = Tokens::for_identity("refresh-me");
    let registry = FaultRegistry::with_tokens(tokens).await;
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"","identitytoken":"refresh-me"}}}}}}"#,
        registry.address()
    );
    let (bench, _folder) = configured(&config);
    bench
        .push(&bench.image(&[1]), &registry, &["a"])
        .await
        .unwrap();
}

#[tokio::test]
async fn tokens_that_end_are_renewed() {
    let tokens = Tokens::open().lifetime(Duration::from_millis(100));
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let bench = Bench::new();
    let image = bench.image(&[1]);
    bench.push(&image, &registry, &["a"]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let before = tokens.count();
    bench
        .push(&bench.image(&[1, 2]), &registry, &["a"])
        .await
        .unwrap();
    assert!(tokens.count() > before);
}

#[tokio::test]
async fn revoked_tokens_are_renewed_everywhere() {
    let tokens = Tokens::open();
    let registry = FaultRegistry::with_tokens(tokens.clone()).await;
    let bench = Bench::new();
    bench
        .push(&bench.image(&[1, 2, 3]), &registry, &["a"])
        .await
        .unwrap();
    tokens.revoke();
    bench
        .push(&bench.image(&[4, 5, 6]), &registry, &["a"])
        .await
        .unwrap();
    assert_eq!(tokens.count(), 2, "one for all that were refused");
}

#[tokio::test]
async fn a_realm_in_the_open_gets_no_credentials() {
    let registry = with_basic().await;
    registry.behaviour().auth = Auth::Bearer {
        realm: "http://registry.invalid/token".into(),
        tokens: Tokens::open(),
    };
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    assert!(
        error.contains("http://registry.invalid/token") && error.contains("not sent"),
        "{error}"
    );
    assert_eq!(bench.registries.traffic().tokens(), 0);
    assert!(!error.contains(PASSWORD));
}

#[tokio::test]
async fn a_realm_on_another_host_serves() {
    let tokens = Tokens::for_user("me", PASSWORD);
    let server = FaultRegistry::start().await;
    server.behaviour().tokens = Some(tokens.clone());
    let registry = with_basic().await;
    registry.behaviour().auth = Auth::Bearer {
        realm: format!("http://{}/token", server.address()),
        tokens,
    };
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    bench
        .push(&bench.image(&[1]), &registry, &["a"])
        .await
        .unwrap();
    let basic = registry.requests();
    let basic = basic
        .iter()
        .filter_map(|request| request.header("authorization"));
    assert!(basic.into_iter().all(|sent| sent.starts_with("Bearer ")));
}

#[tokio::test]
async fn a_token_server_that_says_no_is_told_with_the_source() {
    let registry = FaultRegistry::with_tokens(Tokens::for_user("me", "other")).await;
    let (bench, folder) = configured(&auths(&registry, PASSWORD));
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    let file = folder.path().join("config.json").display().to_string();
    for part in ["/token", "401", "wrong login", &file] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains(PASSWORD), "{error}");
}

#[tokio::test]
async fn no_authorization_goes_to_another_host() {
    let registry = with_basic().await;
    let other = FaultRegistry::start().await;
    let (bench, _folder) = configured(&auths(&registry, PASSWORD));
    // Downloads that are redirected.
    let bytes = noise(3, 50_000);
    let digest = other.add_blob("elsewhere", &bytes);
    let location = format!(
        "http://{}/v2/elsewhere/blobs/{digest}?signature=s3cr3t",
        other.address()
    );
    let redirect = Response::new(307).with("Location", location);
    registry.fault(Fault::new("GET", "/blobs/", Action::Answer(redirect)).after(1));
    let descriptor = flinkpack::image::Descriptor::new("", digest, 50_000);
    let reference = registry.reference("team/job");
    let task = bench
        .registries
        .blob_to_store(&reference, &descriptor, &bench.store, None);
    task.await.unwrap();
    // Uploads that go elsewhere.
    let base = format!("http://{}", other.address());
    registry.behaviour().locations = Locations::On(base);
    let _ = bench.push(&bench.image(&[1]), &registry, &["a"]).await;
    assert_eq!(other.count("GET", "/v2/elsewhere/"), 1);
    assert!(other.count("PUT", "/blobs/uploads/") >= 1);
    for request in other.requests() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}
