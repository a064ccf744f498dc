//! What Maven coordinates bring with them: into the image, into the lock file,
//! and what they do not bring, since the base has it.

use std::fs;

use super::transcript::Transcript;
use super::{on, repository, small_jar};
use crate::support::base::{Tar, TinyBase};
use crate::support::maven::Server;
use crate::support::project::{Project, jar};

const BUILD: &[&str] = &["build", "--output", "oci:out"];

/// A JAR with classes `package/C0` and so on.
fn classes(package: &str, count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count)
        .map(|at| format!("{package}/C{at}.class"))
        .collect();
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), name.as_bytes()))
        .collect();
    jar(&entries)
}

/// `artifact:version[:scope]` of the group `g`, as elements; `?` at its end makes
/// it optional.
fn needs(list: &[&str]) -> String {
    list.iter()
        .map(|text| {
            let optional = text.ends_with('?');
            let mut parts = text.trim_end_matches('?').split(':');
            let (artifact, version) = (parts.next().unwrap(), parts.next().unwrap());
            let scope = parts.next().unwrap_or("compile");
            format!(
                "<dependency><groupId>g</groupId><artifactId>{artifact}</artifactId>\
                 <version>{version}</version><scope>{scope}</scope>\
                 <optional>{optional}</optional></dependency>"
            )
        })
        .collect()
}

/// A project whose base has `lib/platform.jar` with the classes of `g:core` and
/// half of those of `g:half`, and the repository of a connector:
///
/// ```text
/// connector ─ client ─ log
///           ├ core ─ deep, log        core is in the base
///           ├ half                    half of it is
///           └ (provided) driver, plat, tool?    plat is in the base
/// ```
fn served(sections: &str) -> (Project, Server) {
    let half = classes("half", 10);
    let mut platform = Vec::new();
    for package in ["core", "half"] {
        let count = if package == "core" { 20 } else { 5 };
        platform.extend((0..count).map(|at| format!("{package}/C{at}.class")));
    }
    let platform: Vec<(&str, &[u8])> = platform
        .iter()
        .map(|name| (name.as_str(), name.as_bytes()))
        .collect();
    let base = TinyBase::flink("1.20.5")
        .layer(Tar::new().file("opt/flink/lib/platform.jar", &jar(&platform)));
    let project = on(&base, sections);
    let server = repository(&project);
    server.release(
        "g:connector:1",
        &small_jar("Connector"),
        &needs(&[
            "client:1",
            "core:1",
            "half:1",
            "driver:1:provided",
            "plat:1:provided",
            "tool:1:provided?",
        ]),
    );
    server.release("g:client:1", &small_jar("Client"), &needs(&["log:1"]));
    server.release(
        "g:core:1",
        &classes("core", 20),
        &needs(&["deep:1", "log:2"]),
    );
    server.release("g:half:1", &half, "");
    server.release("g:plat:1", &classes("core", 10), "");
    for one in ["log:1", "log:2", "deep:1", "driver:1", "tool:1"] {
        server.release(&format!("g:{one}"), &small_jar(&one.replace(':', "")), "");
    }
    (project, server)
}

const CONNECTOR: &str = "[connectors]\nacme = { maven = \"g:connector:1\" }\n";

/// The JARs in the lock file, by where they go.
fn paths(project: &Project) -> Vec<String> {
    let lock: toml::Table = toml::from_str(&project.read("flinkpack.lock")).unwrap();
    let jars = lock.get("jar").and_then(|jars| jars.as_array());
    jars.into_iter()
        .flatten()
        .map(|jar| jar["path"].as_str().unwrap().to_string())
        .collect()
}

fn build(sections: &str) -> (Project, Server, String) {
    let (project, server) = served(sections);
    let run = project.ok(BUILD);
    (project, server, run.stderr)
}

#[test]
fn what_is_needed_comes_and_what_the_base_has_stays_out() {
    let (project, server) = served(CONNECTOR);
    let mut transcript = Transcript::new();
    transcript.add("the first build", &project, &project.ok(BUILD), &[]);
    transcript.add("tree", &project, &project.ok(&["tree"]), &[]);
    let why = project.ok(&["tree", "--why", "deep"]);
    transcript.add("why not", &project, &why, &[]);
    let lock = project.read("flinkpack.lock");
    // Another release of flinkpack seals its checks otherwise.
    let (_, seal) = lock.split_once("[check]\nseal = \"").expect("a check");
    let seal = seal.split('"').next().expect("a digest");
    let lock = lock.replace(seal, "[seal]");
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("dependencies_lock", lock);
    });
    // `deep` is needed by `core` alone, which the base has: not even fetched.
    assert!(
        !server
            .paths()
            .iter()
            .any(|path| path.ends_with("deep-1.jar"))
    );
    transcript.check("dependencies");
}

#[test]
fn with_a_lock_file_no_pom_is_read() {
    let (project, server, _) = build(CONNECTOR);
    let (lock, asked) = (project.read("flinkpack.lock"), server.paths().len());
    let nothing = project.ok(&["build", "--output", "oci:out", "--locked"]);
    assert_eq!(server.paths().len(), asked, "{}", nothing.stderr);
    fs::remove_dir_all(project.cache()).unwrap();
    project.ok(&["build", "--output", "oci:again", "--locked"]);
    let new = server.paths().split_off(asked);
    assert!(
        new.iter().all(|path| path.contains(".jar")) && !new.is_empty(),
        "{new:?}"
    );
    // Nor what only told what the base has.
    assert!(!new.iter().any(|path| path.contains("/core/")), "{new:?}");
    assert_eq!(project.read("flinkpack.lock"), lock);
    project.ok(&["lock", "--check"]);
}

#[test]
fn the_manifest_decides_what_comes() {
    let own = "lib/connector-1.jar";
    for (connector, maven, expected) in [
        ("transitive = false", "", vec![own]),
        ("fat = true", "", vec![own]),
        (
            "exclude = [\"g:client\", \"g:core\"]",
            "",
            vec![own, "lib/half-1.jar"],
        ),
        (
            "platform = false",
            "",
            vec![
                "lib/client-1.jar",
                own,
                "lib/core-1.jar",
                "lib/deep-1.jar",
                "lib/half-1.jar",
                "lib/log-1.jar",
            ],
        ),
        (
            "",
            "keep = [\"g:core\"]\ndrop = [\"g:client\", \"g:half\"]",
            vec![own, "lib/core-1.jar", "lib/deep-1.jar", "lib/log-1.jar"],
        ),
        ("", "platform = false\ndrop = [\"g:*\"]", vec![own]),
        (
            "",
            "managed = [\"g:log:2\"]\ndrop = [\"g:half\"]",
            vec!["lib/client-1.jar", own, "lib/log-2.jar"],
        ),
    ] {
        let comma = if connector.is_empty() { "" } else { ", " };
        let (project, _server, _) = build(&format!(
            "[connectors]\nacme = {{ maven = \"g:connector:1\"{comma}{connector} }}\n[maven]\n{maven}\n"
        ));
        assert_eq!(paths(&project), expected, "{connector} {maven}");
    }
}

#[test]
fn another_version_of_the_bases_own_jar_stays_out() {
    let mine = classes("log", 10);
    let base =
        TinyBase::flink("1.20.5").layer(Tar::new().file("opt/flink/lib/log-api-2.24.3.jar", &mine));
    let project = on(&base, "[connectors]\na = { maven = \"g:user:1\" }\n");
    let server = repository(&project);
    let needed = needs(&["log-api:2.11.1", "log-core:2.11.1"]);
    server.release("g:user:1", &small_jar("User"), &needed);
    // Six of its ten classes are in the base's; of the other's too.
    for name in ["log-api", "log-core"] {
        let mut names: Vec<String> = (0..6).map(|at| format!("log/C{at}.class")).collect();
        names.extend((0..4).map(|at| format!("{name}/C{at}.class")));
        let entries: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), &b"x"[..]))
            .collect();
        server.release(&format!("g:{name}:2.11.1"), &jar(&entries), "");
    }
    let run = project.ok(BUILD);
    assert_eq!(
        paths(&project),
        ["lib/log-core-2.11.1.jar", "lib/user-1.jar"]
    );
    assert!(
        run.stderr
            .contains("g:log-core:2.11.1: lib/log-api-2.24.3.jar")
    );
    assert!(
        !run.stderr.contains("g:log-api:2.11.1: lib/"),
        "{}",
        run.stderr
    );
}

#[test]
fn logging_comes_whole_from_the_base() {
    let connector = "[connectors]\na = { maven = \"g:user:1\" }\n";
    let needed = "
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.17</version></dependency>
<dependency><groupId>ch.qos.logback</groupId><artifactId>logback-classic</artifactId><version>1.5.0</version></dependency>";
    let (one, two) = ("org/slf4j/LoggerFactory.class", "org/slf4j/Logger.class");
    let build = |base: &TinyBase| {
        let project = on(base, connector);
        let server = repository(&project);
        server.release("g:user:1", &small_jar("User"), needed);
        let api = [(one, &b"2"[..]), ("org/slf4j/New.class", b"2"), (two, b"2")];
        server.release("org.slf4j:slf4j-api:2.0.17", &jar(&api), "");
        let binding = small_jar("ch/qos/logback/Logger");
        server.release("ch.qos.logback:logback-classic:1.5.0", &binding, "");
        project.ok(BUILD);
        (paths(&project), project.read("flinkpack.lock"))
    };
    let dist = jar(&[(one, b"1"), (two, b"1")]);
    let logging = TinyBase::flink("1.20.5").layer(Tar::new().file("opt/flink/lib/more.jar", &dist));
    let (jars, lock) = build(&logging);
    assert_eq!(jars, ["lib/user-1.jar"]);
    assert_eq!(
        lock.matches("provided-by = \"lib/more.jar\"").count(),
        2,
        "{lock}"
    );
    // A base that has none of it needs all of it.
    let (jars, _) = build(&TinyBase::flink("1.20.5"));
    assert_eq!(
        jars,
        [
            "lib/logback-classic-1.5.0.jar",
            "lib/slf4j-api-2.0.17.jar",
            "lib/user-1.jar"
        ]
    );
}

#[test]
fn what_may_go_wrong_is_told() {
    let (_project, _server, told) = build(CONNECTOR);
    for part in [
        "g:half:1: lib/platform.jar of the base has 5 of its 10 classes too, such as half.C0",
        "g:connector:1 expects g:driver:1 to be there, which the base's lib/ lacks",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("g:tool:1"), "{told}");
    // Said once, and known from then on.
    let (_project, _server, told) = build(
        "[connectors]\nacme = { maven = \"g:connector:1\", with = [\"g:driver:1\"] }\n\
         [maven]\nkeep = [\"g:half\"]\n",
    );
    assert!(
        !told.contains("half.C0") && !told.contains("driver:1 to be"),
        "{told}"
    );
    let (_project, _server, told) = build(&format!("{CONNECTOR}[maven]\ndrop = [\"g:hafl\"]\n"));
    assert!(
        told.contains("`g:hafl` in `drop` of [maven] fits nothing"),
        "{told}"
    );
}

#[test]
fn coordinates_are_resolved_together_in_the_manifests_order() {
    let (project, server) = served(
        "[udfs]\nsecond = { maven = \"g:udf:1\", in = \"usrlib\" }\n\
         [connectors]\nfirst = { maven = \"g:client:1\" }\n",
    );
    server.release("g:udf:1", &small_jar("Udf"), &needs(&["log:2", "own:1"]));
    server.release("g:own:1", &small_jar("Own"), "");
    project.ok(BUILD);
    // The UDF stands first, so its `log` counts; both use it, so it is in lib/.
    assert_eq!(
        paths(&project),
        [
            "lib/client-1.jar",
            "lib/log-2.jar",
            "usrlib/own-1.jar",
            "usrlib/udf-1.jar"
        ]
    );
}

#[test]
fn what_moved_and_what_is_asked_for_twice_is_one_jar() {
    let (project, server) = served(
        "[connectors]\na = { maven = \"g:old:1\", with = [\"g:log:1\"] }\n\
         b = { maven = \"g:client:1\", with = [\"g:log:2\", \"g:new:2\"] }\n",
    );
    server.file(
        "/m2/g/old/1/old-1.pom",
        b"<project><groupId>g</groupId><artifactId>old</artifactId><version>1</version>\
          <distributionManagement><relocation><artifactId>new</artifactId></relocation>\
          </distributionManagement></project>",
    );
    server.release("g:new:1", &small_jar("New"), "");
    server.release("g:new:2", &small_jar("New2"), "");
    let run = project.ok(BUILD);
    assert!(
        run.stderr
            .contains("g:log:1 and g:log:2 are both asked for: the last one is taken"),
        "{}",
        run.stderr
    );
    assert_eq!(
        paths(&project),
        ["lib/client-1.jar", "lib/log-2.jar", "lib/new-2.jar"]
    );
    assert!(
        run.stderr
            .contains("a: g:new:1 is left out: 2 wins over 1: the newer of two side by side"),
        "{}",
        run.stderr
    );
    let lock = project.read("flinkpack.lock");
    let asked = server.paths().len();
    project.ok(&["build", "--output", "oci:out", "--locked"]);
    assert_eq!(project.read("flinkpack.lock"), lock);
    assert_eq!(server.paths().len(), asked);
    let text = project.read("flinkpack.toml");
    project.write("flinkpack.toml", text.replace(", \"g:new:2\"", ""));
    project.ok(BUILD);
    let lock = project.read("flinkpack.lock");
    assert!(
        lock.contains("maven = \"g:new:1\"\nasked = \"g:old:1\""),
        "{lock}"
    );
}

#[test]
fn two_groups_may_have_one_name() {
    let (project, server) = served("[connectors]\na = { maven = \"g:user:1\" }\n");
    let other = needs(&["log:1"]).replace("<groupId>g</groupId>", "<groupId>org.h</groupId>");
    let both = format!("{}{other}", needs(&["log:1"]));
    server.release("g:user:1", &small_jar("User"), &both);
    server.release("org.h:log:1", &small_jar("OtherLog"), "");
    project.ok(BUILD);
    assert_eq!(
        paths(&project),
        ["lib/log-1.jar", "lib/org.h.log-1.jar", "lib/user-1.jar"]
    );
}

#[test]
fn upgrades_and_checks_follow_the_dependencies() {
    let (project, server) = served("[connectors]\na = { maven = \"g:ranged:1\" }\n");
    server.release("g:ranged:1", &small_jar("Ranged"), &needs(&["log:[1,3)"]));
    server.versions("/m2/g/log", &["1"]);
    project.ok(&["lock"]);
    server.versions("/m2/g/log", &["1", "2"]);
    // A new version in a range moves nothing that is locked.
    project.ok(&["lock", "--check"]);
    let run = project.ok(&["lock", "--upgrade", "log"]);
    assert!(
        run.stdout.contains("log: g:log:2 instead of g:log:1"),
        "{}",
        run.stdout
    );
    let text = project.read("flinkpack.toml");
    project.write(
        "flinkpack.toml",
        format!("{text}[maven]\nmanaged = [\"g:log:1\"]\n"),
    );
    let run = project.fails(3, &["lock", "--check"]);
    assert!(
        run.stderr.contains("log: g:log:1 instead of g:log:2"),
        "{}",
        run.stderr
    );
    let run = project.fails(1, &["build", "--output", "oci:out", "--locked"]);
    assert!(run.stderr.contains("`flinkpack lock`"), "{}", run.stderr);
}

#[test]
fn what_the_repositories_decide_is_pinned() {
    let (project, server) = served(
        "[connectors]
newest = { maven = \"g:log:LATEST\" }
ranged = { maven = \"g:ranged:[1,2)\", transitive = false }
",
    );
    for version in ["1", "1.5", "2"] {
        server.release(&format!("g:ranged:{version}"), &small_jar(version), "");
    }
    server.versions("/m2/g/log", &["1", "2"]);
    server.versions("/m2/g/ranged", &["1", "2"]);
    project.ok(BUILD);
    let first = ["lib/log-2.jar", "lib/ranged-1.jar"];
    assert_eq!(paths(&project), first);
    let lock = project.read("flinkpack.lock");
    assert!(lock.contains("asked = \"g:log:LATEST\""), "{lock}");
    assert!(lock.contains("asked = \"g:ranged:[1,2)\""), "{lock}");

    // What comes out later moves nothing, not even when another line does.
    server.release("g:log:3", &small_jar("log3"), "");
    server.versions("/m2/g/log", &["1", "2", "3"]);
    server.versions("/m2/g/ranged", &["1", "1.5", "2"]);
    project.ok(&["lock", "--check"]);
    let text = project.read("flinkpack.toml");
    let other = "other = { maven = \"g:client:1\" }\n";
    project.write("flinkpack.toml", text + other);
    project.ok(&["lock"]);
    assert_eq!(paths(&project), ["lib/client-1.jar", first[0], first[1]]);
    let run = project.ok(&["lock", "--upgrade", "newest"]);
    assert!(
        run.stdout.contains("newest: g:log:3 instead of g:log:2"),
        "{}",
        run.stdout
    );
    project.ok(&["lock", "--upgrade"]);
    assert_eq!(
        paths(&project),
        ["lib/client-1.jar", "lib/log-3.jar", "lib/ranged-1.5.jar"]
    );
}

#[test]
fn killed_while_it_resolves_the_next_run_is_right() {
    let (project, _server) = served(CONNECTOR);
    let (whole, _other) = served(CONNECTOR);
    whole.ok(BUILD);
    for millis in [0, 5, 10, 20, 40, 80] {
        let mut child = project.command(BUILD).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        let _ = child.kill();
        child.wait().unwrap();
    }
    project.ok(BUILD);
    assert_eq!(project.read("flinkpack.lock"), whole.read("flinkpack.lock"));
}
