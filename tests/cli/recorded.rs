//! A fresh runner: the lock file is there, the cache is empty, and the registry
//! has the layers.

use super::{HEAD, alone, digest_of, mirror, small_jar};
use crate::support::base::TinyBase;
use crate::support::docker::Docker;
use crate::support::maven::{Reply, Server};
use crate::support::project::{Project, noise};
use crate::support::registry::FaultRegistry;

const PUSH: &[&str] = &["build", "--push", "--format", "json"];

/// What a connector is large enough to have a layer of its own with.
fn big_jar(project: &Project, seed: u64) -> Vec<u8> {
    let path = project.path("noise.bin");
    noise(&path, 2 << 20, seed);
    let bytes = std::fs::read(&path).expect("the file");
    std::fs::remove_file(&path).expect("the file");
    crate::support::project::jar(&[("noise.bin", &bytes)])
}

/// A project with two connectors by coordinate and a local UDF, whose base is in
/// the registry that its image goes to.
struct Setting {
    project: Project,
    registry: FaultRegistry,
    maven: Server,
}

async fn setting() -> Setting {
    let registry = FaultRegistry::start().await;
    TinyBase::flink("1.20.5").publish(&registry, "flink", "1.20");
    let head = HEAD.replace("registry.test", registry.address()).replace(
        "oci:base",
        &format!("docker://{}/flink:1.20", registry.address()),
    );
    let mut project = Project::with_manifest(&format!(
        "{head}[connectors]\nacme = {{ maven = \"com.example:acme:1.0\" }}\n\
         other = {{ maven = \"com.example:other:1.0\" }}\n[udfs]\nrisk = {{ path = \"risk.jar\" }}\n"
    ));
    alone(&mut project);
    let maven = Server::start();
    mirror(&project, maven.url("/m2").as_str());
    maven.release("com.example:acme:1.0", &big_jar(&project, 1), "");
    maven.release("com.example:other:1.0", &big_jar(&project, 2), "");
    project.write("risk.jar", small_jar("Risk"));
    Setting {
        project,
        registry,
        maven,
    }
}

impl Setting {
    fn empty_cache(&self) {
        std::fs::remove_dir_all(self.project.cache()).expect("a cache");
        self.registry.clear_log();
        self.maven.forget();
    }

    fn asked_for_jars(&self) -> Vec<String> {
        let mut paths = self.maven.paths();
        paths.retain(|path| path.ends_with(".jar"));
        paths
    }

    fn edit_lock(&self, edit: impl Fn(&str) -> String) {
        let lock = self.project.read("flinkpack.lock");
        let edited = edit(&lock);
        assert_ne!(lock, edited, "the edit hits");
        self.project.write("flinkpack.lock", edited);
    }
}

/// The value of a key in the first `[[layer]]` with this name.
fn of_layer(lock: &str, name: &str, key: &str) -> String {
    let lock: toml::Value = toml::from_str(lock).expect("a lock file");
    let layers = lock["layer"].as_array().expect("layers");
    let layer = layers.iter().find(|one| one["name"].as_str() == Some(name));
    layer.expect("the layer")[key]
        .as_str()
        .expect("text")
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_push_with_an_empty_cache_fetches_no_jar() {
    let here = setting().await;
    let first = here.project.ok(PUSH).json();
    let lock = here.project.read("flinkpack.lock");
    for args in [PUSH, &["build", "--push", "--locked", "--format", "json"]] {
        here.empty_cache();
        let again = here.project.ok(args).json();
        assert_eq!(again["digest"], first["digest"]);
        assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
        assert_eq!(here.project.read("flinkpack.lock"), lock);
        assert_eq!(
            again["transferred"]["registry_requests"],
            1,
            "{:?}",
            here.registry.log()
        );
        assert_eq!(again["transferred"]["registry_bytes"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_last_push_was_made_its_manifest_is_not_read() {
    let here = setting().await;
    here.project.ok(PUSH);
    here.project.write("risk.jar", small_jar("Changed"));
    let run = here.project.ok(PUSH).json();
    // HEAD of the tag; POST and PUT of the layer and of the configuration; PUT of
    // the manifest.
    let requests = &run["transferred"]["registry_requests"];
    assert_eq!(*requests, 6, "{:#?}", here.registry.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_udf_moves_its_own_bytes_alone() {
    let here = setting().await;
    here.project.ok(PUSH);
    here.empty_cache();
    here.project.write("risk.jar", small_jar("Changed"));
    let run = here.project.ok(PUSH).json();
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    assert_eq!(
        here.registry.count("HEAD", "/blobs/"),
        0,
        "the old image's manifest says it"
    );
    // HEAD and GET of the tag; POST and PUT of the layer and of the
    // configuration; PUT of the manifest.
    assert_eq!(
        run["transferred"]["registry_requests"],
        7,
        "{:#?}",
        here.registry.log()
    );
    let status = |kind: &str| -> Vec<String> {
        let layers = run["layers"].as_array().expect("layers").iter();
        let of_kind = layers.filter(|layer| layer["kind"] == kind);
        of_kind
            .map(|layer| layer["status"].as_str().expect("a word").to_string())
            .collect()
    };
    assert_eq!(status("connector"), ["present", "present"]);
    assert_eq!(status("udf"), ["uploaded"]);
    here.same_from_scratch(run["digest"].as_str().expect("a digest"));
}

impl Setting {
    /// The image has this digest when every layer is made from its JARs.
    fn same_from_scratch(&self, digest: &str) {
        std::fs::remove_dir_all(self.project.cache()).expect("a cache");
        let whole = self.project.ok(&["build", "--output", "oci:whole"]);
        assert_eq!(digest_of(&whole.stdout), digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tag_asks_for_each_recorded_layer_once() {
    let here = setting().await;
    here.project.ok(PUSH);
    here.empty_cache();
    here.project.ok(&["build", "--push", "-t", "2"]);
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    assert_eq!(
        here.registry.count("HEAD", "/blobs/"),
        2,
        "{:#?}",
        here.registry.log()
    );
    assert_eq!(
        here.registry.count("PUT", "/blobs/uploads/"),
        2,
        "the UDF and the configuration"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_registry_lacks_is_fetched() {
    let here = setting().await;
    let first = here.project.ok(PUSH).json();
    here.empty_cache();
    let lost = of_layer(&here.project.read("flinkpack.lock"), "acme", "digest");
    here.registry
        .state()
        .blobs
        .retain(|(_, digest), _| *digest != lost);
    here.registry
        .state()
        .manifests
        .retain(|(repository, _), _| repository == "flink");
    let run = here.project.ok(PUSH).json();
    assert_eq!(run["digest"], first["digest"]);
    assert_eq!(
        here.asked_for_jars(),
        ["/m2/com/example/acme/1.0/acme-1.0.jar"]
    );
    let fetched = run["layers"].as_array().expect("layers").iter();
    let names: Vec<_> = fetched
        .filter(|one| one["status"] == "uploaded")
        .map(|one| &one["name"])
        .collect();
    assert!(names.contains(&&serde_json::json!("acme")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_lost_behind_its_manifest_is_made_anew() {
    let here = setting().await;
    here.project.ok(PUSH);
    here.empty_cache();
    here.project.write("risk.jar", small_jar("Changed"));
    let lost = of_layer(&here.project.read("flinkpack.lock"), "acme", "digest");
    here.registry
        .state()
        .blobs
        .retain(|(_, digest), _| *digest != lost);
    let run = here.project.ok(&["build", "--push", "--format", "json"]);
    assert!(
        run.stderr.contains("making every layer anew"),
        "{}",
        run.stderr
    );
    let result = run.json();
    for layer in result["layers"].as_array().expect("layers") {
        let digest = layer["digest"]
            .as_str()
            .expect("a digest")
            .parse()
            .expect("a digest");
        assert!(here.registry.has_blob("team/orders", &digest), "{layer}");
    }
    let again = here.project.ok(PUSH).json();
    assert_eq!(again["transferred"]["registry_requests"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_is_mounted_from_another_target_or_the_base_s_repository() {
    for from in ["team/orders", "flink"] {
        let here = setting().await;
        here.project.ok(PUSH);
        here.empty_cache();
        let lock = here.project.read("flinkpack.lock");
        if from == "flink" {
            let mut state = here.registry.state();
            for name in ["acme", "other"] {
                let digest = of_layer(&lock, name, "digest");
                let key = ("team/orders".to_string(), digest.clone());
                let bytes = state.blobs.remove(&key).expect("the blob");
                state.blobs.insert((from.to_string(), digest), bytes);
            }
            state
                .manifests
                .retain(|(repository, _), _| repository == "flink");
        }
        let new = format!("{}/team/new:1", here.registry.address());
        let old = format!("{}/team/orders:1", here.registry.address());
        let targets: &[&str] = match from {
            "flink" => &["build", "--push", "-t", &new],
            _ => &["build", "--push", "-t", &new, "-t", &old],
        };
        here.project.ok(targets);
        assert!(
            here.maven.paths().is_empty(),
            "{from}: {:?}",
            here.maven.paths()
        );
        let from = from.replace('/', "%2F");
        assert!(
            here.registry.count("POST", &format!("from={from}")) >= 2,
            "{from}: {:#?}",
            here.registry.log()
        );
        assert_eq!(
            here.registry.count("GET", "/blobs/"),
            here.registry.count("GET", "/v2/flink/blobs/"),
            "no layer comes"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_lock_never_makes_a_broken_image() {
    let here = setting().await;
    let first = here.project.ok(PUSH).json();
    let right = here.project.read("flinkpack.lock");
    let acme = of_layer(&right, "acme", "digest");
    let other = of_layer(&right, "other", "digest");
    let diff_id = of_layer(&right, "acme", "diff-id");
    type Edit<'a> = Box<dyn Fn(&str) -> String + 'a>;
    let edits: [(&str, Edit<'_>); 5] = [
        (
            "the digest of another layer",
            Box::new(|lock| lock.replace(&acme, &other)),
        ),
        (
            "a diff ID that is none",
            Box::new(|lock| lock.replace(&diff_id, &other)),
        ),
        (
            "other inputs",
            Box::new(|lock| {
                lock.replace(
                    &of_layer(lock, "acme", "seal"),
                    &of_layer(lock, "other", "seal"),
                )
            }),
        ),
        (
            "another layer format",
            Box::new(|lock| lock.replace("layer-format = 1", "layer-format = 0")),
        ),
        (
            "no layers",
            Box::new(|lock| lock.split("[[layer]]").next().expect("a text").to_string()),
        ),
    ];
    for (title, edit) in edits {
        here.project.write("flinkpack.lock", &right);
        here.edit_lock(edit);
        here.empty_cache();
        let run = here.project.ok(PUSH).json();
        assert_eq!(run["digest"], first["digest"], "{title}");
        assert!(!here.asked_for_jars().is_empty(), "{title}");
        assert_eq!(
            here.project.read("flinkpack.lock"),
            right,
            "{title}: it is mended"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_jar_is_not_hidden_by_its_layer() {
    let here = setting().await;
    here.project.ok(PUSH);
    here.empty_cache();
    // Someone moves a pin, and leaves the layer as it was.
    let evil = big_jar(&here.project, 3);
    here.maven.on(
        "/m2/com/example/acme/1.0/acme-1.0.jar",
        [Reply::ok(evil.clone())],
    );
    here.edit_lock(|lock| {
        let old = lock
            .split("sha256 = \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        lock.replace(
            old.expect("a pin"),
            &flinkpack::image::Digest::of(&evil).hex(),
        )
    });
    let run = here.project.ok(PUSH).json();
    assert!(!here.asked_for_jars().is_empty());
    here.same_from_scratch(run["digest"].as_str().expect("a digest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_get_the_bytes_from_the_registry() {
    let here = setting().await;
    let first = here
        .project
        .ok(&["build", "--push", "--output", "oci:a", "--format", "json"])
        .json();
    here.empty_cache();
    let run = here
        .project
        .ok(&["build", "--push", "--output", "oci:b", "--format", "json"])
        .json();
    assert_eq!(run["digest"], first["digest"]);
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    for digest in run["layers"]
        .as_array()
        .expect("layers")
        .iter()
        .map(|one| &one["digest"])
    {
        super::blob(&here.project.path("b"), digest.as_str().expect("a digest"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_and_a_lock_need_no_jar() {
    let here = setting().await;
    here.project.ok(PUSH);
    let lock = here.project.read("flinkpack.lock");
    here.empty_cache();
    let args = ["build", "--dry-run", "--push", "--format", "json"];
    let forecast = here.project.ok(&args).json();
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    assert_eq!(forecast["lock_changes"], serde_json::json!([]));
    assert_eq!(forecast["registry_bytes"], 0, "{forecast}");
    let layers = forecast["layers"].as_array().expect("layers");
    let is_recorded = |layer: &&serde_json::Value| layer["recorded"] == true;
    assert_eq!(layers.iter().filter(is_recorded).count(), 2, "{forecast}");
    let to_build = forecast["build_bytes"].as_u64().expect("bytes");
    assert!(
        to_build < 100_000,
        "{to_build}: the UDF and the configuration"
    );
    let text = here.project.ok(&["build", "--dry-run", "--push"]).stdout;
    assert!(text.contains("recorded"), "{text}");

    here.empty_cache();
    here.project.ok(&["lock"]);
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    assert_eq!(here.project.read("flinkpack.lock"), lock);

    // Into a registry that lacks them, they would be made.
    here.empty_cache();
    here.registry
        .state()
        .manifests
        .retain(|(repository, _), _| repository == "flink");
    let forecast = here.project.ok(&args).json();
    assert!(here.maven.paths().is_empty(), "{:?}", here.maven.paths());
    let to_push = forecast["registry_bytes"].as_u64().expect("bytes");
    assert!(to_push > 4 << 20, "{to_push}");
}

/// The daemon needs the bytes of what the registry has: they come from there, or,
/// where it lost them, from their source.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_beside_a_push_gets_the_recorded_layers() {
    let mut here = setting().await;
    let docker = Docker::classic();
    here.project.set("DOCKER_HOST", docker.host());
    let image = format!("{}/team/orders:1", here.registry.address());
    let _tag = docker.removed_later(image.clone());
    let first = here.project.ok(PUSH).json();
    let both = ["build", "--push", "--load", "--format", "json"];
    let jars = ["/m2/com/example/acme/1.0/acme-1.0.jar"];
    for (is_lost, asked) in [(false, &[][..]), (true, &jars[..])] {
        here.empty_cache();
        docker.run(&["rmi", "-f", &image]);
        if is_lost {
            let lost = of_layer(&here.project.read("flinkpack.lock"), "acme", "digest");
            let mut state = here.registry.state();
            state.blobs.retain(|(_, digest), _| *digest != lost);
            state
                .manifests
                .retain(|(repository, _), _| repository == "flink");
        }
        let run = here.project.ok(&both).json();
        assert_eq!(run["digest"], first["digest"]);
        assert_eq!(here.asked_for_jars(), asked);
        let layers = |name: &str| -> Vec<String> {
            let text = docker.ok(&[
                "image",
                "inspect",
                "--format",
                "{{json .RootFS.Layers}}",
                name,
            ]);
            serde_json::from_str(&text).expect("a list")
        };
        let made = run["layers"].as_array().expect("layers").iter();
        let made: Vec<_> = made
            .map(|layer| layer["diff_id"].as_str().expect("an ID"))
            .collect();
        assert_eq!(layers(&image), made);
        // Once more, with everything there.
        here.registry.clear_log();
        let run = here.project.ok(&both).json();
        assert_eq!(run["transferred"]["daemon_bytes"], 0);
        assert_eq!(run["transferred"]["registry_requests"], 1);
    }
}
