use flinkpack::error::{Error, Reason};
use flinkpack::fetch::{Access, Secret};
use flinkpack::image::Digest;
use flinkpack::maven::Coordinates;
use flinkpack::report::Report;
use flinkpack::repository::{Location, Maven, MavenFile, Origin, Repository};
use md5::{Digest as _, Md5};

use super::{Heard, hasty, maven, repository, store};
use crate::support::maven::{Reply, Server};

const JAR: &[u8] = b"PK\x03\x04 the content of a JAR";
const PATH: &str = "/m2/com/acme/orders/1.0/orders-1.0.jar";

fn orders() -> Coordinates {
    "com.acme:orders:1.0".parse().unwrap()
}

async fn get(maven: &Maven) -> Result<MavenFile, Error> {
    maven.jar(&orders(), None).await
}

#[tokio::test]
async fn a_file_is_fetched_checked_and_then_cached() {
    let (server, (_folder, store), heard) = (Server::start(), store(), Heard::default());
    server.file(PATH, JAR);
    let list = vec![repository("one", &server)];
    let file = get(&maven(list.clone(), &store, heard.report()))
        .await
        .unwrap();
    assert_eq!(
        (file.sha256, file.size, file.from),
        (Digest::of(JAR), JAR.len() as u64, Origin::Network)
    );
    assert_eq!(file.url_shown, server.url(PATH).as_str());
    let again = get(&maven(list.clone(), &store, heard.report()))
        .await
        .unwrap();
    assert_eq!(
        (again.sha256, again.from, again.url_shown),
        (file.sha256, Origin::Cache, file.url_shown)
    );
    let offline = Maven::new(list, store, heard.report(), true);
    assert_eq!(get(&offline).await.unwrap().from, Origin::Cache);
    assert_eq!(server.paths(), [PATH.to_owned(), format!("{PATH}.sha1")]);
    assert!(heard.warnings().is_empty(), "{:?}", heard.warnings());
}

#[tokio::test]
async fn a_sum_in_the_headers_saves_a_request() {
    for (name, right) in [
        ("X-Checksum-Sha1", true),
        ("x-goog-meta-checksum-sha1", false),
    ] {
        let (server, (_folder, store)) = (Server::start(), store());
        let sum = if right {
            hex::encode(sha1::Sha1::digest(JAR))
        } else {
            "0".repeat(40)
        };
        server.on(PATH, [Reply::ok(JAR).header(name, sum)]);
        let result = get(&maven(
            vec![repository("one", &server)],
            &store,
            Report::silent(),
        ))
        .await;
        match right {
            true => assert_eq!(result.unwrap().sha256, Digest::of(JAR)),
            false => assert!(result.unwrap_err().is(Reason::DigestMismatch)),
        }
        assert_eq!(server.paths(), [PATH]);
    }
}

#[tokio::test]
async fn a_sha256_header_counts_too() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on(
        PATH,
        [Reply::ok(JAR).header("x-checksum-sha256", "0".repeat(64))],
    );
    let error = get(&maven(
        vec![repository("one", &server)],
        &store,
        Report::silent(),
    ))
    .await
    .unwrap_err();
    assert!(error.is(Reason::DigestMismatch), "{error}");
}

#[tokio::test]
async fn a_wrong_sum_is_an_error_even_if_another_repository_has_the_file() {
    let (server, other, (_folder, store)) = (Server::start(), Server::start(), store());
    server
        .file(PATH, JAR)
        .on(&format!("{PATH}.sha1"), [Reply::ok("0".repeat(40))]);
    other.file(PATH, JAR);
    let list = vec![repository("one", &server), repository("two", &other)];
    let error = get(&maven(list, &store, Report::silent()))
        .await
        .unwrap_err();
    let text = error.report();
    assert!(
        error.is(Reason::DigestMismatch)
            && text.contains(&"0".repeat(40))
            && text.contains("com.acme:orders:1.0"),
        "{text}"
    );
    assert!(store.blob_size(&Digest::of(JAR)).is_none());
}

#[tokio::test]
async fn md5_stands_in_and_no_sum_is_a_warning() {
    let (server, (_folder, store), heard) = (Server::start(), store(), Heard::default());
    server.on(PATH, [Reply::ok(JAR)]).on(
        &format!("{PATH}.md5"),
        [Reply::ok(hex::encode(Md5::digest(JAR)))],
    );
    get(&maven(
        vec![repository("one", &server)],
        &store,
        heard.report(),
    ))
    .await
    .unwrap();
    assert!(heard.warnings().is_empty());

    let (server, (_folder, store)) = (Server::start(), super::store());
    server.on(PATH, [Reply::ok(JAR)]).on(
        &format!("{PATH}.sha1"),
        [Reply::ok("<!DOCTYPE html><html>no</html>")],
    );
    get(&maven(
        vec![repository("one", &server)],
        &store,
        heard.report(),
    ))
    .await
    .unwrap();
    let warnings = heard.warnings().join("\n");
    assert!(
        warnings.contains("is not a checksum") && warnings.contains("no checksum of it"),
        "{warnings}"
    );
}

#[tokio::test]
async fn a_login_page_is_no_jar() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file(PATH, b"\n<!doctype HTML><title>Sign in</title>");
    let error = get(&maven(
        vec![repository("one", &server)],
        &store,
        Report::silent(),
    ))
    .await
    .unwrap_err();
    assert!(
        error.report().contains("web page") && error.report().contains("login"),
        "{}",
        error.report()
    );
    assert!(store.blob_size(&Digest::of(JAR)).is_none());
}

#[tokio::test]
async fn repositories_are_asked_in_order() {
    let (one, two, (_folder, store), heard) =
        (Server::start(), Server::start(), store(), Heard::default());
    two.file(PATH, JAR);
    let list = vec![repository("one", &one), repository("two", &two)];
    get(&maven(list.clone(), &store, heard.report()))
        .await
        .unwrap();
    assert_eq!(one.paths(), [PATH]);
    assert!(heard.warnings().is_empty());
    get(&maven(list, &store, heard.report())).await.unwrap();
    assert_eq!(one.paths(), [PATH], "a 404 is not asked for again");
}

#[tokio::test]
async fn a_failing_repository_is_a_warning_where_another_has_the_file() {
    for status in [401, 403, 500] {
        let (one, two, (_folder, store), heard) =
            (Server::start(), Server::start(), store(), Heard::default());
        one.on(PATH, [Reply::status(status)]);
        two.file(PATH, JAR);
        get(&maven(
            vec![repository("one", &one), repository("two", &two)],
            &store,
            heard.report(),
        ))
        .await
        .unwrap();
        assert!(
            heard
                .warnings()
                .join("\n")
                .contains(&format!("HTTP {status}")),
            "{:?}",
            heard.warnings()
        );

        let empty = Server::start();
        let list = vec![repository("one", &one), repository("two", &empty)];
        let (_other, fresh) = super::store();
        let error = get(&maven(list, &fresh, heard.report())).await.unwrap_err();
        assert!(
            error.report().contains(&format!("HTTP {status}")),
            "{}",
            error.report()
        );
    }
}

#[tokio::test]
async fn a_missing_file_names_the_repositories_and_the_versions() {
    let (one, two, (_folder, store)) = (Server::start(), Server::start(), store());
    one.versions("/m2/com/acme/orders", &["0.8", "0.9"]);
    two.versions("/m2/com/acme/orders", &["1.1", "0.9"]);
    let list = vec![repository("one", &one), repository("two", &two)];
    let error = get(&maven(list.clone(), &store, Report::silent()))
        .await
        .unwrap_err();
    let text = error.report();
    assert!(error.is(Reason::NotFound), "{text}");
    assert!(
        text.contains(one.url("/m2/").as_str()) && text.contains(two.url("/m2/").as_str()),
        "{text}"
    );
    assert!(text.contains("near it: 0.8, 0.9, 1.1"), "{text}");

    let maven = maven(list, &store, Report::silent());
    let text = maven
        .jar(&"com.acme:ordres:1.0".parse().unwrap(), None)
        .await
        .unwrap_err()
        .report();
    assert!(
        text.contains("no repository knows com.acme:ordres"),
        "{text}"
    );
    one.versions("/m2/com/acme/x", &["1.0"]);
    let text = maven
        .jar(&"com.acme:x:1.0:tests".parse().unwrap(), None)
        .await
        .unwrap_err()
        .report();
    assert!(text.contains("check classifier and extension"), "{text}");
}

#[tokio::test]
async fn a_damaged_blob_is_fetched_again() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file(PATH, JAR);
    let list = vec![repository("one", &server)];
    let file = get(&maven(list.clone(), &store, Report::silent()))
        .await
        .unwrap();
    let mut bytes = JAR.to_vec();
    bytes[5] ^= 1;
    std::fs::write(store.blob_path(&file.sha256), bytes).unwrap();
    let again = get(&maven(list.clone(), &store, Report::silent()))
        .await
        .unwrap();
    assert_eq!(again.from, Origin::Network);
    assert_eq!(store.read_blob(&file.sha256).unwrap(), JAR);

    std::fs::write(store.blob_path(&file.sha256), b"").unwrap();
    let pinned = maven(list, &store, Report::silent())
        .jar(&orders(), Some(file.sha256))
        .await
        .unwrap();
    assert_eq!(pinned.from, Origin::Network);
}

#[tokio::test]
async fn a_pin_is_insisted_on_and_needs_no_sum() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file(PATH, JAR);
    let list = vec![repository("one", &server)];
    let wrong = Digest::of(b"what it was last week");
    let error = maven(list.clone(), &store, Report::silent())
        .jar(&orders(), Some(wrong))
        .await
        .unwrap_err();
    let text = error.report();
    assert!(
        error.is(Reason::DigestMismatch)
            && text.contains(&wrong.to_string())
            && text.contains(&Digest::of(JAR).to_string()),
        "{text}"
    );

    let right = Some(Digest::of(JAR));
    let file = maven(list.clone(), &store, Report::silent())
        .jar(&orders(), right)
        .await
        .unwrap();
    assert_eq!(file.from, Origin::Network);
    assert_eq!(server.paths(), [PATH, PATH]);
    let again = maven(list, &store, Report::silent())
        .jar(&orders(), right)
        .await
        .unwrap();
    assert_eq!(
        (again.from, again.url_shown),
        (Origin::Cache, file.url_shown)
    );
}

#[tokio::test]
async fn one_download_however_many_ask() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file(PATH, JAR);
    server.on(
        PATH,
        [Reply::ok(JAR).after(std::time::Duration::from_millis(100))],
    );
    let list = vec![repository("one", &server)];
    // Two of them share nothing but the store, as two processes do.
    let (one, two) = (
        maven(list.clone(), &store, Report::silent()),
        maven(list, &store, Report::silent()),
    );
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let maven = if n % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move { get(&maven).await.map(|file| file.sha256) })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), Digest::of(JAR));
    }
    assert_eq!(server.paths(), [PATH.to_owned(), format!("{PATH}.sha1")]);
}

#[tokio::test]
async fn offline_names_the_address() {
    let (server, (_folder, store)) = (Server::start(), store());
    let maven = Maven::new(
        vec![repository("one", &server)],
        store,
        Report::silent(),
        true,
    );
    let error = get(&maven).await.unwrap_err();
    assert!(
        error.is(Reason::Offline) && error.report().contains(PATH),
        "{}",
        error.report()
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn credentials_open_a_repository_and_show_nowhere() {
    let (server, (_folder, store), heard) = (Server::start(), store(), Heard::default());
    server.file(PATH, JAR);
    server.on(PATH, [Reply::ok(JAR).needing_basic("me", "s3cret")]);
    server.on(
        &format!("{PATH}.sha1"),
        [Reply::ok(hex::encode(sha1::Sha1::digest(JAR))).needing_basic("me", "s3cret")],
    );
    let list = |access| {
        vec![Repository {
            access,
            ..repository("one", &server)
        }]
    };
    let error = get(&maven(list(None), &store, heard.report()))
        .await
        .unwrap_err();
    assert!(
        error.is(Reason::Denied) && error.report().contains("wants credentials"),
        "{}",
        error.report()
    );
    let wrong = Access::basic("me", Secret::new("wr0ng"));
    let error = get(&maven(list(Some(wrong)), &store, heard.report()))
        .await
        .unwrap_err();
    assert!(
        error.report().contains("refused the credentials") && !error.report().contains("wr0ng")
    );
    let right = Access::basic("me", Secret::new("s3cret"));
    get(&maven(list(Some(right)), &store, heard.report()))
        .await
        .unwrap();
    assert!(heard.warnings().is_empty());
}

#[tokio::test]
async fn a_folder_is_a_repository() {
    let (_folder, store) = store();
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("com/acme/orders/1.0");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("orders-1.0.jar"), JAR).unwrap();
    let one = Repository {
        id: "folder".to_owned(),
        ids: Vec::new(),
        place: Location::Folder(root.path().to_path_buf()),
        releases: true,
        snapshots: true,
        blocked: None,
        access: None,
    };
    let maven = Maven::new(vec![one], store, Report::silent(), true);
    assert_eq!(get(&maven).await.unwrap().sha256, Digest::of(JAR));
}

fn in_local(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = root.path().join("com/acme/orders").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    root
}

#[tokio::test]
async fn the_local_repository_comes_first_if_it_is_right() {
    let right = hex::encode(sha1::Sha1::digest(JAR)).into_bytes();
    let wrong = "0".repeat(40).into_bytes();
    let (jar, sum, notes) = (
        "1.0/orders-1.0.jar",
        "1.0/orders-1.0.jar.sha1",
        "1.0/_remote.repositories",
    );
    for (files, pinned, from) in [
        (vec![(jar, JAR)], None, Origin::LocalRepository),
        (
            vec![(jar, JAR), (sum, &right)],
            None,
            Origin::LocalRepository,
        ),
        (vec![(jar, JAR), (sum, &wrong)], None, Origin::Network),
        (
            vec![(jar, b"other".as_slice())],
            Some(Digest::of(JAR)),
            Origin::Network,
        ),
        (
            vec![(jar, JAR)],
            Some(Digest::of(JAR)),
            Origin::LocalRepository,
        ),
        (
            vec![(jar, JAR), (notes, b"#x\norders-1.0.jar>one=\n")],
            None,
            Origin::LocalRepository,
        ),
        (
            vec![(jar, JAR), (notes, b"orders-1.0.jar>=\n")],
            None,
            Origin::LocalRepository,
        ),
        (
            vec![(jar, JAR), (notes, b"orders-1.0.jar>elsewhere=\n")],
            None,
            Origin::Network,
        ),
        (
            vec![(jar, JAR), (notes, b"orders-1.0.pom>elsewhere=\n")],
            None,
            Origin::LocalRepository,
        ),
    ] {
        let (server, (_folder, store)) = (Server::start(), store());
        server.file(PATH, JAR);
        let local = in_local(&files);
        let maven = maven(vec![repository("one", &server)], &store, Report::silent())
            .with_local_repository(local.path().to_path_buf());
        let file = maven.jar(&orders(), pinned).await.unwrap();
        assert_eq!(
            (file.sha256, file.from),
            (Digest::of(JAR), from),
            "{files:?}"
        );
        assert_eq!(server.asked().is_empty(), from == Origin::LocalRepository);
    }
}

const SNAPSHOT: &str = "/m2/com/acme/orders/1.1-SNAPSHOT";

fn snapshot(server: &Server, value: &str, updated: &str, body: &[u8]) {
    let text = format!(
        "<metadata><versioning><snapshotVersions><snapshotVersion><extension>jar</extension><value>{value}</value><updated>{updated}</updated></snapshotVersion></snapshotVersions></versioning></metadata>"
    );
    server.on(&format!("{SNAPSHOT}/maven-metadata.xml"), [Reply::ok(text)]);
    server.file(&format!("{SNAPSHOT}/orders-{value}.jar"), body);
}

#[tokio::test]
async fn a_snapshot_is_the_newest_one_and_is_asked_for_each_time() {
    let (one, two, (_folder, store)) = (Server::start(), Server::start(), store());
    snapshot(&one, "1.1-20260102.030405-6", "20260102030405", b"PK old");
    snapshot(&two, "1.1-20260103.030405-7", "20260103030405", b"PK new");
    let list = vec![repository("one", &one), repository("two", &two)];
    let coordinate: Coordinates = "com.acme:orders:1.1-SNAPSHOT".parse().unwrap();
    let ask = |offline| {
        Maven::new(list.clone(), store.clone(), Report::silent(), offline).with_patience(hasty())
    };
    let file = ask(false).jar(&coordinate, None).await.unwrap();
    assert_eq!(file.sha256, Digest::of(b"PK new"));
    assert_eq!(file.coordinate.version(), "1.1-20260103.030405-7");
    assert!(
        file.url_shown
            .ends_with("/1.1-SNAPSHOT/orders-1.1-20260103.030405-7.jar")
    );

    snapshot(
        &one,
        "1.1-20260104.030405-8",
        "20260104030405",
        b"PK newest",
    );
    assert_eq!(
        ask(false).jar(&coordinate, None).await.unwrap().sha256,
        Digest::of(b"PK newest")
    );
    let offline = ask(true).jar(&coordinate, None).await.unwrap();
    assert_eq!(
        (offline.sha256, offline.from),
        (Digest::of(b"PK newest"), Origin::Cache)
    );
    assert_eq!(offline.coordinate.version(), "1.1-20260104.030405-8");
}

#[tokio::test]
async fn a_snapshot_installed_here_counts_while_it_is_the_newest() {
    for (installed, from) in [
        ("20260105000000", Origin::LocalRepository),
        ("20260101000000", Origin::Network),
    ] {
        let (server, (_folder, store)) = (Server::start(), store());
        snapshot(
            &server,
            "1.1-20260103.030405-7",
            "20260103030405",
            b"PK theirs",
        );
        let notes = format!(
            "<metadata><versioning><lastUpdated>{installed}</lastUpdated></versioning></metadata>"
        );
        let local = in_local(&[
            ("1.1-SNAPSHOT/orders-1.1-SNAPSHOT.jar", b"PK mine"),
            ("1.1-SNAPSHOT/maven-metadata-local.xml", notes.as_bytes()),
        ]);
        let maven = maven(vec![repository("one", &server)], &store, Report::silent())
            .with_local_repository(local.path().to_path_buf());
        let file = maven
            .jar(&"com.acme:orders:1.1-SNAPSHOT".parse().unwrap(), None)
            .await
            .unwrap();
        assert_eq!(file.from, from);
    }
}

#[tokio::test]
async fn a_plus_in_a_version_is_encoded() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file("/m2/com/acme/orders/1.0%2B2/orders-1.0%2B2.jar", JAR);
    let maven = maven(vec![repository("one", &server)], &store, Report::silent());
    maven
        .jar(&"com.acme:orders:1.0+2".parse().unwrap(), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_blocked_repository_is_not_asked() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.file(PATH, JAR);
    let one = Repository {
        blocked: Some("it is not encrypted (http)".to_owned()),
        ..repository("one", &server)
    };
    let error = get(&maven(vec![one], &store, Report::silent()))
        .await
        .unwrap_err();
    assert!(
        error.report().contains("not encrypted") && error.report().contains("[maven] repositories"),
        "{}",
        error.report()
    );
    assert!(server.asked().is_empty());
}
