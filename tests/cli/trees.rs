//! `flinkpack tree`: what coordinates need, and why this version.

use super::transcript::Transcript;
use super::{project, repository};
use crate::support::maven::{Reply, Server};
use crate::support::project::Project;

/// A POM of `g`, with dependencies as `artifact:version[:scope]`.
fn pom(artifact: &str, version: &str, dependencies: &[&str]) -> String {
    let list: String = dependencies
        .iter()
        .map(|text| {
            let parts: Vec<&str> = text.split(':').collect();
            let scope = parts.get(2).map(|scope| format!("<scope>{scope}</scope>"));
            format!(
                "<dependency><groupId>g</groupId><artifactId>{}</artifactId><version>{}</version>{}</dependency>",
                parts[0],
                parts[1],
                scope.unwrap_or_default()
            )
        })
        .collect();
    format!(
        "<project><groupId>g</groupId><artifactId>{artifact}</artifactId><version>{version}</version><dependencies>{list}</dependencies></project>"
    )
}

fn serve(server: &Server, artifact: &str, version: &str, dependencies: &[&str]) {
    let path = format!("/m2/g/{artifact}/{version}/{artifact}-{version}");
    server.file(
        &format!("{path}.pom"),
        pom(artifact, version, dependencies).as_bytes(),
    );
    server.file(
        &format!("{path}.jar"),
        &super::small_jar(&format!("{artifact}/{version}")),
    );
}

/// A connector with a client that brings an older logger than another library.
fn served(project: &Project) -> Server {
    let server = repository(project);
    serve(
        &server,
        "connector",
        "1.0",
        &["client:2.1", "json:1:runtime"],
    );
    serve(&server, "client", "2.1", &["log:1.0", "codec:[1,2)"]);
    serve(&server, "json", "1", &["log:1.5"]);
    serve(&server, "log", "1.0", &[]);
    serve(&server, "log", "1.5", &[]);
    serve(&server, "codec", "1.3", &[]);
    server.versions("/m2/g/codec", &["1.0", "1.3", "2.0"]);
    serve(&server, "codec", "1.0", &[]);
    server
}

#[test]
fn the_tree_and_its_reasons() {
    let project = project("[connectors]\nacme = { maven = \"g:connector:1.0\" }\n");
    let _server = served(&project);
    let mut transcript = Transcript::new();
    for (title, args) in [
        ("the manifest's", &["tree"][..]),
        ("given", &["tree", "g:client:2.1", "g:json:1"]),
        (
            "without some",
            &["tree", "g:connector:1.0", "--exclude", "g:log"],
        ),
        ("why", &["tree", "--why", "log"]),
        ("why not known", &["tree", "--why", "lag"]),
        ("not whole", &["tree", "g:connector"]),
        (
            "nothing is excluded",
            &["tree", "g:connector:1.0", "--exclude", "log"],
        ),
    ] {
        let run = project.run(args);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        transcript.add(title, &project, &run, &[]);
    }
    let managed = "[connectors]\nacme = { maven = \"g:connector:1.0\", exclude = [\"g:codec\"] }\n[maven]\nmanaged = [\"g:log:1.5\"]\n";
    let text = project.read("flinkpack.toml");
    let head = text.split("[connectors]").next().unwrap();
    project.write("flinkpack.toml", format!("{head}{managed}"));
    transcript.add("managed", &project, &project.ok(&["tree"]), &[]);
    transcript.check("tree");
}

#[test]
fn as_json_each_node_has_its_reason() {
    let project = project("");
    let _server = served(&project);
    let graph = project
        .ok(&["tree", "g:connector:1.0", "--format", "json"])
        .json();
    let nodes = graph["nodes"].as_array().unwrap();
    let find = |version: &str| {
        let is_it =
            |node: &&serde_json::Value| node["artifact"] == "log" && node["version"] == version;
        nodes.iter().find(is_it).unwrap()
    };
    assert_eq!(find("1.0")["selected"], true);
    assert_eq!(find("1.5")["selected"], false);
    assert_eq!(find("1.5")["reason"], "1.0 wins over 1.5: declared first");
    let winner = find("1.5")["winner"].as_u64().unwrap() as usize;
    assert_eq!(nodes[winner]["version"], "1.0");
    for key in ["group", "classifier", "extension", "scope", "children"] {
        assert!(nodes[0].get(key).is_some(), "{key}");
    }
    let ways = project
        .ok(&[
            "tree",
            "g:connector:1.0",
            "--why",
            "g:log",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(ways[0]["path"][2], "g:log:1.0");
}

#[test]
fn what_a_repository_does_wrong() {
    let project = project("");
    let server = repository(&project);
    let mut transcript = Transcript::new();
    let path = |name: &str| format!("/m2/g/{name}/1/{name}-1.pom");
    serve(&server, "orphan", "1", &[]);
    let child = pom("child", "1", &[]).replace(
        "<groupId>g</groupId><artifactId>child",
        "<parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version></parent><artifactId>child",
    );
    server.file(&path("child"), child.as_bytes());
    serve(&server, "user", "1", &["child:1"]);
    serve(&server, "holder", "1", &["gone:1"]);
    server.on(
        &path("page"),
        [Reply::ok("<!DOCTYPE html><title>Sign in</title>")],
    );
    server.on(&path("wrong"), [Reply::ok(pom("wrong", "1", &[]))]);
    server.on(
        &format!("{}.sha1", path("wrong")),
        [Reply::ok("da39a3ee5e6b4b0d3255bfef95601890afd80709")],
    );
    server.file(
        &path("bomb"),
        b"<!DOCTYPE p [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><project>&b;</project>",
    );
    server.on(&path("large"), [Reply::ok(vec![b' '; 9 << 20])]);
    server.on(&path("broken"), [Reply::status(500)]);
    server.on(&path("secret"), [Reply::status(401)]);
    serve(&server, "narrow", "1", &["orphan:[5,6]"]);
    for name in [
        "nowhere", "user", "holder", "page", "wrong", "bomb", "large", "secret", "narrow",
    ] {
        let run = project.run(&["tree", &format!("g:{name}:1")]);
        let port = format!(":{}", server.url("/").port().unwrap());
        transcript.add(name, &project, &run, &[(&port, ":PORT")]);
    }
    transcript.check("tree_wrong");
}

#[test]
fn nothing_is_asked_twice_nor_when_all_is_known() {
    let project = project("");
    let server = served(&project);
    let first = project.ok(&["tree", "g:connector:1.0"]);
    let mut paths = server.paths();
    let asked = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), asked, "asked twice: {:?}", server.paths());
    assert!(
        !paths.iter().any(|path| path.ends_with(".jar")),
        "{paths:?}"
    );
    // Only the versions of a range may be others tomorrow.
    let second = project.ok(&["tree", "g:connector:1.0"]);
    assert_eq!(second.stdout, first.stdout);
    let new: Vec<String> = server.paths().split_off(asked);
    assert_eq!(new, ["/m2/g/codec/maven-metadata.xml"]);
    let offline = project.ok(&["tree", "g:connector:1.0", "--offline"]);
    assert_eq!(offline.stdout, first.stdout);
    assert_eq!(server.paths().len(), asked + 1);
}

#[test]
fn a_checksum_in_a_header_saves_a_request() {
    use sha1::Digest as _;
    let project = project("");
    let server = repository(&project);
    let text = pom("a", "1", &[]);
    let sum = hex::encode(sha1::Sha1::digest(text.as_bytes()));
    server.on(
        "/m2/g/a/1/a-1.pom",
        [Reply::ok(text).header("x-checksum-sha1", sum)],
    );
    project.ok(&["tree", "g:a:1"]);
    assert_eq!(server.paths(), ["/m2/g/a/1/a-1.pom"]);
}

#[test]
fn twenty_at_once_fetch_each_pom_once() {
    let project = project("");
    let server = served(&project);
    let outputs: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| project.ok(&["tree", "g:connector:1.0"]).stdout))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    let mut poms = server.paths();
    poms.retain(|path| path.ends_with(".pom"));
    let asked = poms.len();
    poms.sort();
    poms.dedup();
    assert_eq!(poms.len(), asked, "asked twice: {:?}", server.paths());
}
