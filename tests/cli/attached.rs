//! Documents that refer to an image: its bill of materials, its provenance.

use cyclonedx_bom::prelude::{Bom, Validate};
use serde_json::{Value, json};

use super::{HEAD, alone, blob, mirror, small_jar};
use crate::support::base::TinyBase;
use crate::support::maven::Server;
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

const PUSH: &[&str] = &[
    "build",
    "--push",
    "--sbom",
    "--provenance",
    "--format",
    "json",
];
const TYPES: [&str; 2] = [
    "application/vnd.cyclonedx+json",
    "application/vnd.in-toto+json",
];

/// A project with a connector that needs a driver, and a UDF, for `host`.
fn to(host: &str) -> Project {
    let mut project = Project::with_manifest(&format!(
        "{}[connectors]\nacme = {{ maven = \"com.example:acme:1.0\" }}\n[udfs]\nrisk = {{ path = \"risk.jar\" }}\n",
        HEAD.replace("registry.test", host)
    ));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    alone(&mut project);
    let maven = Server::start();
    mirror(&project, maven.url("/m2").as_str());
    let driver = "<dependency><groupId>com.example</groupId><artifactId>driver</artifactId><version>2.0</version></dependency>";
    maven.release("com.example:acme:1.0", &small_jar("Acme"), driver);
    maven.release("com.example:driver:2.0", &small_jar("Driver"), "");
    project.write("risk.jar", small_jar("Risk"));
    project
}

/// The document of this type that refers to the image in a layout.
fn document(project: &Project, folder: &str, kind: &str) -> (Value, Vec<u8>) {
    let layout = project.path(folder);
    let index: Value =
        serde_json::from_str(&project.read(&format!("{folder}/index.json"))).expect("an index");
    let entries = index["manifests"].as_array().expect("entries");
    let entry = entries
        .iter()
        .find(|one| one["artifactType"] == kind)
        .expect("the document");
    assert!(entry["annotations"].is_null(), "it has no name");
    let manifest = blob(&layout, entry["digest"].as_str().expect("a digest"));
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    blob(
        &layout,
        manifest["config"]["digest"].as_str().expect("a digest"),
    );
    let bytes = blob(
        &layout,
        manifest["layers"][0]["digest"].as_str().expect("a digest"),
    );
    (manifest, bytes)
}

#[test]
fn a_layout_has_them_and_they_are_right() {
    let project = to("registry.test");
    let build = [
        "build",
        "--sbom",
        "--provenance",
        "--output",
        "oci:out",
        "--format",
        "json",
    ];
    let run = project.ok(&build).json();
    let (manifest, bytes) = document(&project, "out", TYPES[0]);
    assert_eq!(manifest["subject"]["digest"], run["digest"]);
    let bom = Bom::parse_from_json_v1_5(bytes.as_slice()).expect("CycloneDX 1.5");
    let found = bom.validate_version(cyclonedx_bom::prelude::SpecVersion::V1_5);
    assert!(found.passed(), "{found:?}");
    let sbom: Value = serde_json::from_slice(&bytes).expect("JSON");
    let of = |name: &str| {
        let all = sbom["components"].as_array().expect("components").iter();
        all.clone()
            .find(|one| one["name"] == name)
            .expect("the component")
            .clone()
    };
    let driver = of("driver");
    assert_eq!(driver["purl"], "pkg:maven/com.example/driver@2.0");
    assert_eq!(
        driver["hashes"][0]["content"],
        flinkpack::image::Digest::of(&small_jar("Driver")).hex()
    );
    let place = "/opt/flink/lib/driver-2.0.jar";
    assert_eq!(driver["evidence"]["occurrences"][0]["location"], place);
    assert!(of("risk.jar")["purl"].is_null());
    let dependencies = sbom["dependencies"].as_array().expect("dependencies");
    let needs = |from: &Value| {
        let one = dependencies
            .iter()
            .find(|one| one["ref"] == *from)
            .expect("an entry");
        one["dependsOn"].clone()
    };
    assert_eq!(needs(&of("acme")["bom-ref"]), json!([place]));
    let roots = needs(&json!("image"));
    assert_eq!(
        roots.as_array().expect("a list").len(),
        3,
        "the base, acme and risk: {roots}"
    );

    let (_, bytes) = document(&project, "out", TYPES[1]);
    let statement: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let digest = run["digest"].as_str().expect("a digest");
    assert_eq!(
        format!(
            "sha256:{}",
            statement["subject"][0]["digest"]["sha256"]
                .as_str()
                .unwrap()
        ),
        digest
    );
    let inputs = &statement["predicate"]["buildDefinition"]["resolvedDependencies"];
    let sha = |name: &str| flinkpack::image::Digest::of(project.read(name).as_bytes()).hex();
    assert_eq!(inputs[0]["digest"]["sha256"], sha("flinkpack.toml"));
    assert_eq!(inputs[1]["digest"]["sha256"], sha("flinkpack.lock"));
    assert_eq!(inputs.as_array().expect("a list").len(), 3 + 3);

    // The same inputs elsewhere give the same bytes, and the index one entry each.
    let other = to("registry.test");
    other.ok(&build);
    for kind in TYPES {
        assert_eq!(
            document(&project, "out", kind).1,
            document(&other, "out", kind).1
        );
    }
    let index = project.read("out/index.json");
    project.ok(&build);
    assert_eq!(project.read("out/index.json"), index);
    let seen = project
        .ok(&["inspect", "oci:out", "--format", "json"])
        .json();
    assert_eq!(seen["digest"], run["digest"], "they are no images");
    assert_eq!(attached(&seen), TYPES);
}

fn attached(seen: &Value) -> Vec<String> {
    let all = seen["attached"].as_array().expect("a list").iter();
    let mut types: Vec<String> = all
        .map(|one| one["artifact_type"].as_str().expect("a type").to_string())
        .collect();
    types.sort();
    types
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_gets_them_once_with_the_api_or_without() {
    for (has_api, unchanged) in [(true, 2), (false, 3)] {
        let registry = FaultRegistry::start().await;
        registry.behaviour().referrers = has_api;
        let project = to(registry.address());
        let run = project.ok(PUSH).json();
        let digest = run["digest"].as_str().expect("a digest").to_string();
        let tag = digest.replace(':', "-");
        assert_eq!(
            registry.count("PUT", &format!("/manifests/{tag}")),
            usize::from(!has_api)
        );
        let key = ("team/orders".to_string(), "1".to_string());
        let (kind, _) = registry.state().manifests[&key].clone();
        assert_eq!(
            kind,
            flinkpack::image::media::OCI_MANIFEST,
            "no index around the image"
        );
        registry.clear_log();
        let again = project.ok(PUSH).json();
        assert_eq!(registry.log().len(), unchanged, "{:#?}", registry.log());
        assert_eq!(again["transferred"]["registry_bytes"], 0);
        registry.clear_log();
        project.ok(&["push"]);
        assert_eq!(registry.log().len(), unchanged, "push knows them too");
        let image = format!("docker://{}/team/orders:1", registry.address());
        let seen = project.ok(&["inspect", &image, "--format", "json"]).json();
        assert_eq!(attached(&seen), TYPES);
        let text = project.ok(&["inspect", &image]).stdout;
        assert!(
            text.contains("attached\n") && text.contains(TYPES[0]),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_reads_them_back() {
    let registry = FaultRegistry::start().await;
    let project = to(registry.address());
    project.ok(PUSH);
    project.ok(&["build", "--sbom", "--output", "oci:out"]);
    let pushed = format!("docker://{}/team/orders:1", registry.address());
    let read = |image: &str, which: &str| -> Value {
        project.ok(&["inspect", image, "--document", which]).json()
    };
    let bom = read(&pushed, "sbom");
    assert_eq!(bom["bomFormat"], "CycloneDX");
    assert_eq!(read("oci:out", "sbom"), bom);
    assert_eq!(read(&pushed, TYPES[0]), bom);
    let statement = read(&pushed, "provenance");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    let listed = project.ok(&["inspect", &pushed, "--format", "json"]).json();
    let entries = listed["attached"].as_array().expect("entries");
    for entry in entries {
        let digest = entry["digest"].as_str().expect("a digest");
        let whole = read(&pushed, digest);
        assert_eq!(whole == bom, entry["artifact_type"] == TYPES[0]);
        assert_eq!(read(&pushed, &digest["sha256:".len()..][..12]), whole);
    }
    let run = project.fails(1, &["inspect", "oci:out", "--document", "provenance"]);
    assert!(
        run.stderr.contains("nothing like that is attached"),
        "{}",
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_referrers_in_the_fallback_tag_stay() {
    let registry = FaultRegistry::start().await;
    let project = to(registry.address());
    let run = project.ok(&["build", "--push", "--format", "json"]).json();
    let tag = run["digest"].as_str().expect("a digest").replace(':', "-");
    let theirs = json!({
        "mediaType": flinkpack::image::media::OCI_MANIFEST,
        "digest": format!("sha256:{}", "ab".repeat(32)),
        "size": 7,
        "artifactType": "application/vnd.example.signature",
        "annotations": {"by": "somebody"},
    });
    let index = json!({"schemaVersion": 2, "mediaType": flinkpack::image::media::OCI_INDEX, "manifests": [theirs]});
    let key = ("team/orders".to_string(), tag);
    let put = |bytes: Vec<u8>, kind: &str| {
        registry
            .state()
            .manifests
            .insert(key.clone(), (kind.to_string(), bytes));
    };
    put(
        index.to_string().into_bytes(),
        flinkpack::image::media::OCI_INDEX,
    );
    project.ok(PUSH);
    let (_, bytes) = registry.state().manifests[&key].clone();
    let now: Value = serde_json::from_slice(&bytes).expect("an index");
    assert_eq!(now["manifests"].as_array().expect("entries").len(), 3);
    assert_eq!(now["manifests"][0], theirs);
    // What is there and no list is not overwritten.
    let image = registry.state().manifests[&("team/orders".to_string(), "1".to_string())]
        .1
        .clone();
    put(image.clone(), flinkpack::image::media::OCI_MANIFEST);
    let run = project.fails(1, PUSH);
    assert!(run.stderr.contains("delete that tag"), "{}", run.stderr);
    assert_eq!(registry.state().manifests[&key].1, image);
}

#[test]
fn the_manifest_asks_for_them_too() {
    let project = to("registry.test");
    let text = project
        .read("flinkpack.toml")
        .replace("[image]\n", "[image]\nsbom = true\n");
    project.write("flinkpack.toml", text);
    project.ok(&["build", "--output", "oci:out"]);
    document(&project, "out", TYPES[0]);
    assert!(!project.read("out/index.json").contains(TYPES[1]));
    let run = project.ok(&["build", "--output", "docker-archive:a.tar"]);
    assert!(
        run.stderr.contains("no documents can be attached"),
        "{}",
        run.stderr
    );
}
