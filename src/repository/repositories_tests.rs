use super::*;
use crate::repository::{Environment, Mirror, SettingsRepository};

const CENTRAL: &str = "https://central.example.com/maven2";

fn mirror(id: &str, of: &str, url: &str) -> Mirror {
    Mirror {
        id: id.to_owned(),
        url: url.to_owned(),
        of: of.to_owned(),
        blocked: false,
    }
}

fn of_profile(id: &str, url: &str) -> SettingsRepository {
    SettingsRepository {
        id: id.to_owned(),
        url: url.to_owned(),
        releases: true,
        snapshots: true,
    }
}

fn list(manifest: &[&str], settings: &Settings) -> Vec<Repository> {
    let manifest: Vec<String> = manifest.iter().map(|url| (*url).to_owned()).collect();
    repositories(&manifest, settings, CENTRAL).unwrap()
}

fn shown(list: &[Repository]) -> Vec<String> {
    list.iter()
        .map(|one| format!("{} {}", one.id, one.shown()))
        .collect()
}

fn blocked(list: &[Repository]) -> Vec<bool> {
    list.iter().map(|one| one.blocked.is_some()).collect()
}

fn with_servers(xml: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.xml");
    std::fs::write(
        &path,
        format!("<settings><servers>{xml}</servers></settings>"),
    )
    .unwrap();
    Settings::read_files(Some(&path), None, &Environment::default()).unwrap()
}

#[test]
fn manifest_then_profiles_then_central() {
    let settings = Settings {
        repositories: vec![of_profile("team", "https://team.example.com/m2/")],
        ..Settings::default()
    };
    assert_eq!(
        shown(&list(&["https://own.example.com/m2"], &settings)),
        [
            "flinkpack-1 https://own.example.com/m2/",
            "team https://team.example.com/m2/",
            "central https://central.example.com/maven2/",
        ]
    );
}

#[test]
fn a_profile_may_say_where_central_is() {
    let settings = Settings {
        repositories: vec![of_profile("central", "https://team.example.com/m2/")],
        ..Settings::default()
    };
    assert_eq!(
        shown(&list(&[], &settings)),
        ["central https://team.example.com/m2/"]
    );
}

#[test]
fn a_mirror_stands_in_once_and_brings_its_own_credentials() {
    let mut settings = with_servers(
        "<server><id>corp</id><username>u</username></server><server><id>central</id><username>x</username></server>",
    );
    settings.mirrors = vec![mirror("corp", "*", "https://nexus.example.com/all")];
    settings.repositories = vec![of_profile("team", "https://team.example.com/m2/")];
    let list = list(&["https://nexus.example.com/all/"], &settings);
    assert_eq!(shown(&list), ["corp https://nexus.example.com/all/"]);
    assert_eq!(list[0].ids, ["corp", "corp", "team", "corp", "central"]);
    assert!(list[0].access.is_some());
}

#[test]
fn a_repository_of_the_manifest_finds_its_server_by_its_address() {
    let mut settings = with_servers("<server><id>team</id><username>u</username></server>");
    settings.repositories = vec![of_profile("team", "https://team.example.com/m2")];
    let list = list(
        &[
            "https://team.example.com/m2/",
            "https://team.example.com/other",
        ],
        &settings,
    );
    assert_eq!(list[0].id, "team");
    assert!(list[0].access.is_some());
    assert!(list[1].access.is_none());
}

#[test]
fn a_password_in_an_address_is_used_and_not_shown() {
    let list = list(
        &["https://me:s3cret@own.example.com/m2?k=s3cret"],
        &Settings::default(),
    );
    assert!(list[0].access.is_some());
    assert!(!list[0].shown().contains("s3cret"), "{}", list[0].shown());
    for bad in [
        "ftp://me:s3cret@host/x",
        "me:s3cret@host",
        "https://me:s3cret@:x",
    ] {
        let error = repositories(&[bad.to_owned()], &Settings::default(), CENTRAL)
            .err()
            .unwrap()
            .report();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn http_is_for_this_machine_and_for_what_the_manifest_names() {
    let mut settings = Settings {
        repositories: vec![
            of_profile("near", "http://localhost:8081/m2"),
            of_profile("far", "http://far.example.com/m2"),
        ],
        ..Settings::default()
    };
    assert_eq!(
        blocked(&list(&["http://own.example.com"], &settings)),
        [false, false, true, false]
    );
    settings.mirrors = vec![Mirror {
        blocked: true,
        ..mirror("blocker", "external:http:*", "http://0.0.0.0/")
    }];
    let list = list(&["http://own.example.com"], &settings);
    assert_eq!(blocked(&list), [false, false, true, false]);
    assert!(
        list[2]
            .blocked
            .as_deref()
            .unwrap_or_default()
            .contains("`blocker`")
    );
}

#[test]
fn folders_are_repositories_too() {
    let list = list(&["file:///srv/m%202"], &Settings::default());
    assert_eq!(list[0].place, Location::Folder(PathBuf::from("/srv/m 2")));
}
