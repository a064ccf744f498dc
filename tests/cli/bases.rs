//! Bases that are absent, or are none.

use std::fs;

use super::transcript::Transcript;
use super::{HEAD, alone, config, digest_of, on, repository};
use crate::support::base::{Tar, TinyBase};
use crate::support::project::Project;
use crate::support::registry::FaultRegistry;

const BUILD: &[&str] = &["build", "--output", "oci:out"];

fn other() -> &'static str {
    match flinkpack::image::Platform::host().architecture.as_str() {
        "arm64" => "linux/amd64",
        _ => "linux/arm64",
    }
}

fn with_base(base: &str) -> Project {
    let mut project = Project::with_manifest(&HEAD.replace("oci:base", base));
    alone(&mut project);
    project
}

#[test]
fn what_is_no_base_is_told() {
    let mut transcript = Transcript::new();
    let host = flinkpack::image::Platform::host().to_string();
    let mut case = |title: &str, base: &str, make: &dyn Fn(&Project)| {
        let project = with_base(base);
        make(&project);
        let run = project.fails(1, BUILD);
        assert!(
            !project.path("out/index.json").exists(),
            "{title}: nothing is written"
        );
        transcript.failure(
            title,
            &project,
            &run,
            &[(&host, "[host]"), (other(), "[other]")],
        );
    };
    let flink = || TinyBase::flink("1.20.5");
    let write = |base: TinyBase| move |project: &Project| base.write(&project.path("base"));
    case("no such folder", "oci:base", &|_| {});
    case("an empty folder", "oci:base", &|project| {
        drop(project.write("base/x", ""))
    });
    case("a broken index", "oci:base", &|project| {
        drop(project.write("base/index.json", "{"))
    });
    case("no such name in it", "oci:base:2.0", &write(flink()));
    case("not Flink", "oci:base", &write(flink().without_flink()));
    case(
        "another platform",
        "oci:base",
        &write(flink().platform(other())),
    );
    case("an index without the platform", "oci:base", &|project| {
        let strange = flink().platform("linux/s390x");
        TinyBase::write_index(
            &project.path("base"),
            &[&flink().platform(other()), &strange],
        );
    });
    case("a layer is missing", "oci:base", &|project| {
        flink().write(&project.path("base"));
        fs::remove_file(largest(project)).unwrap();
    });
    case("a layer is cut off", "oci:base", &|project| {
        flink().write(&project.path("base"));
        let path = largest(project);
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    case("a layer has other bytes", "oci:base", &|project| {
        flink().write(&project.path("base"));
        let path = largest(project);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    case(
        "a layer that climbs out",
        "oci:base",
        &write(flink().layer(Tar::new().file("opt/../../etc/passwd", b"x"))),
    );
    case(
        "a hard link that climbs out",
        "oci:base",
        &write(flink().layer(Tar::new().hard_link("opt/flink/x", "../../../etc/passwd"))),
    );
    case(
        "a whiteout of no file",
        "oci:base",
        &write(flink().layer(Tar::new().file("opt/flink/.wh...", b""))),
    );
    case(
        "a plain text file as archive",
        "oci-archive:base.tar",
        &|project| drop(project.write("base.tar", "this is no tar")),
    );
    case(
        "only the daemon was named",
        "docker-daemon:flink:1.20",
        &|_| {},
    );
    transcript.check("bases");
}

fn largest(project: &Project) -> std::path::PathBuf {
    fs::read_dir(project.path("base/blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_nowhere_names_both_places() {
    let registry = FaultRegistry::start().await;
    let base = format!("{}/team/flink:1.20", registry.address());
    let project = with_base(&base);
    let run = project.fails(1, BUILD);
    let mut transcript = Transcript::new();
    let address = registry.address().to_string();
    transcript.failure("in neither", &project, &run, &[(&address, "[registry]")]);
    transcript.check("bases_nowhere");
    assert!(run.stderr.contains("daemon") && run.stderr.contains(&address));
}

#[test]
fn absolute_links_in_a_base_lead_inside_of_the_image() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("lib");
    let base = TinyBase::flink("1.20.5").layer(
        Tar::new()
            .link("opt/flink/usrlib", target.to_str().unwrap())
            .link("opt/flink/up", "../../../../../../etc"),
    );
    let project = on(
        &base,
        "[udfs]\nrisk = { path = \"risk.jar\", in = \"usrlib\" }\n[files]\n\"/opt/flink/up/x\" = \"risk.jar\"\n",
    );
    project.jar("risk.jar", &[("a", b"a")]);
    project.ok(BUILD);
    assert!(!target.exists(), "nothing is written outside of the image");
    let shown = project
        .ok(&["inspect", "oci:out", "--format", "json"])
        .json();
    assert_eq!(shown["flink"], "1.20.5");
}

#[test]
fn without_opt_the_plugin_comes_from_the_repository() {
    let project = on(
        &TinyBase::flink("1.20.5").without_opt(),
        "[filesystems]\noss = {}\n",
    );
    let server = repository(&project);
    let path = "/m2/org/apache/flink/flink-oss-fs-hadoop/1.20.5/flink-oss-fs-hadoop-1.20.5.jar";
    server.file(path, &super::small_jar("Oss"));
    server.versions(
        "/m2/org/apache/flink/flink-oss-fs-hadoop",
        &["1.20.4", "1.20.5"],
    );
    project.ok(BUILD);
    let lock = project.read("flinkpack.lock");
    assert!(
        lock.contains("path = \"plugins/oss/flink-oss-fs-hadoop-1.20.5.jar\"\nplace = \"copy\""),
        "{lock}"
    );
    assert!(
        lock.contains("maven = \"org.apache.flink:flink-oss-fs-hadoop:1.20.5\""),
        "{lock}"
    );
}

#[test]
fn without_opt_there_is_nothing_to_link_or_move() {
    let mut transcript = Transcript::new();
    for (title, place) in [
        ("link", "{ place = \"link\" }"),
        ("move", "{ place = \"move\" }"),
        ("not in the repository either", "{}"),
    ] {
        let project = on(
            &TinyBase::flink("1.20.5").without_opt(),
            &format!("[filesystems]\noss = {place}\n"),
        );
        let run = project.fails(1, BUILD);
        transcript.failure(title, &project, &run, &[]);
    }
    transcript.check("bases_without_opt");
}

#[test]
fn each_version_gets_the_plugin_and_the_configuration_its_own_way() {
    for (flink, plugin, file) in [
        (
            "1.8.3",
            "lib/flink-s3-fs-hadoop-1.8.3.jar",
            "conf/flink-conf.yaml",
        ),
        (
            "1.13.6",
            "plugins/s3-hadoop/flink-s3-fs-hadoop-1.13.6.jar",
            "conf/flink-conf.yaml",
        ),
        (
            "1.20.5",
            "plugins/s3-hadoop/flink-s3-fs-hadoop-1.20.5.jar",
            "conf/config.yaml",
        ),
        (
            "2.2.0",
            "plugins/s3-hadoop/flink-s3-fs-hadoop-2.2.0.jar",
            "conf/config.yaml",
        ),
    ] {
        let project = on(
            &TinyBase::flink(flink),
            "[filesystems]\ns3-hadoop = {}\n[config]\n\"a.b\" = \"c\"\n",
        );
        let run = project.ok(&["build", "--output", "oci:out", "--format", "json"]);
        let lock = project.read("flinkpack.lock");
        assert!(
            lock.contains(&format!("path = \"{plugin}\"\nplace = \"link\"")),
            "{lock}"
        );
        let digest = run.json()["digest"].as_str().unwrap().to_string();
        let labels = &config(&project.path("out"), &digest)["config"]["Labels"];
        assert!(
            labels["flinkpack.artifacts"]
                .as_str()
                .unwrap()
                .contains(plugin)
        );
        let files = layer_files(&project, &run.json());
        assert!(
            files.contains(&format!("opt/flink/{file}")),
            "{flink}: {files:?}"
        );
        assert!(
            files.contains(&format!("opt/flink/{plugin}")),
            "{flink}: {files:?}"
        );
    }
}

/// Paths in flinkpack's own layers.
fn layer_files(project: &Project, result: &serde_json::Value) -> Vec<String> {
    let mut files = Vec::new();
    for layer in result["layers"].as_array().unwrap() {
        if layer["kind"] == "base" {
            continue;
        }
        let bytes = super::blob(&project.path("out"), layer["digest"].as_str().unwrap());
        let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(&bytes[..]));
        for entry in tar.entries().unwrap() {
            files.push(entry.unwrap().path().unwrap().display().to_string());
        }
    }
    files
}

#[test]
fn an_index_gives_the_wanted_platform() {
    let mut project = Project::with_manifest(HEAD);
    alone(&mut project);
    let (mine, theirs) = (
        TinyBase::flink("1.20.5"),
        TinyBase::flink("1.20.4").platform(other()),
    );
    TinyBase::write_index(&project.path("base"), &[&theirs, &mine]);
    let run = project.ok(BUILD);
    let image = config(&project.path("out"), &digest_of(&run.stdout));
    assert_eq!(image["os"], "linux");
    assert!(
        project
            .read("flinkpack.lock")
            .contains("flink = \"1.20.5\"")
    );
    project.ok(&["build", "--platform", other(), "--output", "oci:theirs"]);
    assert!(
        project
            .read("flinkpack.lock")
            .contains("flink = \"1.20.4\"")
    );
}
