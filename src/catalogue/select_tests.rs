use super::*;

const KAFKA: &str = r#"
    name = "kafka"
    kind = "connector"
    about = "Kafka"
    [[release]]
    flink = ["1.13"]
    version = "1.13.3"
    maven = "g:kafka_{scala}"
    scala = ["2.11"]
    fat = true
    [[release]]
    flink = ["1.13", "1.14"]
    version = "{flink}"
    maven = "g:kafka_{scala}"
    scala = ["2.12"]
    fat = true
    [[release]]
    flink = ["1.19"]
    version = "3.2.0-1.19"
    maven = "g:kafka"
    fat = true
    [[release]]
    flink = ["1.19", "1.20"]
    version = "3.3.0-{minor}"
    maven = "g:kafka"
    fat = true
    [[release]]
    flink = ["2.0"]
    version = "4.0.1-2.0"
    maven = "g:kafka-core"
    with = ["g:kafka-extra:{version}"]
    needs = "a broker"
    java = 11
    fat = false
"#;

const SWIFT: &str = r#"
    name = "swift"
    kind = "filesystem"
    about = "Swift"
    artifact = "flink-swift"
    since = "1.7"
    removed = "1.13"
    hint = "use s3"
    [[release]]
    flink = ["1.8"]
    version = "1.8.0"
    maven = "g:swift"
    fat = true
"#;

fn entry(text: &str) -> Entry {
    toml::from_str(text).expect("a valid entry")
}

fn auto(flink: &str, scala: Option<&str>) -> Result<Selected, SelectError> {
    entry(KAFKA).select(VersionRequest::Auto, flink, scala)
}

fn version(wanted: &str, flink: &str) -> Result<Selected, SelectError> {
    entry(KAFKA).select(VersionRequest::Exact(wanted), flink, Some("2.12"))
}

#[test]
fn auto_takes_the_last_that_fits() {
    for (flink, scala, coordinate) in [
        ("1.13.6", Some("2.11"), "g:kafka_2.11:1.13.3"),
        ("1.13.6", Some("2.12"), "g:kafka_2.12:1.13.6"),
        ("1.13.6", None, "g:kafka_2.12:1.13.6"),
        ("1.14.0-SNAPSHOT", None, "g:kafka_2.12:1.14.0-SNAPSHOT"),
        ("1.19.1", Some("2.12"), "g:kafka:3.3.0-1.19"),
        ("1.20.5", None, "g:kafka:3.3.0-1.20"),
        ("2.0.0", Some("2.12"), "g:kafka-core:4.0.1-2.0"),
    ] {
        let found = auto(flink, scala).expect(flink);
        assert_eq!(
            found.coordinates.to_string(),
            coordinate,
            "{flink} {scala:?}"
        );
        assert!(found.listed);
    }
    let two = auto("2.0.0", None).expect("2.0");
    assert_eq!(two.with, ["g:kafka-extra:4.0.1-2.0".parse().unwrap()]);
    assert_eq!((two.java, two.fat), (Some(11), false));
    assert_eq!(two.needs.as_deref(), Some("a broker"));
}

#[test]
fn auto_without_a_release_says_what_there_is() {
    let error = auto("1.18.1", None).expect_err("no release");
    assert_eq!(
        error.to_string(),
        "the catalogue has no release of kafka for Flink 1.18; it has releases for Flink 1.13, 1.14, 1.19, 1.20, 2.0"
    );
    let hint = error.hint().unwrap_or_default();
    assert!(
        hint.starts_with("nearest: 1.14.x for Flink 1.14; 3.2.0-1.19, 3.3.0-1.19 for Flink 1.19;"),
        "{hint}"
    );
    assert!(hint.contains("X.Y.Z-1.18"), "{hint}");
}

#[test]
fn the_wrong_scala_is_named() {
    let error = auto("1.14.6", Some("2.11")).expect_err("no 2.11 for 1.14");
    assert!(
        error.to_string().contains("1.14 with Scala 2.11"),
        "{error}"
    );
    assert!(!error.to_string().contains("1.13, 1.14"), "{error}");
}

#[test]
fn versions_in_full_and_without_suffix() {
    for (wanted, flink, found) in [
        ("3.3.0", "1.20.5", "3.3.0-1.20"),
        ("3.3.0-1.20", "1.20.5", "3.3.0-1.20"),
        ("3.2.0", "1.19.0", "3.2.0-1.19"),
        ("1.13.6", "1.13.6", "1.13.6"),
    ] {
        let selected = version(wanted, flink).expect(wanted);
        assert_eq!((selected.version.as_str(), selected.listed), (found, true));
    }
}

#[test]
fn a_part_of_a_number_is_no_version() {
    for wanted in ["3.3", "3", "", "3.3.0-1", "-1.20", "3.3.0-1.2"] {
        assert!(version(wanted, "1.20.5").is_err(), "{wanted:?}");
    }
}

#[test]
fn unlisted_versions_that_name_the_minor() {
    for (wanted, flink, coordinate) in [
        ("3.4.0-1.20", "1.20.5", "g:kafka:3.4.0-1.20"),
        ("1.13.2", "1.13.6", "g:kafka_2.12:1.13.2"),
        // no release for these minors: the nearest older, else the nearest newer
        ("3.1.0-1.18", "1.18.0", "g:kafka:3.1.0-1.18"),
        ("5.0.0-2.2", "2.2.0", "g:kafka-core:5.0.0-2.2"),
    ] {
        let selected = version(wanted, flink).expect(wanted);
        assert_eq!(
            (selected.coordinates.to_string().as_str(), selected.listed),
            (coordinate, false)
        );
    }
    let newer = version("5.0.0-2.2", "2.2.0").expect("5.0.0-2.2");
    assert_eq!(newer.with, ["g:kafka-extra:5.0.0-2.2".parse().unwrap()]);
}

#[test]
fn other_unlisted_versions_are_refused() {
    for (wanted, flink) in [
        ("3.4.0", "1.20.5"),
        ("3.4.0-1.19", "1.20.5"),
        ("1.18.1", "1.18.1"),
        ("../../x-1.20", "1.20.5"),
        ("3.4.0 -1.20", "1.20.5"),
        ("3/4-1.20", "1.20.5"),
        ("1.20.", "1.20.5"),
    ] {
        assert!(version(wanted, flink).is_err(), "{wanted}");
    }
}

#[test]
fn an_unknown_version_lists_those_that_fit() {
    let error = version("9.9.9", "1.19.0").expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "kafka 9.9.9 is not known for Flink 1.19; known: 3.2.0-1.19, 3.3.0-1.19"
    );
    assert!(error.hint().unwrap_or_default().contains("\"3.3.0-1.19\""));
}

#[test]
fn a_version_for_another_flink_says_so() {
    let error = version("4.0.1-2.0", "1.20.5").expect_err("for 2.0");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains("for Flink 2.0"), "{hint}");
    let error = version("3.2.0-1.19", "1.18.0").expect_err("for 1.19");
    assert!(matches!(error, SelectError::UnknownVersion(_)), "{error}");
    assert!(error.to_string().ends_with("known: none"), "{error}");
}

#[test]
fn filesystems_exist_from_since_until_removed() {
    let swift = entry(SWIFT);
    let auto = |flink| swift.select(VersionRequest::Auto, flink, None);
    assert!(matches!(auto("1.6.0"), Err(SelectError::NotYet { .. })));
    let removed = auto("1.13.6").expect_err("removed");
    assert!(matches!(removed, SelectError::Removed { .. }));
    assert_eq!(removed.hint().as_deref(), Some("use s3"));
    assert_eq!(
        auto("1.8.3").expect("1.8").coordinates.to_string(),
        "g:swift:1.8.0"
    );

    let missing = auto("1.12.5").expect_err("not in the repository");
    let hint = missing.hint().unwrap_or_default();
    assert!(hint.contains("version = \"1.12.5\""), "{hint}");
    let written = swift.select(VersionRequest::Exact("1.12.5"), "1.12.5", None);
    assert_eq!(
        written.expect("1.12.5").coordinates.to_string(),
        "g:swift:1.12.5"
    );
    let written = swift.select(VersionRequest::Exact("1.13.6"), "1.13.6", None);
    assert!(matches!(written, Err(SelectError::Removed { .. })));
}

#[test]
fn what_is_no_flink_version_is_refused() {
    for flink in ["", "1", "latest", "1.", "v1.20.5"] {
        let error = auto(flink, None).expect_err(flink);
        assert!(matches!(error, SelectError::NotFlink { .. }), "{flink}");
        assert!(error.hint().is_some());
    }
}
