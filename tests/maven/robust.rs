//! A repository that fails: another one is asked where there is one, and
//! otherwise the error says what was wrong.

use std::time::{Duration, Instant, SystemTime};

use flinkpack::error::Reason;
use flinkpack::repository::{Maven, Pom, Repository};

use super::user::project;
use super::{Heard, maven, repository, store};
use crate::support::maven::{Reply, Server};

const JAR: &[u8] = b"PK\x03\x04 content";
const POM: &str =
    "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version></project>";

/// Serves the JAR and the POM of `g:NAME:1`.
fn good(server: &Server, name: &str) {
    let path = |extension: &str| format!("/m2/g/{name}/1/{name}-1.{extension}");
    server.file(&path("jar"), JAR);
    server.file(&path("pom"), POM.as_bytes());
}

/// Answers the same to what is asked of `g:NAME:1`.
fn bad(server: &Server, name: &str, reply: &Reply) {
    for extension in ["jar", "pom"] {
        let path = format!("/m2/g/{name}/1/{name}-1.{extension}");
        server.on(&path, [reply.clone()]);
    }
}

/// Nothing listens there.
fn nowhere(id: &str) -> Repository {
    let url = format!(
        "http://127.0.0.1:{}/m2/",
        crate::support::process::free_port()
    );
    Repository {
        place: flinkpack::repository::Location::Web(url.parse().unwrap()),
        ..repository(id, &Server::start())
    }
}

async fn jar(maven: &Maven, name: &str) -> Result<String, flinkpack::error::Error> {
    let coordinate = format!("g:{name}:1").parse().unwrap();
    maven
        .jar(&coordinate, None)
        .await
        .map(|file| file.url_shown)
}

fn limit(wait: &str) -> Reply {
    Reply::status(429).header("Retry-After", wait)
}

#[tokio::test]
async fn another_repository_is_asked_and_the_failing_one_named() {
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for (fault, says) in [
        (limit("3600"), "HTTP 429"),
        (limit(&later), "HTTP 429"),
        (limit("99999999999999999999999"), "HTTP 429"),
        (limit("soon"), "HTTP 429"),
        (limit(""), "HTTP 429"),
        (Reply::status(429), "HTTP 429"),
        (Reply::status(500), "HTTP 500"),
        (Reply::status(501), "HTTP 501"),
        (Reply::status(502), "HTTP 502"),
        (Reply::status(503), "HTTP 503"),
        (Reply::status(503).header("Retry-After", "3600"), "HTTP 503"),
        (Reply::status(504), "HTTP 504"),
        (Reply::status(403), "HTTP 403"),
        (Reply::reset(), "connection"),
        (Reply::ok(JAR).cut_at(3), "body"),
        (Reply::ok(JAR).announcing(100), "body"),
        (Reply::ok(JAR).cut_at(3).stalling(), "nothing came"),
        (Reply::ok("<!DOCTYPE html>"), "web page"),
    ] {
        let (first, second) = (Server::start(), Server::start());
        let ((_folder, store), heard) = (store(), Heard::default());
        bad(&first, "a", &fault);
        good(&second, "a");
        let list = vec![repository("one", &first), repository("two", &second)];
        let maven = maven(list, &store, heard.report());
        let from = jar(&maven, "a").await.unwrap();
        assert!(from.starts_with(second.url("/m2/").as_str()), "{from}");
        let pom = maven.pom(&"g:a:1".parse().unwrap()).await.unwrap();
        assert!(matches!(pom, Some(Pom::Read(_))));
        let warnings = heard.warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        for part in [first.url("/m2/").as_str(), "was passed over", says] {
            assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
        }
    }
}

#[tokio::test]
async fn where_no_other_has_it_the_failing_one_is_the_error() {
    for (fault, reason, says) in [
        (limit("3600"), Reason::TooManyRequests, "wait for 3600 s"),
        (limit("soon"), Reason::TooManyRequests, "5 attempts"),
        (Reply::status(500), Reason::Unavailable, "HTTP 500"),
        (Reply::status(403), Reason::Denied, "HTTP 403"),
    ] {
        let (first, second) = (Server::start(), Server::start());
        let ((_folder, store), heard) = (store(), Heard::default());
        bad(&first, "a", &fault);
        let list = vec![repository("one", &first), repository("two", &second)];
        let maven = maven(list, &store, heard.report());
        let error = jar(&maven, "a").await.unwrap_err();
        let text = error.report();
        assert!(error.is(reason), "{text}");
        let url = first.url("/m2/g/a/1/a-1.jar");
        let other = format!("g:a:1 is not in {}", second.url("/m2/"));
        for part in [url.as_str(), says, &other, "hint: "] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let pom = maven.pom(&"g:a:1".parse().unwrap()).await.unwrap_err();
        assert!(pom.is(reason), "{}", pom.report());
    }
}

#[tokio::test]
async fn a_short_wait_is_waited_for_and_no_reason_to_go_on() {
    let (first, second) = (Server::start(), Server::start());
    let ((_folder, store), heard) = (store(), Heard::default());
    good(&first, "a");
    good(&second, "a");
    let replies = [limit("1"), Reply::ok(JAR)];
    first.on("/m2/g/a/1/a-1.jar", replies);
    let list = vec![repository("one", &first), repository("two", &second)];
    let begin = Instant::now();
    let from = jar(&maven(list, &store, heard.report()), "a")
        .await
        .unwrap();
    assert!(from.starts_with(first.url("/").as_str()), "{from}");
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert!(heard.warnings().is_empty() && second.asked().is_empty());
}

#[tokio::test]
async fn a_host_that_refuses_more_is_left_alone() {
    let (first, second) = (Server::start(), Server::start());
    let ((_folder, store), heard) = (store(), Heard::default());
    bad(&first, "a", &limit("3600"));
    good(&second, "a");
    good(&second, "b");
    let list = vec![repository("one", &first), repository("two", &second)];
    let maven = maven(list, &store, heard.report());
    jar(&maven, "a").await.unwrap();
    jar(&maven, "b").await.unwrap();
    assert_eq!(first.asked().len(), 1);
    assert_eq!(heard.warnings().len(), 1);
    let error = jar(&maven, "c").await.unwrap_err();
    let text = error.report();
    assert!(error.is(Reason::TooManyRequests), "{text}");
    for part in ["is not asked any more in this run", "HTTP 429", "g:c:1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(first.asked().len(), 1);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_left_alone() {
    let second = Server::start();
    let ((_folder, store), heard) = (store(), Heard::default());
    for name in ["a", "b"] {
        good(&second, name);
    }
    let list = vec![nowhere("one"), repository("two", &second)];
    let maven = maven(list, &store, heard.report());
    jar(&maven, "a").await.unwrap();
    let begin = Instant::now();
    jar(&maven, "b").await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(500));
    assert_eq!(heard.warnings().len(), 1);
    assert!(jar(&maven, "c").await.unwrap_err().is(Reason::Unreachable));
}

#[tokio::test]
async fn a_single_broken_file_does_not_close_its_host() {
    let (first, second) = (Server::start(), Server::start());
    let ((_folder, store), heard) = (store(), Heard::default());
    for name in ["a", "b", "c", "d"] {
        bad(&first, name, &Reply::status(501));
        good(&second, name);
    }
    good(&first, "own");
    let list = vec![repository("one", &first), repository("two", &second)];
    let maven = maven(list, &store, heard.report());
    jar(&maven, "a").await.unwrap();
    jar(&maven, "b").await.unwrap();
    let from = jar(&maven, "own").await.unwrap();
    assert!(from.starts_with(first.url("/").as_str()), "{from}");
    // Three in a row are another matter.
    for name in ["a", "b", "c"] {
        maven
            .pom(&format!("g:{name}:1").parse().unwrap())
            .await
            .unwrap();
    }
    let asked = first.asked().len();
    jar(&maven, "d").await.unwrap();
    assert_eq!(first.asked().len(), asked);
    assert_eq!(heard.warnings().len(), 1, "{:?}", heard.warnings());
}

#[test]
fn a_whole_command_goes_on_with_another_repository() {
    let (first, second) = (Server::start(), Server::start());
    bad(&first, "a", &limit("3600"));
    good(&second, "a");
    let repository = |id: &str, server: &Server| {
        let url = server.url("/m2/");
        format!("<repository><id>{id}</id><url>{url}</url></repository>")
    };
    let settings = |list: &str| {
        format!(
            "<settings><mirrors><mirror><id>no</id><mirrorOf>central</mirrorOf><url>file:///no/such</url></mirror></mirrors><profiles><profile><id>p</id><repositories>{list}</repositories></profile></profiles><activeProfiles><activeProfile>p</activeProfile></activeProfiles></settings>"
        )
    };
    let (one, two) = (repository("one", &first), repository("two", &second));
    let user = project(&settings(&format!("{one}{two}")));
    let run = user.ok(&["tree", "g:a:1"]);
    let warning = format!("warning: {} was passed over", first.url("/m2/"));
    assert!(
        run.stderr.contains(&warning) && run.stdout.contains("g:a:1"),
        "{}",
        run.stderr
    );
    let run = project(&settings(&one)).fails(1, &["tree", "g:a:1"]);
    for part in [
        first.url("/m2/g/a/1/a-1.pom").as_str(),
        "HTTP 429",
        "hint: the server asks to wait for 3600 s",
        "hint: name a mirror of your own",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
}
