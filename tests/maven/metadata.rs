use flinkpack::error::Reason;
use flinkpack::report::Report;
use flinkpack::repository::Maven;

use super::{Heard, maven, repository, store};
use crate::support::maven::{Reply, Server};

const FOLDER: &str = "/m2/g/a";

#[tokio::test]
async fn versions_of_all_repositories_are_merged_and_asked_for_once() {
    let (one, two, (_folder, store)) = (Server::start(), Server::start(), store());
    one.versions(FOLDER, &["1.10", "1.9"]);
    two.versions(FOLDER, &["1.9", "2.0-rc1"]);
    let list = vec![repository("one", &one), repository("two", &two)];
    let asking = maven(list.clone(), &store, Report::silent());
    for _ in 0..3 {
        assert_eq!(
            asking.versions("g", "a").await.unwrap(),
            ["1.9", "1.10", "2.0-rc1"]
        );
    }
    assert_eq!(one.asked().len() + two.asked().len(), 2);
    let offline = Maven::new(list.clone(), store, Report::silent(), true);
    assert_eq!(offline.versions("g", "a").await.unwrap().len(), 3);
    assert!(
        offline
            .versions("g", "other")
            .await
            .unwrap_err()
            .is(Reason::Offline)
    );
}

#[tokio::test]
async fn an_unknown_artifact_has_no_versions() {
    let (server, (_folder, store)) = (Server::start(), store());
    let maven = maven(vec![repository("one", &server)], &store, Report::silent());
    assert!(maven.versions("g", "a").await.unwrap().is_empty());
    assert!(maven.versions("g", "../a").await.is_err());
}

#[tokio::test]
async fn bad_metadata_is_an_error_or_a_warning() {
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    for bad in [
        Reply::ok("<html><p>Sign in</html>"),
        Reply::ok("<!DOCTYPE x [<!ENTITY a \"b\">]><metadata>&a;</metadata>"),
        Reply::ok(vec![0xff, 0xfe]),
        Reply::ok(large),
        Reply::status(500),
    ] {
        let (one, two, (_folder, store), heard) =
            (Server::start(), Server::start(), store(), Heard::default());
        one.on(&format!("{FOLDER}/maven-metadata.xml"), [bad]);
        let list = vec![repository("one", &one), repository("two", &two)];
        let error = maven(list.clone(), &store, heard.report())
            .versions("g", "a")
            .await
            .unwrap_err();
        assert!(
            error.report().contains("g:a") && error.report().contains("maven-metadata.xml"),
            "{}",
            error.report()
        );
        two.versions(FOLDER, &["1"]);
        assert_eq!(
            maven(list, &store, heard.report())
                .versions("g", "a")
                .await
                .unwrap(),
            ["1"]
        );
        assert_eq!(heard.warnings().len(), 1);
    }
}
