use std::collections::BTreeMap;

use flinkpack::base::BaseFacts;
use flinkpack::catalogue::{Catalogue, Entry, Selected};
use flinkpack::error::Error;
use flinkpack::report::Report;
use flinkpack::repository::{Maven, Repository};
use flinkpack::resolve::Repositories;
use flinkpack::resolve::catalogue::{exists, select};

use super::{maven, repository, store};
use crate::support::maven::{Reply, Server};

fn facts(flink: &str, scala: &str) -> BaseFacts {
    BaseFacts {
        home: "opt/flink".to_owned(),
        flink: flink.parse().unwrap(),
        scala: scala.to_owned(),
        java: Some(17),
        nodes: BTreeMap::new(),
        texts: BTreeMap::new(),
    }
}

const OWN: &str = r#"
name = "acme"
kind = "connector"
about = "acme"
[[release]]
flink = ["1.14"]
version = "1.14.4"
maven = "g:acme_{scala}"
scala = ["2.12"]
fat = true
[[release]]
flink = ["1.19"]
version = "3.2.0-1.19"
maven = "g:acme"
fat = true
needs = "a driver"
"#;

fn entry(text: &str) -> Entry {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("connectors")).unwrap();
    std::fs::write(folder.path().join("connectors/acme.toml"), text).unwrap();
    let catalogue = Catalogue::embedded().with_folder(folder.path()).unwrap();
    catalogue.find("acme").unwrap().clone()
}

struct Project {
    server: Server,
    list: Vec<Repository>,
    _folder: tempfile::TempDir,
    store: flinkpack::store::Store,
}

fn project(artifacts: &[(&str, &[&str])]) -> Project {
    let (server, (folder, store)) = (Server::start(), store());
    for (artifact, versions) in artifacts {
        server.versions(&format!("/m2/g/{artifact}"), versions);
    }
    Project {
        list: vec![repository("one", &server)],
        server,
        _folder: folder,
        store,
    }
}

impl Project {
    async fn select(&self, text: &str, wanted: &str, flink: &str) -> Result<Selected, Error> {
        let maven = Repositories::of(maven(self.list.clone(), &self.store, Report::silent()));
        select(
            &entry(text),
            wanted,
            &facts(flink, "2.12"),
            &maven,
            &Report::silent(),
        )
        .await
    }

    async fn coordinate(&self, text: &str, wanted: &str, flink: &str) -> String {
        self.select(text, wanted, flink)
            .await
            .unwrap()
            .coordinates
            .to_string()
    }
}

#[tokio::test]
async fn a_listed_release_needs_no_request() {
    let project = project(&[]);
    assert_eq!(
        project.coordinate(OWN, "auto", "1.19.3").await,
        "g:acme:3.2.0-1.19"
    );
    assert_eq!(
        project.coordinate(OWN, "auto", "1.14.4").await,
        "g:acme_2.12:1.14.4"
    );
    assert_eq!(
        project.coordinate(OWN, "3.2.0", "1.19.3").await,
        "g:acme:3.2.0-1.19"
    );
    assert_eq!(
        project.coordinate(OWN, "3.9.0-1.20", "1.20.1").await,
        "g:acme:3.9.0-1.20"
    );
    assert!(project.server.asked().is_empty());
}

#[tokio::test]
async fn flinks_own_patch_comes_before_the_listed_one() {
    for (versions, flink, found) in [
        (&["1.14.4", "1.14.5", "1.14.6"][..], "1.14.5", "1.14.5"),
        (&["1.14.3", "1.14.4", "1.13.6"], "1.14.6", "1.14.4"),
        (
            &["1.14.10", "1.14.4", "1.14.9", "1.14.11-rc1"],
            "1.14.12",
            "1.14.10",
        ),
        (&[], "1.14.6", "1.14.4"),
    ] {
        let project = project(&[("acme_2.12", versions)]);
        let selected = project.select(OWN, "auto", flink).await.unwrap();
        assert_eq!((selected.version.as_str(), selected.fat), (found, true));
        assert_eq!(project.server.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_listed_is_asked_for() {
    let project = project(&[(
        "acme",
        &[
            "3.2.0-1.19",
            "3.3.0-1.20",
            "3.10.0-1.20",
            "4.0.0-rc1-1.20",
            "3.11.0-1.2",
            "1.15.4",
            "1.15.3",
        ],
    )]);
    let selected = project.select(OWN, "auto", "1.20.5").await.unwrap();
    assert_eq!(selected.coordinates.to_string(), "g:acme:3.10.0-1.20");
    assert_eq!(
        (selected.needs.as_deref(), selected.listed),
        (Some("a driver"), false)
    );
    assert_eq!(project.server.asked().len(), 1);
    assert_eq!(
        project.coordinate(OWN, "3.3.0", "1.20.5").await,
        "g:acme:3.3.0-1.20"
    );

    let error = project.select(OWN, "auto", "2.0.0").await.unwrap_err();
    let text = error.report();
    assert!(
        text.contains("no release of acme for Flink 2.0")
            && text.contains("the repositories have g:acme in"),
        "{text}"
    );
    assert_eq!(error.exit(), flinkpack::error::Exit::Usage);
}

#[tokio::test]
async fn without_an_answer_the_listed_ones_stay() {
    let project = project(&[]);
    project
        .server
        .on("/m2/g/acme_2.12/maven-metadata.xml", [Reply::status(403)]);
    assert_eq!(
        project.coordinate(OWN, "auto", "1.14.6").await,
        "g:acme_2.12:1.14.4"
    );
    project
        .server
        .on("/m2/g/acme/maven-metadata.xml", [Reply::status(403)]);
    let text = project
        .select(OWN, "auto", "1.20.5")
        .await
        .unwrap_err()
        .report();
    assert!(
        text.contains("no release of acme") && text.contains("HTTP 403"),
        "{text}"
    );

    let offline = Repositories::of(Maven::new(
        project.list.clone(),
        project.store.clone(),
        Report::silent(),
        true,
    ));
    let selected = select(
        &entry(OWN),
        "auto",
        &facts("1.14.6", "2.12"),
        &offline,
        &Report::silent(),
    )
    .await
    .unwrap();
    assert_eq!(selected.version, "1.14.4");
    let error = select(
        &entry(OWN),
        "auto",
        &facts("1.20.5", "2.12"),
        &offline,
        &Report::silent(),
    )
    .await
    .unwrap_err();
    assert!(
        error.report().contains("need the network"),
        "{}",
        error.report()
    );
}

const TEMPLATES: &str = r#"
name = "acme"
kind = "connector"
about = "acme"
since = "1.13"
[[template]]
maven = "g:acme-{minor}"
version = "*"
since = "1.15"
fat = true
[[template]]
maven = "g:acme_{scala}"
version = "*_flink-{minor}"
before = "1.15"
scala = ["2.11", "2.12"]
fat = true
"#;

#[tokio::test]
async fn an_entry_may_have_templates_alone() {
    let project = project(&[
        ("acme-1.20", &["1.9.0", "1.10.0", "1.11.0-SNAPSHOT"]),
        (
            "acme_2.12",
            &["1.2.9_flink-1.14", "1.2.10_flink-1.14", "1.3_flink-1.13"],
        ),
    ]);
    for (wanted, flink, found) in [
        ("auto", "1.20.5", "g:acme-1.20:1.10.0"),
        ("auto", "1.14.6", "g:acme_2.12:1.2.10_flink-1.14"),
        ("1.9.0", "1.20.5", "g:acme-1.20:1.9.0"),
        ("1.2.9", "1.14.6", "g:acme_2.12:1.2.9_flink-1.14"),
        ("1.2.1_flink-1.14", "1.14.6", "g:acme_2.12:1.2.1_flink-1.14"),
    ] {
        assert_eq!(project.coordinate(TEMPLATES, wanted, flink).await, found);
    }
    let old = facts("1.12.7", "2.12");
    assert!(
        exists(&entry(TEMPLATES), &old)
            .unwrap_err()
            .report()
            .contains("came with Flink 1.13")
    );
}
