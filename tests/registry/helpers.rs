//! Credential helpers: asked rightly, and never silently done without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use flinkpack::registry::{Helpers, Keychain};

use super::logins::{PASSWORD, with_basic};
use super::{Bench, failed};
use crate::support::registry::FaultRegistry;

fn helper(folder: &Path, name: &str, script: &str) -> Helpers {
    let path = folder.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Helpers {
        path: Some(format!("{}:/usr/bin:/bin", folder.display()).into()),
        limit: Duration::from_secs(2),
    }
}

/// A bench whose `credHelpers` name `test` for the registry.
fn with_helper(registry: &FaultRegistry, script: &str) -> (Bench, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let config = format!(r#"{{"credHelpers":{{"{}":"test"}}}}"#, registry.address());
    fs::write(&path, config).unwrap();
    let helpers = helper(folder.path(), "test", script);
    let keychain = Keychain::of_file(path).with_helpers(helpers);
    (Bench::with(keychain), folder)
}

#[tokio::test]
async fn a_helper_is_asked_with_the_key() {
    let registry = with_basic().await;
    let script = format!(
        r#"key=$(cat); [ "$1 $key" = "get {}" ] && echo '{{"Username":"me","Secret":"{PASSWORD}"}}'"#,
        registry.address()
    );
    let (bench, _folder) = with_helper(&registry, &script);
    bench
        .push(&bench.image(&[1]), &registry, &["a"])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_helper_that_fails_hangs_or_is_not_there_is_an_error() {
    let registry = with_basic().await;
    for (script, part) in [
        ("echo no keychain here >&2; exit 1", "no keychain here"),
        ("sleep 60", "did not answer within 2 s"),
        ("echo '{\"Secret\": \"s3cr3t'", "did not print the JSON"),
        ("echo '{\"Secret\": \"s3cr3t\"}'; exit 1", "is not shown"),
    ] {
        let (bench, folder) = with_helper(&registry, script);
        let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
        let file = folder.path().join("config.json").display().to_string();
        for part in [
            part,
            "docker-credential-test",
            "credHelpers",
            &file,
            registry.address(),
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    let (bench, folder) = with_helper(&registry, "");
    fs::remove_file(folder.path().join("docker-credential-test")).unwrap();
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    assert!(
        error.contains("docker-credential-test was not found on the PATH"),
        "{error}"
    );
}

#[tokio::test]
async fn a_helper_with_nothing_means_no_credentials_and_is_named() {
    let registry = with_basic().await;
    let (bench, _folder) = with_helper(
        &registry,
        "echo credentials not found in native keychain; exit 1",
    );
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    assert!(
        error.contains("no credentials") && error.contains("docker-credential-test"),
        "{error}"
    );
    let open = FaultRegistry::start().await;
    bench.push(&bench.image(&[1]), &open, &["a"]).await.unwrap();
}
