//! Manifests that are wrong.

use proptest::prelude::*;

use super::transcript::{Transcript, failures};
use super::{HEAD, project};
use crate::support::project::Project;

const BUILD: &[&str] = &["build", "--output", "oci:out"];

#[test]
fn what_is_wrong_in_it_is_shown_with_its_place() {
    failures(
        "manifests",
        2,
        BUILD,
        &[
            ("an unknown key", "[udf]\n"),
            (
                "an unknown key in [job]",
                "[job]\njar = \"a.jar\"\nmain = \"x\"\n",
            ),
            (
                "an unknown key of a JAR",
                "[udfs]\nrisk = { pth = \"a.jar\" }\n",
            ),
            ("a wrong type", "[udfs]\nrisk = 7\n"),
            ("a wrong type in a list", "[maven]\nrepositories = [1]\n"),
            ("a key twice", "[udfs]\na = \"a.jar\"\na = \"b.jar\"\n"),
            ("no TOML", "[udfs\n"),
            ("a JAR from nowhere", "[udfs]\nrisk = {}\n"),
            (
                "a JAR from two places",
                "[udfs]\nrisk = { path = \"a.jar\", url = \"https://example.com/a.jar\" }\n",
            ),
            (
                "`in` for a connector",
                "[connectors]\nacme = { path = \"a.jar\", in = \"usrlib\" }\n",
            ),
            (
                "`in` names no folder",
                "[udfs]\nrisk = { path = \"a.jar\", in = \"plugins\" }\n",
            ),
            ("a UDF is no catalogue name", "[udfs]\nrisk = \"auto\"\n"),
            (
                "a checksum that is none",
                "[connectors]\na = { url = \"https://example.com/a.jar\", sha256 = \"abc\" }\n",
            ),
            (
                "a checksum without address",
                "[connectors]\na = { path = \"a.jar\", sha256 = \"abc\" }\n",
            ),
            ("a name that is a path", "[udfs]\n\"../x\" = \"a.jar\"\n"),
            (
                "a place for a plugin",
                "[filesystems]\noss = { place = \"links\" }\n",
            ),
            (
                "a target that is not absolute",
                "[files]\n\"opt/x\" = \"x\"\n",
            ),
            (
                "a target that climbs",
                "[files]\n\"/opt/../etc/x\" = \"x\"\n",
            ),
            (
                "a mode that is none",
                "[files]\n\"/opt/x\" = { path = \"x\", mode = \"rwx\" }\n",
            ),
            (
                "a list of tables in [config]",
                "[config]\na = [{ b = 1 }]\n",
            ),
            ("a key with a space", "[config]\n\"a b\" = 1\n"),
            ("a value of two lines", "[config]\na = \"x\\ny\"\n"),
            ("a date", "[config]\na = 1979-05-27\n"),
        ],
    );
}

#[test]
fn image_and_tags_are_checked_too() {
    let mut transcript = Transcript::new();
    for (title, image) in [
        ("no name", "base = \"oci:base\""),
        ("no base", "name = \"a/b\""),
        (
            "a name in capitals",
            "name = \"Team/Orders\"\nbase = \"oci:base\"",
        ),
        ("a name with a tag", "name = \"a/b:1\"\nbase = \"oci:base\""),
        ("an empty base", "name = \"a/b\"\nbase = \"\""),
        (
            "a platform that is none",
            "name = \"a/b\"\nbase = \"oci:base\"\nplatform = \"arm\"",
        ),
        (
            "a tag that is none",
            "name = \"a/b\"\nbase = \"oci:base\"\ntags = [\"a b\"]",
        ),
        (
            "an unknown placeholder",
            "name = \"a/b\"\nbase = \"oci:base\"\ntags = [\"{git.commit}\"]",
        ),
        (
            "a placeholder without git",
            "name = \"a/b\"\nbase = \"oci:base\"\ntags = [\"{git.sha}\"]",
        ),
    ] {
        let mut project = project("");
        project.set("GIT_CEILING_DIRECTORIES", "/");
        project.write("flinkpack.toml", format!("[image]\n{image}\n"));
        let run = project.run(BUILD);
        assert!(run.code != 0, "{title}");
        transcript.failure(title, &project, &run, &[]);
        assert!(!project.path("out").exists(), "{title}: nothing is written");
    }
    transcript.check("manifests_image");
}

#[test]
fn files_that_are_no_manifest() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, bytes: Option<&[u8]>| {
        let project = Project::new();
        if let Some(bytes) = bytes {
            project.write("flinkpack.toml", bytes);
        }
        let run = project.fails(2, BUILD);
        transcript.failure(title, &project, &run, &[]);
    };
    case("missing", None);
    case("empty", Some(b""));
    case("nothing but a comment", Some(b"# later\n"));
    case("not UTF-8", Some(b"[image]\nname = \"\xff\xfe\"\n"));
    case("a JSON file", Some(b"{\"image\": {}}\n"));
    let nested = format!("{HEAD}x = {}", "[".repeat(10_000_000));
    case("10 MB of nesting", Some(nested.as_bytes()));
    let nested = format!("{HEAD}x = {}", "[".repeat(500_000));
    case("half a MB of nesting", Some(nested.as_bytes()));
    let tables = format!("{HEAD}[{}]\n", vec!["a"; 200_000].join("."));
    case("tables in tables in tables", Some(tables.as_bytes()));
    transcript.check("manifests_files");
}

#[test]
fn a_folder_is_no_manifest() {
    let project = Project::new();
    project.write("flinkpack.toml/x", "");
    let run = project.fails(2, BUILD);
    assert!(run.stderr.contains("flinkpack.toml"), "{}", run.stderr);
    assert!(!run.stderr.contains("init"), "{}", run.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let project = project("");
    for args in [
        &["buidl"][..],
        &["build", "--outptu", "x"],
        &["build", "--output", "zip:x"],
        &["build", "--output", "oci:"],
        &["build", "-q", "-v"],
        &["build", "-t", "a b", "--output", "oci:out"],
        &["build", "--platform", "pdp11", "--output", "oci:out"],
        &["build", "--base", "::", "--output", "oci:out"],
        &["plugins", "--flink", "latest"],
        &["cache", "prune", "--unused", "soon"],
        &["inspect", "oci:"],
    ] {
        let run = project.fails(2, args);
        assert!(run.stdout.is_empty(), "{args:?}: {}", run.stdout);
        assert!(run.stderr.contains("error"), "{args:?}: {}", run.stderr);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_manifest_or_an_error(text in "([\\[\\]{}=\"'.,#a-z0-9\\n \\\\]|\\PC){0,300}") {
        let path = std::path::Path::new("flinkpack.toml");
        if let Err(error) = flinkpack::manifest::Manifest::of_text(path, &text) {
            prop_assert!(error.report().starts_with("error: flinkpack.toml"));
        }
    }

    #[test]
    fn any_value_in_the_image_section_is_read_or_refused(name in "\\PC{0,40}", base in "\\PC{0,40}", tag in "\\PC{0,20}") {
        let text = format!(
            "[image]\nname = {}\nbase = {}\ntags = [{}]\n",
            toml::Value::from(name), toml::Value::from(base), toml::Value::from(tag),
        );
        let _ = flinkpack::manifest::Manifest::of_text(std::path::Path::new("x.toml"), &text);
    }

    #[test]
    fn any_text_is_a_base_or_an_error(text in "\\PC{0,60}", kind in "(docker-daemon:|docker://|oci:|oci-archive:|)") {
        let _ = format!("{kind}{text}").parse::<flinkpack::base::BaseSpec>();
        let _ = format!("{kind}{text}").parse::<flinkpack::sink::Output>();
    }

    #[test]
    fn a_reference_that_is_read_is_written_the_same(text in "[a-z0-9._:/@-]{1,60}") {
        if let Ok(reference) = text.parse::<flinkpack::image::Reference>() {
            let again: flinkpack::image::Reference = reference.to_string().parse().unwrap();
            prop_assert_eq!(&again, &reference);
            let full: flinkpack::image::Reference = reference.full().parse().unwrap();
            prop_assert_eq!(&full, &reference);
        }
    }
}
