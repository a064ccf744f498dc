//! What would break at run time: told by `check`, refused by `build`, allowed by
//! the manifest.

use std::fs;

use super::transcript::Transcript;
use super::{HEAD, alone, on};
use crate::support::base::{Tar, TinyBase};
use crate::support::classes::class;
use crate::support::project::{Project, Run, jar, noise};
use crate::support::registry::FaultRegistry;

const BUILD: &[&str] = &["build", "--output", "oci:out"];
const FACTORY: &str = "META-INF/services/org.apache.flink.table.factories.Factory";
const INTERFACE: &str = "org/apache/flink/table/factories/Factory";

/// A Flink whose own JAR calls `cli.Options.extra()`, which it has.
fn flink() -> TinyBase {
    let object = "java/lang/Object";
    let own = [
        (
            "cli/Options",
            class("cli/Options", object).method("extra", "()V"),
        ),
        (
            "dist/Main",
            class("dist/Main", object).calls("cli/Options", "extra", "()V"),
        ),
        (INTERFACE, class(INTERFACE, object).interface()),
    ];
    let own = own.map(|(name, class)| (format!("{name}.class"), class.bytes()));
    let own: Vec<(&str, &[u8])> = own
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    TinyBase::flink("1.20.5").layer(Tar::new().file("opt/flink/lib/flink-own.jar", &jar(&own)))
}

/// A connector with a factory of this identifier; its services file names these
/// classes. It has an old copy of `cli.Options`, and calls a client that is
/// nowhere.
fn connector(identifier: &str, services: &str) -> Vec<u8> {
    let factory = class("c/Factory", "java/lang/Object")
        .implements(INTERFACE)
        .answers("factoryIdentifier", identifier)
        .calls("org/client/api/Client", "open", "(I)V")
        .bytes();
    let old = class("cli/Options", "java/lang/Object").bytes();
    jar(&[
        ("c/Factory.class", &factory),
        ("cli/Options.class", &old),
        (FACTORY, services.as_bytes()),
    ])
}

fn with(services: &str, more: &str) -> Project {
    let project = on(
        &flink(),
        &format!("[connectors]\nacme = {{ path = \"acme.jar\" }}\n{more}"),
    );
    project.write("acme.jar", connector("acme", services));
    project
}

#[test]
fn findings_say_what_wins_what_happens_and_what_helps() {
    let project = with(
        "c.Factory\nc.Gone\n",
        "[config]\n\"s3.secret-key\" = \"wJalrXUtnFEMI/K7MDENG/bPxRfiCY\"\n\"state.checkpoints.dir\" = \"s3://b/c\"\n",
    );
    let mut transcript = Transcript::new();
    transcript.add("check", &project, &project.fails(3, &["check"]), &[]);
    transcript.failure("build", &project, &project.fails(3, BUILD), &[]);
    assert!(!project.path("out").exists() && !project.path("flinkpack.lock").exists());
    let built = project.ok(&["build", "--output", "oci:out", "--no-check"]);
    assert!(!built.stderr.contains("FP0"), "{}", built.stderr);
    let explained = project.ok(&["check", "--explain", "FP0301"]);
    transcript.add("explain", &project, &explained, &[]);
    let unknown = project.fails(2, &["check", "--explain", "FP9999"]);
    transcript.add("explain what is not there", &project, &unknown, &[]);
    transcript.check("check");
    let text = project.fails(3, &["check", "-v"]).stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(!text.contains("wJalr"), "the secret is printed");
}

#[test]
fn the_manifest_allows_single_findings_with_a_reason() {
    let allowed = "[check]\nallow = [\n  { code = \"FP0301\", jars = [\"ac*.jar\"], reason = \"no table uses it\" },\n  { code = \"FP0601\", reason = \"the client is mounted\" },\n]\n";
    let project = with("c.Factory\nc.Gone\n", allowed);
    let run = project.ok(&["check", "--format", "json"]);
    let findings = run.json();
    let findings = findings["findings"].as_array().unwrap();
    let reason = |code: &str| {
        let mut all = findings.iter();
        let found = all.find(|one| one["code"] == code).expect("a finding");
        found["allowed"].as_str().map(str::to_string)
    };
    assert_eq!(reason("FP0301").as_deref(), Some("no table uses it"));
    assert_eq!(reason("FP0102"), None);
    let built = project.ok(BUILD);
    let warning = "warning: check: 1 warning (FP0102); `flinkpack check` shows them";
    assert!(built.stderr.contains(warning), "{}", built.stderr);
    let mut transcript = Transcript::new();
    for wrong in [
        "{ code = \"FP01\", reason = \"x\" }",
        "{ code = \"FP0110\", reason = \"x\" }",
        "{ code = \"FP0101\", reason = \" \" }",
        "{ code = \"FP0101\", jars = [\"[\"], reason = \"x\" }",
    ] {
        let project = with("", &format!("[check]\nallow = [{wrong}]\n"));
        transcript.add(wrong, &project, &project.fails(2, &["check"]), &[]);
    }
    transcript.check("check_allow");
}

#[test]
fn sarif_names_every_rule_and_finding() {
    let project = with("c.Factory\nc.Gone\n", "");
    project.fails(3, &["check", "--sarif", "out.sarif"]);
    let log: serde_json::Value = serde_json::from_str(&project.read("out.sarif")).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|one| one["ruleId"] == "FP0301" && one["level"] == "error")
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]));
        // What annotations need of a result (SARIF 2.1.0, 3.27).
        assert!(
            ["error", "warning", "note"]
                .iter()
                .any(|level| result["level"] == *level)
        );
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "flinkpack.toml");
    }
    // What a log and a run must have (3.13, 3.14, 3.18, 3.19, 3.49).
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["name"], "flinkpack");
    let mut ids: Vec<&str> = rules
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    assert_eq!(ids.len(), rules.len());
    ids.dedup();
    assert_eq!(ids.len(), rules.len(), "each rule once");
}

#[test]
fn what_did_not_change_is_not_looked_at_again() {
    let project = with("c.Factory\n", "");
    let first = project.ok(&["check"]);
    fs::remove_dir_all(project.cache().join("jars")).unwrap();
    assert_eq!(project.ok(&["check"]).stdout, first.stdout);
    project.ok(BUILD);
    assert!(
        !project.cache().join("jars").exists(),
        "JARs were read again"
    );
    project.write("acme.jar", connector("other", "c.Factory\n"));
    project.ok(&["check"]);
    assert!(project.cache().join("jars").exists());
}

#[test]
fn an_image_that_was_built_elsewhere_is_checked_as_it_is() {
    let broken = connector("acme", "c.Gone\n");
    let base = flink().layer(
        Tar::new()
            .file("opt/flink/lib/acme.jar", &broken)
            .folder("opt/flink/plugins")
            .folder("opt/flink/plugins/s3"),
    );
    let project = on(&base, "");
    let run = project.fails(3, &["check", "oci:base"]);
    for words in [
        "error FP0301: META-INF/services",
        "error FP0404: plugins/s3 has no JAR",
    ] {
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
}

#[test]
fn hostile_jars_end_in_findings() {
    let mut cut = class("a/Cut", "java/lang/Object")
        .method("x", "()V")
        .bytes();
    cut.truncate(cut.len() - 9);
    let circle = |name: &str, parent: &str| class(name, parent).calls(name, "x", "()V").bytes();
    let (one, two) = (circle("a/A", "a/B"), circle("a/B", "a/A"));
    let bomb = vec![0; 20 << 20];
    let many: Vec<String> = (0..20_000).map(|at| format!("m/C{at}.class")).collect();
    let mut entries: Vec<(&str, &[u8])> = many
        .iter()
        .map(|name| (name.as_str(), &b"junk"[..]))
        .collect();
    entries.extend([
        ("a/Cut.class", cut.as_slice()),
        ("a/A.class", &one),
        ("a/B.class", &two),
        ("a/b.class", &two),
        ("a/Bomb.class", &bomb),
        ("inner.jar", &b"PK"[..]),
        ("META-INF/X.SF", &b"junk"[..]),
        ("META-INF/versions/17/a/A.class", &b"junk"[..]),
    ]);
    let project = on(&flink(), "[udfs]\nbad = { path = \"bad.jar\" }\n");
    project.write("bad.jar", jar(&entries));
    let run = project.ok(&["check", "-v"]);
    for words in ["FP0701", "FP0702", "FP0703", "FP0706"] {
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
    project.ok(BUILD);
}

/// A base in a registry with a connector that is checked whole, and what its
/// lock file says of that.
async fn recorded() -> (Project, FaultRegistry) {
    let registry = FaultRegistry::start().await;
    flink().publish(&registry, "flink", "1.20");
    let base = format!("docker://{}/flink:1.20", registry.address());
    let head = HEAD.replace("oci:base", &base);
    let mut project = Project::with_manifest(&format!(
        "{head}[connectors]\nacme = {{ path = \"acme.jar\" }}\n"
    ));
    alone(&mut project);
    project.write("acme.jar", connector("acme", "c.Factory\n"));
    project.ok(BUILD);
    (project, registry)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_stops_a_push_before_anything_is_sent() {
    let registry = FaultRegistry::start().await;
    let project = with("c.Factory\n", "");
    let text = project.read("flinkpack.toml");
    let text = text.replace("registry.test", registry.address());
    project.write("flinkpack.toml", text);
    // A JAR that was pushed before is one whose layer is made at once.
    let path = project.path("noise");
    noise(&path, 2_000_000, 1);
    let bytes = fs::read(&path).expect("a file");
    project.jar("acme.jar", &[("noise", &bytes)]);
    project.ok(&["build", "--push"]);
    let factory = class("c/Factory", "java/lang/Object").bytes();
    project.jar(
        "acme.jar",
        &[
            ("noise", &bytes),
            ("c/Factory.class", &factory),
            (FACTORY, b"c.Gone\n"),
        ],
    );
    registry.clear_log();
    let run = project.fails(3, &["build", "--push"]);
    assert!(run.stderr.contains("FP0"), "{}", run.stderr);
    assert_eq!(registry.log(), ["HEAD /v2/team/orders/manifests/1"]);
}

/// What a fresh runner reads of the registry's blobs.
fn read_afresh(project: &Project, registry: &FaultRegistry, args: &[&str]) -> (usize, Run) {
    fs::remove_dir_all(project.cache()).unwrap();
    // What every command needs to know of a base.
    project.ok(&["build", "--dry-run", "--locked", "--output", "oci:x"]);
    registry.clear_log();
    let run = project.ok(args);
    (registry.count("GET", "/blobs/"), run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_runner_takes_the_lock_files_word_for_it() {
    let (project, registry) = recorded().await;
    let unchecked = project.read("flinkpack.lock");
    assert!(!unchecked.contains("[check]"), "nobody read the base's lib");
    let first = project.ok(&["check"]);
    assert!(first.stderr.contains("flinkpack.lock"), "{}", first.stderr);
    let lock = project.read("flinkpack.lock");
    let warnings = "warnings = { FP0102 = 1, FP0601 = 1 }";
    let parts: Vec<&str> = unchecked.split("[[jar]]").collect();
    assert!(
        parts.iter().all(|part| lock.contains(part)) && lock.contains(warnings),
        "{lock}"
    );

    for args in [&["check", "--locked"][..], &["check"]] {
        let (blobs, run) = read_afresh(&project, &registry, args);
        assert_eq!(blobs, 0, "{:#?}", registry.log());
        for words in ["FP0102, 1 time:", "2 warnings", "`flinkpack check -v`"] {
            assert!(run.stdout.contains(words), "{}", run.stdout);
        }
    }
    let (_, run) = read_afresh(&project, &registry, BUILD);
    let told = "warning: check: 2 warnings (FP0102, FP0601); `flinkpack check -v` shows them";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let jars = project.cache().join("jars");
    assert!(!jars.exists(), "a build reads no class for a check");
    project.ok(&["lock"]);
    assert_eq!(project.read("flinkpack.lock"), lock, "it stays as it is");

    // Who wants to see what was found, sees it.
    for args in [&["check", "-v"][..], &["check", "--format", "json"]] {
        let (blobs, run) = read_afresh(&project, &registry, args);
        assert!(
            blobs > 0 && run.stdout.contains("cli.Options"),
            "{}",
            run.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_counts_for_what_was_checked_alone() {
    let (project, registry) = recorded().await;
    project.ok(&["check"]);
    let (manifest, lock) = (
        project.read("flinkpack.toml"),
        project.read("flinkpack.lock"),
    );
    let is_looked_at = || {
        let (blobs, run) = read_afresh(&project, &registry, &["check", "--locked"]);
        assert!(
            !run.stdout.contains("as the lock file says"),
            "{}",
            run.stdout
        );
        blobs > 0
    };
    // Fewer warnings than there were, by hand.
    project.write("flinkpack.lock", lock.replace("FP0102 = 1, ", ""));
    assert!(is_looked_at());
    project.write("flinkpack.lock", &lock);
    // Something else is allowed, or in the image.
    for more in [
        "[check]\nallow = [{ code = \"FP0601\", reason = \"mounted\" }]\n",
        "[image.env]\nA = \"b\"\n",
    ] {
        project.write("flinkpack.toml", format!("{manifest}{more}"));
        assert!(is_looked_at(), "{more}");
        assert_eq!(
            project.read("flinkpack.lock"),
            lock,
            "--locked writes nothing"
        );
    }
    project.write("flinkpack.toml", &manifest);
    // A changed JAR, with an error that was not there.
    project.write("acme.jar", connector("acme", "c.Gone\n"));
    project.fails(1, &["check", "--locked"]);
    fs::remove_dir_all(project.cache()).unwrap();
    project.fails(3, &["check"]);
    assert_eq!(project.read("flinkpack.lock"), lock, "it is another set");
    project.ok(&["build", "--output", "oci:out", "--no-check"]);
    assert!(!project.read("flinkpack.lock").contains("[check]"));
}
