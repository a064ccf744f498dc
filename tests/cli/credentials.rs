//! Where credentials come from, and where they go.

use crate::support::authority::Authority;
use crate::support::base::TinyBase;
use crate::support::http::Request;
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;
use crate::support::tls::{Special, TlsFront};
use crate::support::tokens::{Auth, basic};

use super::{HEAD, alone, small_jar};

const PASSWORD: &str = "hunter2-secret";

async fn registry() -> FaultRegistry {
    let registry = FaultRegistry::start().await;
    registry.behaviour().auth = Auth::Basic {
        user: "ann".into(),
        password: PASSWORD.into(),
    };
    registry
}

fn to(registry: &FaultRegistry) -> Project {
    let text = HEAD.replace("registry.test", registry.address());
    let text = format!("{text}[udfs]\nrisk = {{ path = \"risk.jar\" }}\n");
    let mut project = Project::with_manifest(&text);
    TinyBase::flink("1.20.5").write(&project.path("base"));
    project.write("risk.jar", small_jar("Risk"));
    alone(&mut project);
    project
}

fn with_environment(project: &mut Project, host: &str) {
    project.set("FLINKPACK_REGISTRY", host);
    project.set("FLINKPACK_REGISTRY_USERNAME", "ann");
    project.set("FLINKPACK_REGISTRY_PASSWORD", PASSWORD);
}

fn has_login(request: &Request) -> bool {
    request.header("authorization").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_for_the_registry_that_it_names() {
    let registry = registry().await;
    let mut project = to(&registry);
    with_environment(&mut project, registry.address());
    let run = project.ok(&["build", "--push", "-v"]);
    let source = format!("FLINKPACK_REGISTRY={}", registry.address());
    assert!(run.stderr.contains(&source), "{}", run.stderr);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);

    registry.clear_log();
    let mut project = to(&registry);
    with_environment(&mut project, "other.test");
    let run = project.fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("are for other.test"), "{}", run.stderr);
    assert!(!registry.requests().iter().any(has_login));

    let mut project = to(&registry);
    project.set("FLINKPACK_REGISTRY_USERNAME", "ann");
    project.set("FLINKPACK_REGISTRY_PASSWORD", PASSWORD);
    let run = project.fails(2, &["build", "--push"]);
    assert!(
        run.stderr.contains("FLINKPACK_REGISTRY is not set") && !run.stderr.contains("hunter2"),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_sent_as_it_is() {
    let registry = registry().await;
    let mut project = to(&registry);
    project.set("FLINKPACK_REGISTRY", registry.address());
    project.set("FLINKPACK_REGISTRY_TOKEN", "hunter2-token");
    let run = project.fails(1, &["build", "--push", "-v"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let sent = registry.requests();
    let sent = sent
        .iter()
        .find_map(|request| request.header("authorization"));
    assert_eq!(sent, Some("Bearer hunter2-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn podmans_files_count_and_the_narrowest_key_wins() {
    let registry = registry().await;
    let entry = |key: &str, password: &str| {
        let login = basic("ann", password);
        let word = login.trim_start_matches("Basic ").to_string();
        format!("\"{key}\": {{\"auth\": \"{word}\"}}")
    };
    let host = registry.address();
    let right = format!(
        "{{\"auths\": {{{}, {}, {}}}}}",
        entry(host, "hunter2-wrong"),
        entry(&format!("{host}/team"), PASSWORD),
        entry(&format!("{host}/team/other"), "hunter2-wrong"),
    );
    let wrong = format!("{{\"auths\": {{{}}}}}", entry(host, "hunter2-wrong"));
    let key = format!("key `{host}/team`");
    // Each place counts before those that follow.
    for place in 0..3 {
        let mut project = to(&registry);
        let file = match place {
            0 => {
                let path = project.write_home("ci/auth.json", &right);
                project.write_home(".docker/config.json", &wrong);
                project.set("REGISTRY_AUTH_FILE", path.display().to_string());
                path
            }
            1 => {
                let path = project.write_home("run/containers/auth.json", &right);
                project.write_home(".config/containers/auth.json", &wrong);
                project.set(
                    "XDG_RUNTIME_DIR",
                    project.home().join("run").display().to_string(),
                );
                path
            }
            _ => project.write_home(".config/containers/auth.json", &right),
        };
        let run = project.ok(&["build", "--push", "-v"]);
        let file = file.display().to_string();
        assert!(
            run.stderr.contains(&file) && run.stderr.contains(&key),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    let mut project = to(&registry);
    project.set("DOCKER_AUTH_CONFIG", &right);
    project.write_home(".docker/config.json", &wrong);
    let run = project.ok(&["build", "--push", "-v"]);
    assert!(run.stderr.contains("DOCKER_AUTH_CONFIG"), "{}", run.stderr);
    let mut project = to(&registry);
    project.set("DOCKER_AUTH_CONFIG", "{\"auths\": hunter2");
    let run = project.fails(1, &["build", "--push"]);
    assert!(
        run.stderr.contains("DOCKER_AUTH_CONFIG is not") && !run.stderr.contains("hunter2"),
        "{}",
        run.stderr
    );
    let mut project = to(&registry);
    project.set("REGISTRY_AUTH_FILE", "/nowhere/auth.json");
    let run = project.fails(1, &["build", "--push"]);
    assert!(
        run.stderr.contains("REGISTRY_AUTH_FILE names this file"),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_gives_the_base_and_the_push_goes_past_it() {
    let (target, mirror) = (FaultRegistry::start().await, FaultRegistry::start().await);
    TinyBase::flink("1.20.5").publish(&mirror, "hub/library/flink", "1.20");
    let text = HEAD
        .replace("registry.test", target.address())
        .replace("oci:base", "docker://flink:1.20");
    let mut project = Project::with_manifest(&text);
    alone(&mut project);
    let place = format!("docker.io={}/hub", mirror.address());
    let run = project.ok(&["build", "--push", "--registry-mirror", &place]);
    assert!(run.stdout.contains(target.address()), "{}", run.stdout);
    assert!(
        mirror
            .log()
            .iter()
            .all(|line| line.contains("/v2/hub/library/flink/"))
    );
    let run = project.fails(2, &["build", "--push", "--registry-mirror", "docker.io"]);
    assert!(run.stderr.contains("HOST=MIRROR"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_verified_unless_the_user_says_otherwise() {
    let registry = registry().await;
    let corp = Authority::new();
    let front = TlsFront::start(&corp, registry.address(), Special::default());
    let project = || {
        let mut project = to(&registry);
        let text = project.read("flinkpack.toml");
        let text = text.replace(registry.address(), &front.address());
        project.write("flinkpack.toml", text);
        with_environment(&mut project, &front.address());
        project
    };
    let run = project().fails(1, &["build", "--push"]);
    assert!(run.stderr.contains("--registry-ca"), "{}", run.stderr);
    assert!(registry.log().is_empty(), "nothing was sent");
    let authority = corp.certificate().display().to_string();
    let address = front.address();
    project().ok(&["build", "--push", "--registry-ca", &authority]);
    project().ok(&["build", "--push", "--insecure-registry", &address]);
    let own = project();
    let folder = format!(".config/containers/certs.d/{address}/ca.crt");
    own.write_home(&folder, std::fs::read(authority).expect("a file"));
    own.ok(&["build", "--push"]);
}
