//! One image for several platforms: an index.

use serde_json::Value;

use super::{HEAD, alone, blob, config, digest_of, small_jar};
use crate::support::base::{Tar, TinyBase};
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

const BOTH: &str = "linux/amd64,linux/arm64";

/// The same Flink for two platforms, with a layer that only one of them has.
fn bases() -> [TinyBase; 2] {
    let native = |name: &str| Tar::new().folder("usr").file("usr/native", name.as_bytes());
    ["amd64", "arm64"].map(|name| {
        TinyBase::flink("1.20.5")
            .platform(&format!("linux/{name}"))
            .layer(native(name))
    })
}

/// A project with a UDF, on an index in a layout, for `host`.
fn to(host: &str) -> Project {
    let mut project = Project::with_manifest(&format!(
        "{}[udfs]\nrisk = {{ path = \"risk.jar\" }}\n",
        HEAD.replace("registry.test", host)
    ));
    let [amd64, arm64] = bases();
    TinyBase::write_index(&project.path("base"), &[&amd64, &arm64]);
    project.write("risk.jar", small_jar("Risk"));
    alone(&mut project);
    project
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// Platform and manifest digest of each entry.
fn entries(index: &Value) -> Vec<(String, String)> {
    let entries = index["manifests"].as_array().expect("entries");
    let each = entries.iter().map(|entry| {
        let platform = &entry["platform"];
        (
            format!(
                "{}/{}",
                platform["os"].as_str().unwrap(),
                platform["architecture"].as_str().unwrap()
            ),
            entry["digest"].as_str().unwrap().to_string(),
        )
    });
    each.collect()
}

#[test]
fn a_layout_gets_an_index_whose_images_share_their_own_layers() {
    let project = to("registry.test");
    let build = [
        "build",
        "--platform",
        BOTH,
        "--output",
        "oci:out",
        "--format",
        "json",
    ];
    let run = project.ok(&build).json();
    let layout = project.path("out");
    let index = json(&blob(&layout, run["digest"].as_str().unwrap()));
    assert_eq!(
        index["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let entries = entries(&index);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    let last = |digest: &str| {
        let manifest = json(&blob(&layout, digest));
        let layers = manifest["layers"].as_array().unwrap().clone();
        assert_eq!(layers.len(), 4, "three of the base, and the UDF");
        for layer in &layers {
            blob(&layout, layer["digest"].as_str().unwrap());
        }
        layers[3]["digest"].clone()
    };
    assert_eq!(last(&entries[0].1), last(&entries[1].1));
    for (at, name) in ["amd64", "arm64"].into_iter().enumerate() {
        let digest = &entries[at].1;
        assert_eq!(config(&layout, digest)["architecture"], name);
        assert_eq!(run["platforms"][at]["digest"], **digest);
        assert_eq!(run["platforms"][at]["platform"], format!("linux/{name}"));
    }
    assert_eq!(
        run["layers"].as_array().unwrap().len(),
        5,
        "each layer once"
    );
    let top: Value = json(project.read("out/index.json").as_bytes());
    assert_eq!(top["manifests"][0]["digest"], run["digest"]);
}

#[test]
fn order_and_place_of_the_platforms_do_not_matter() {
    let project = to("registry.test");
    let build = |args: &[&str]| {
        let args = [&["build", "--output", "oci-archive:out.tar"], args].concat();
        digest_of(&project.ok(&args).stdout)
    };
    let first = build(&["--platform", BOTH]);
    assert_eq!(
        first,
        build(&["--platform", "linux/arm64", "--platform", "linux/amd64"])
    );
    let lock = project.read("flinkpack.lock");
    let text = project.read("flinkpack.toml").replace(
        "base = \"oci:base\"\n",
        "base = \"oci:base\"\nplatform = [\"linux/arm64\", \"linux/amd64\"]\n",
    );
    project.write("flinkpack.toml", text);
    assert_eq!(first, build(&["--locked"]));
    assert_eq!(lock, project.read("flinkpack.lock"));
    let (_, platforms) = lock.split_once("[[base.platforms]]").expect("platforms");
    assert!(
        platforms.contains("linux/amd64") && platforms.contains("linux/arm64"),
        "{lock}"
    );
    let error = project
        .fails(1, &["build", "--locked", "--platform", "linux/amd64"])
        .stderr;
    assert!(
        error.contains("linux/amd64 instead of linux/amd64, linux/arm64"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_gets_each_blob_once_and_the_index_under_each_tag() {
    let registry = FaultRegistry::start().await;
    let [amd64, arm64] = bases();
    TinyBase::publish_index(&registry, "flink", "1.20", &[&amd64, &arm64]);
    let project = to(registry.address());
    let base = format!("docker://{}/flink:1.20", registry.address());
    let text = project.read("flinkpack.toml");
    project.write(
        "flinkpack.toml",
        text.replace("oci:base", &base)
            .replace("[\"1\"]", "[\"1\", \"2\"]"),
    );
    let build = ["build", "--push", "--platform", BOTH];
    let first = project.ok(&build);
    let digest = digest_of(&first.stdout);
    assert_eq!(
        registry.count("POST", "mount="),
        4,
        "each base layer is mounted: {:?}",
        registry.log()
    );
    let state = |name: &str| {
        let key = ("team/orders".to_string(), name.to_string());
        registry.state().manifests[&key].1.clone()
    };
    assert_eq!(state("1"), state("2"));
    for (_, image) in entries(&json(&state("1"))) {
        assert_eq!(json(&state(&image))["layers"].as_array().unwrap().len(), 4);
    }
    assert_eq!(
        flinkpack::image::Digest::of(&state("1")).to_string(),
        digest
    );

    registry.clear_log();
    let second = project.ok(&["push", "-t", "1"]);
    assert_eq!(digest_of(&second.stdout), digest);
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());

    // One UDF changes: one blob, two configurations and manifests, one index.
    project.write("risk.jar", small_jar("Other"));
    registry.clear_log();
    let third = project.ok(&["build", "--push", "--platform", BOTH, "-t", "1"]);
    assert_ne!(digest_of(&third.stdout), digest);
    assert_eq!(
        registry.count("PUT", "/blobs/uploads/"),
        3,
        "{:?}",
        registry.log()
    );
    assert_eq!(
        registry.count("PUT", "/manifests/"),
        3,
        "{:?}",
        registry.log()
    );
    assert_eq!(registry.count("HEAD", "/blobs/"), 0, "{:?}", registry.log());

    // A clean runner asks for what is pinned, by digest.
    std::fs::remove_dir_all(project.cache()).unwrap();
    TinyBase::publish_index(&registry, "flink", "1.20", &[&arm64]);
    let run = project.ok(&["build", "--push", "--locked", "--platform", BOTH, "-t", "1"]);
    assert_eq!(digest_of(&run.stdout), digest_of(&third.stdout));
}

#[test]
fn documents_refer_to_the_index_and_inspect_tells_all() {
    let project = to("registry.test");
    let build = [
        "build",
        "--platform",
        BOTH,
        "--sbom",
        "--provenance",
        "--output",
        "oci:out",
    ];
    let digest = digest_of(&project.ok(&build).stdout);
    for platform in ["linux/amd64", "linux/arm64"] {
        let seen = inspected(&project, platform);
        assert_eq!(seen["platform"], platform);
        assert_eq!(seen["index"]["digest"], *digest);
        assert_eq!(seen["index"]["platforms"].as_array().unwrap().len(), 2);
        assert_eq!(seen["attached"].as_array().unwrap().len(), 2);
        let own = seen["index"]["platforms"].as_array().unwrap().iter();
        let own = own
            .map(|one| &one["digest"])
            .find(|one| **one == seen["digest"]);
        assert!(own.is_some(), "{seen}");
    }
    let text = project
        .ok(&["inspect", "oci:out", "--platform", "linux/arm64"])
        .stdout;
    assert!(
        text.contains("index") && text.contains("linux/amd64"),
        "{text}"
    );
    let layout = project.path("out");
    let top = json(project.read("out/index.json").as_bytes());
    let sbom = top["manifests"][1]["digest"].as_str().unwrap();
    let manifest = json(&blob(&layout, sbom));
    assert_eq!(manifest["subject"]["digest"], *digest);
    let document = json(&blob(
        &layout,
        manifest["layers"][0]["digest"].as_str().unwrap(),
    ));
    let names: Vec<&Value> = document["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["bom-ref"])
        .collect();
    assert_eq!(names[..2], ["base linux/amd64", "base linux/arm64"]);
}

/// What `inspect` says of the image in `out` for a platform.
fn inspected(project: &Project, platform: &str) -> Value {
    let args = ["inspect", "oci:out", "--format", "json", "--platform"];
    project.ok(&[&args[..], &[platform]].concat()).json()
}

/// The manifest's bases, one for each platform, instead of the one that it has.
fn with_bases(project: &Project, amd64: &str, arm64: &str) {
    let bases = format!(
        "[image.base]\n\"linux/amd64\" = \"{amd64}\"\n\"linux/arm64\" = \"{arm64}\"\n[udfs]"
    );
    let text = project.read("flinkpack.toml");
    let text = text.replace("base = \"oci:base\"\n", "");
    project.write("flinkpack.toml", text.replace("[udfs]", &bases));
}

#[test]
fn each_platform_may_have_a_base_of_its_own() {
    let project = to("registry.test");
    let build = ["build", "--platform", BOTH, "--output", "oci:out"];
    let at_one_place = digest_of(&project.ok(&build).stdout);
    let [amd64, arm64] = bases();
    amd64.write(&project.path("one"));
    arm64.write(&project.path("two"));
    with_bases(&project, "oci:one", "oci:two");
    let run = project.ok(&build);
    assert!(
        run.stderr.contains("base oci:one, oci:two"),
        "{}",
        run.stderr
    );
    let digest = digest_of(&run.stdout);
    assert_ne!(digest, at_one_place, "each image names its base");
    let names = ["linux/amd64", "linux/arm64"].map(|platform| {
        let seen = inspected(&project, platform);
        seen["base"]["reference"]
            .as_str()
            .expect("a name")
            .to_string()
    });
    assert_eq!(names, ["oci:one", "oci:two"]);
    let lock = project.read("flinkpack.lock");
    let (_, platforms) = lock.split_once("[[base.platforms]]").expect("platforms");
    for part in [
        "platform = \"linux/amd64\"\nreference = \"oci:one\"",
        "platform = \"linux/arm64\"\nreference = \"oci:two\"",
    ] {
        assert!(platforms.contains(part), "{lock}");
    }
    let locked = [
        "build",
        "--locked",
        "--platform",
        BOTH,
        "--output",
        "oci:out",
    ];
    assert_eq!(digest_of(&project.ok(&locked).stdout), digest);
    project.ok(&["lock", "--check", "--platform", BOTH]);
    let told = project
        .ok(&["build", "--dry-run", "--platform", BOTH])
        .stdout;
    assert!(told.contains("on oci:one, oci:two"), "{told}");
    project.ok(&["check", "--platform", "linux/arm64"]);

    // One of them is a base like any other.
    let run = project.ok(&["build", "--platform", "linux/arm64", "--output", "oci:arm"]);
    let lock = project.read("flinkpack.lock");
    assert!(
        lock.contains("reference = \"oci:two\"\ndigest = "),
        "{lock}"
    );
    assert!(run.stderr.contains("base oci:two"), "{}", run.stderr);
    let error = project
        .fails(1, &["build", "--locked", "--platform", BOTH])
        .stderr;
    let told = "base oci:two: linux/amd64, linux/arm64 instead of linux/arm64";
    assert!(error.contains(told), "{error}");

    // The command line counts more, for all of them.
    let args = ["lock", "--platform", BOTH, "--base", "oci:base"];
    project.ok(&args);
    let lock = project.read("flinkpack.lock");
    assert!(lock.contains("[base]\nreference = \"oci:base\""), "{lock}");
    assert!(!lock.contains("oci:one"), "{lock}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bases_of_two_repositories_are_pinned_and_mounted() {
    let registry = FaultRegistry::start().await;
    let [amd64, arm64] = bases();
    amd64.publish(&registry, "flink-amd64", "1.20");
    arm64.publish(&registry, "flink-arm64", "1.20");
    let project = to(registry.address());
    let place = |name: &str| format!("{}/flink-{name}:1.20", registry.address());
    with_bases(&project, &place("amd64"), &place("arm64"));
    let build = ["build", "--push", "--platform", BOTH];
    let digest = digest_of(&project.ok(&build).stdout);
    assert_eq!(registry.count("POST", "mount="), 4, "{:?}", registry.log());

    // A tag that moves moves nothing that is locked.
    let moved = arm64.clone().layer(Tar::new().folder("new"));
    moved.publish(&registry, "flink-arm64", "1.20");
    std::fs::remove_dir_all(project.cache()).unwrap();
    let locked = [&build[..], &["--locked"]].concat();
    assert_eq!(digest_of(&project.ok(&locked).stdout), digest);
}

#[test]
fn bases_that_are_not_the_same_are_refused() {
    let mut transcript = super::transcript::Transcript::new();
    let mut case = |title: &str, bases: &[&TinyBase], args: &[&str]| {
        let project = to("registry.test");
        std::fs::remove_dir_all(project.path("base")).unwrap();
        TinyBase::write_index(&project.path("base"), bases);
        let args = [&["build", "--output", "oci:out"], args].concat();
        let run = project.run(&args);
        assert_ne!(run.code, 0, "{title}");
        transcript.failure(title, &project, &run, &[]);
    };
    let [amd64, arm64] = bases();
    let other = TinyBase::flink("1.19.3").platform("linux/arm64");
    let both = ["--platform", BOTH];
    case("another Flink", &[&amd64, &other], &both);
    let folder = Tar::new().folder_of("opt/flink/lib", 0o700);
    case(
        "another mode of lib/",
        &[&amd64, &arm64.clone().layer(folder)],
        &both,
    );
    case(
        "a platform that is not there",
        &[&amd64, &arm64],
        &["--platform", "linux/amd64,linux/s390x"],
    );
    case("a base for one platform", &[&amd64], &both);
    case(
        "one image for two platforms",
        &[&amd64, &arm64],
        &["--platform", "linux/arm64,linux/arm64/v8"],
    );
    case("no platform", &[&amd64], &["--platform", "linux/amd64,"]);
    case(
        "a form that holds one",
        &[&amd64, &arm64],
        &["--platform", BOTH, "--output", "docker-archive:x.tar"],
    );
    case(
        "a daemon's base",
        &[&amd64],
        &["--platform", BOTH, "--base", "docker-daemon:flink:1.20"],
    );
    let mut table = |title: &str, amd64: &str, arm64: &str, args: &[&str]| {
        let project = to("registry.test");
        bases()[0].write(&project.path("one"));
        TinyBase::flink("1.19.3")
            .platform("linux/arm64")
            .write(&project.path("two"));
        with_bases(&project, amd64, arm64);
        let args = [&["build", "--output", "oci:out"], args].concat();
        let run = project.run(&args);
        assert_ne!(run.code, 0, "{title}");
        transcript.failure(title, &project, &run, &[]);
    };
    table("a base each, of another Flink", "oci:one", "oci:two", &both);
    table(
        "a platform without a base",
        "oci:one",
        "oci:two",
        &["--platform", "linux/s390x"],
    );
    table("a base of another platform", "oci:two", "oci:one", &both);
    table("an empty base", "oci:one", " ", &both);
    table(
        "what is no platform",
        "oci:one\"\namd64 = \"oci:one",
        "oci:two",
        &both,
    );
    table("one image for both", "oci:one", "oci:one", &both);
    transcript.check("platforms");
}
