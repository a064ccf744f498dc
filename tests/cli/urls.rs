//! JARs from addresses.

use std::time::Duration;

use super::transcript::Transcript;
use super::{project, small_jar};
use crate::support::maven::{Reply, Server};
use crate::support::process::free_port;
use crate::support::project::Project;
use flinkpack::image::Digest;

const BUILD: &[&str] = &["build", "--output", "oci:out"];

fn from(address: &str, sha256: Option<&str>) -> Project {
    let sum = sha256
        .map(|sum| format!(", sha256 = \"{sum}\""))
        .unwrap_or_default();
    project(&format!(
        "[connectors]\nremote = {{ url = \"{address}\"{sum} }}\n"
    ))
}

#[test]
fn what_goes_wrong_is_told_with_the_address() {
    let server = Server::start();
    let host = server.url("/").host_str().unwrap().to_string();
    let port = format!("{host}:{}", server.url("/").port().unwrap());
    let good = small_jar("Remote");
    let far: Vec<(String, Reply)> = (0..12)
        .map(|step| {
            (
                format!("/far/{step}"),
                Reply::redirect(format!("/far/{}", step + 1)),
            )
        })
        .collect();
    for (path, reply) in far {
        server.on(&path, [reply]);
    }
    server.on("/loop/a.jar", [Reply::redirect("/loop/b.jar")]);
    server.on("/loop/b.jar", [Reply::redirect("/loop/a.jar")]);
    server.on("/nowhere.jar", [Reply::status(302)]);
    server.on("/file.jar", [Reply::redirect("file:///etc/passwd")]);
    server.on(
        "/short.jar",
        [Reply::ok(&good[..]).announcing(good.len() + 100)],
    );
    server.on(
        "/page.jar",
        [Reply::ok("<!DOCTYPE html><title>Log in</title>")],
    );
    server.on("/good.jar", [Reply::ok(&good[..])]);
    server.on("/closed.jar", [Reply::status(401)]);
    server.on("/forbidden.jar", [Reply::status(403)]);
    server.on("/broken.jar", [Reply::status(503)]);
    let wrong = "00".repeat(32);
    let mut transcript = Transcript::new();
    for (title, path, sha256) in [
        ("redirects in a circle", "/loop/a.jar", None),
        ("too many redirects", "/far/0", None),
        ("a redirect to nowhere", "/nowhere.jar", None),
        ("a redirect to a local file", "/file.jar", None),
        ("another checksum", "/good.jar", Some(wrong.as_str())),
        ("shorter than announced", "/short.jar", None),
        ("a login page", "/page.jar", None),
        ("not there", "/absent.jar", None),
        ("a login is wanted", "/closed.jar", None),
        ("forbidden", "/forbidden.jar", None),
        ("the server is broken", "/broken.jar", None),
    ] {
        let project = from(server.url(path).as_str(), sha256);
        let run = project.fails(1, BUILD);
        transcript.failure(title, &project, &run, &[(&port, "[server]")]);
        assert!(!project.path("flinkpack.lock").exists(), "{title}");
        assert_eq!(leftovers(&project), 0, "{title}: temporary files stay");
    }
    let project = from("ftp://server.test/a.jar", None);
    let run = project.run(BUILD);
    transcript.failure("another kind of address", &project, &run, &[]);
    let project = from("https://", None);
    let run = project.run(BUILD);
    transcript.failure("no address", &project, &run, &[]);
    transcript.check("urls");
}

fn leftovers(project: &Project) -> usize {
    std::fs::read_dir(project.cache().join("tmp")).map_or(0, |files| files.count())
}

#[test]
fn without_a_checksum_the_lock_pins_it() {
    let server = Server::start();
    let jar = small_jar("Remote");
    server.on("/a.jar", [Reply::ok(&jar[..])]);
    let project = from(server.url("/a.jar").as_str(), None);
    let run = project.ok(BUILD);
    assert!(
        run.stderr.contains("warning:") && run.stderr.contains("has no sha256"),
        "{}",
        run.stderr
    );
    let lock = project.read("flinkpack.lock");
    assert!(lock.contains(&Digest::of(&jar).hex()), "{lock}");
    let run = project.ok(BUILD);
    assert!(
        !run.stderr.contains("warning:"),
        "once pinned, all is said: {}",
        run.stderr
    );
    assert_eq!(server.asked().len(), 1, "and nothing is fetched again");

    server.on("/a.jar", [Reply::ok(small_jar("Changed"))]);
    let mut transcript = Transcript::new();
    std::fs::remove_dir_all(project.cache()).unwrap();
    let run = project.fails(1, &["build", "--output", "oci:other"]);
    let port = server.url("/").port().unwrap().to_string();
    transcript.failure(
        "the content changed since",
        &project,
        &run,
        &[(&port, "[port]")],
    );
    transcript.check("urls_changed");
    assert_eq!(project.read("flinkpack.lock"), lock, "the pin stays");

    project.ok(&["lock", "--upgrade", "remote"]);
    assert!(
        !project
            .read("flinkpack.lock")
            .contains(&Digest::of(&jar).hex())
    );
}

#[test]
fn a_transfer_that_breaks_goes_on() {
    let server = Server::start();
    let jar = crate::support::project::jar(&[("a", &crate::support::images::noise(3, 300_000))]);
    server.on(
        "/a.jar",
        [
            Reply::ok(&jar[..]).with_ranges("\"1\"").cut_at(100_000),
            Reply::ok(&jar[..])
                .with_ranges("\"1\"")
                .after(Duration::from_millis(10)),
        ],
    );
    let project = from(server.url("/a.jar").as_str(), Some(&Digest::of(&jar).hex()));
    let run = project.ok(BUILD);
    assert!(!run.stderr.contains("has no sha256"), "{}", run.stderr);
    assert!(
        server.asked()[1].headers.contains_key("range"),
        "{:?}",
        server.asked()[1]
    );
}

#[test]
fn the_proxies_of_maven_are_for_maven_alone() {
    let server = Server::start();
    server.on("/a.jar", [Reply::ok(small_jar("Remote"))]);
    let project = from(server.url("/a.jar").as_str(), None);
    let proxies = format!(
        "<proxies><proxy><host>127.0.0.1</host><port>{}</port></proxy></proxies>",
        free_port()
    );
    let settings = format!("<settings>{proxies}</settings>");
    project.write_home(".m2/settings.xml", settings);
    project.ok(&["lock"]);
}
