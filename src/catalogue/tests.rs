use std::fs;

use super::*;

#[test]
fn every_embedded_file_is_a_good_entry() {
    let mut names = HashMap::new();
    let mut count = 0;
    for (path, text) in embedded::files() {
        let entry = parse(Path::new(&path), text).unwrap_or_else(|error| panic!("{error}"));
        let folder = match entry.kind {
            Kind::Connector => "connectors",
            Kind::Filesystem => "filesystems",
        };
        assert_eq!(path, format!("{folder}/{}.toml", entry.name));
        for name in entry.aliases.iter().chain([&entry.name]) {
            let before = names.insert(name.clone(), path.clone());
            assert!(before.is_none_or(|before| before == path), "{name} twice");
        }
        count += 1;
    }
    assert!(count > 10, "only {count} entries");
    assert_eq!(Catalogue::embedded().entries().count(), count);
}

#[test]
fn the_embedded_files_are_those_of_the_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let mut on_disk = Vec::new();
    for folder in embedded::FOLDERS {
        on_disk.extend(toml_files(&root.join(folder)).expect("plugins/"));
    }
    assert_eq!(on_disk.len(), embedded::files().count());
}

#[test]
fn every_embedded_release_can_be_selected() {
    for entry in Catalogue::embedded().entries() {
        for release in &entry.releases {
            for minor in &release.flink {
                let scalas = release
                    .artifact
                    .scala
                    .iter()
                    .map(|scala| Some(scala.as_str()));
                let none = release.artifact.scala.is_empty().then_some(None);
                for scala in scalas.chain(none) {
                    let flink = format!("{minor}.0");
                    let wanted = VersionRequest::Exact(&release.artifact.version);
                    let found = entry.select(wanted, &flink, scala);
                    let found = found.unwrap_or_else(|error| panic!("{error}"));
                    assert!(found.listed, "{found:?}");
                    for one in found.with.iter().chain([&found.coordinates]) {
                        let text = one.to_string();
                        assert!(!text.contains(['{', '}']), "{found:?}");
                        assert_eq!(text.split(':').count(), 3, "{found:?}");
                    }
                    assert!(entry.select(VersionRequest::Auto, &flink, scala).is_ok());
                }
            }
        }
    }
}

#[test]
fn real_rows() {
    let catalogue = Catalogue::embedded();
    for (name, wanted, flink, scala, coordinate) in [
        (
            "upsert-kafka",
            VersionRequest::Auto,
            "1.13.6",
            Some("2.11"),
            "org.apache.flink:flink-sql-connector-kafka_2.11:1.13.3",
        ),
        (
            "kafka",
            VersionRequest::Exact("3.4.0-1.20"),
            "1.20.5",
            Some("2.12"),
            "org.apache.flink:flink-sql-connector-kafka:3.4.0-1.20",
        ),
        (
            "jdbc",
            VersionRequest::Exact("3.3.0"),
            "1.20.5",
            Some("2.12"),
            "org.apache.flink:flink-connector-jdbc:3.3.0-1.20",
        ),
        (
            "flink-s3-fs-hadoop",
            VersionRequest::Auto,
            "1.20.5",
            None,
            "org.apache.flink:flink-s3-fs-hadoop:1.20.1",
        ),
    ] {
        let entry = catalogue.find(name).expect(name);
        let found = entry.select(wanted, flink, scala).expect(name);
        assert_eq!(found.coordinates.to_string(), coordinate);
    }
    let jdbc = catalogue.find("jdbc").expect("jdbc");
    let found = jdbc
        .select(VersionRequest::Auto, "2.0.1", None)
        .expect("2.0");
    assert_eq!(
        found.with,
        ["org.apache.flink:flink-connector-jdbc-postgres:4.0.0-2.0"
            .parse()
            .unwrap()]
    );
}

#[test]
fn nearest_names() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.nearest("kafak"), Some("kafka"));
    assert_eq!(catalogue.nearest("s3-hadop"), Some("s3-hadoop"));
    assert_eq!(catalogue.nearest("something-else"), None);
    assert!(catalogue.find("kafak").is_none());
}

const OWN: &str = r#"
name = "NAME"
kind = "connector"
about = "own"
aliases = ["ALIAS"]
[[release]]
flink = ["1.20"]
version = "1.0"
maven = "com.acme:acme"
fat = true
"#;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn own(name: &str, alias: &str) -> String {
    OWN.replace("NAME", name).replace("ALIAS", alias)
}

#[test]
fn own_rows_add_and_replace() {
    let dir = project(&[
        ("connectors/acme.toml", &own("acme", "upsert-kafka")),
        ("connectors/jdbc.toml", &own("jdbc", "db")),
        ("connectors/notes.md", "not an entry"),
    ]);
    let catalogue = Catalogue::embedded().with_folder(dir.path()).expect("rows");
    assert_eq!(catalogue.find("jdbc").expect("jdbc").about, "own");
    assert_eq!(catalogue.find("upsert-kafka").expect("alias").name, "acme");
    assert_eq!(catalogue.find("kafka").expect("kafka").name, "kafka");
}

#[test]
fn no_folder_adds_nothing() {
    let dir = project(&[]);
    let known = Catalogue::embedded().entries().count();
    let catalogue = Catalogue::embedded().with_folder(&dir.path().join("plugins"));
    assert_eq!(catalogue.expect("nothing").entries().count(), known);
}

#[test]
fn bad_rows_name_the_file() {
    for (text, says) in [
        ("name = 1", "invalid type"),
        ("", "missing field"),
        (
            &own("acme", "a").replace("fat", "fast"),
            "unknown field `fast`",
        ),
        (
            &own("acme", "a").replace("com.acme:acme", "acme"),
            "not group:artifact",
        ),
    ] {
        let dir = project(&[("connectors/acme.toml", text)]);
        let error = Catalogue::embedded()
            .with_folder(dir.path())
            .expect_err(says);
        let message = error.to_string();
        assert!(
            message.contains("acme.toml") && message.contains(says),
            "{message}"
        );
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn unreadable_rows_are_errors() {
    let dir = project(&[("connectors/a.toml", "")]);
    fs::write(dir.path().join("connectors/a.toml"), b"\xff\xfe").expect("a file");
    let error = Catalogue::embedded().with_folder(dir.path());
    assert!(matches!(error, Err(CatalogueError::Read { .. })));

    let large = "#".repeat(MAX_FILE as usize + 1);
    let dir = project(&[("connectors/a.toml", &large)]);
    let error = Catalogue::embedded().with_folder(dir.path());
    assert!(matches!(error, Err(CatalogueError::TooLarge { .. })));
}

#[test]
fn one_name_in_two_files_is_an_error() {
    let dir = project(&[
        ("connectors/a.toml", &own("acme", "x")),
        ("connectors/b.toml", &own("other", "acme")),
    ]);
    let error = Catalogue::embedded().with_folder(dir.path());
    let message = error.expect_err("twice").to_string();
    assert!(
        message.contains("`acme`") && message.contains("b.toml"),
        "{message}"
    );
}

#[test]
fn a_name_in_the_catalogue_has_a_group() {
    let of = |name: &str| {
        Catalogue::embedded()
            .coordinates_of(name)
            .map(|one| one.to_string())
    };
    assert_eq!(
        of("flink-sql-connector-kafka-1.17.2.jar").as_deref(),
        Some("org.apache.flink:flink-sql-connector-kafka:1.17.2")
    );
    assert_eq!(of("my-job-1.0.jar"), None);
}
