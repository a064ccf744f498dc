use flinkpack::report::Report;
use flinkpack::repository::{Environment, Maven, Settings, repositories};

use super::{Heard, hasty, store};
use crate::support::maven::{Reply, Server};

const JAR: &[u8] = b"PK\x03\x04 content";
const PATH: &str = "/all/g/a/1/a-1.jar";

fn home(settings: &str) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".m2")).unwrap();
    std::fs::write(folder.path().join(".m2/settings.xml"), settings).unwrap();
    let environment = Environment::of([
        ("HOME", folder.path().to_str().unwrap()),
        ("NEXUS_PASSWORD", "s3cret"),
    ]);
    (folder, environment)
}

fn settings(server: &Server, servers: &str) -> String {
    format!(
        "<settings><mirrors><mirror><id>corp</id><mirrorOf>*</mirrorOf><url>{}</url></mirror></mirrors><servers>{servers}</servers></settings>",
        server.url("/all")
    )
}

/// As [`Maven::of_user`], but impatient.
fn maven(environment: &Environment, store: &flinkpack::store::Store, report: Report) -> Maven {
    let settings = Settings::read(environment).unwrap();
    let list = repositories(&[], &settings, "https://central.example.com").unwrap();
    Maven::new(list, store.clone(), report, false).with_patience(hasty())
}

#[tokio::test]
async fn a_mirror_is_opened_by_its_server() {
    for (servers, needed) in [
        (
            "<server><id>corp</id><username>ci</username><password>${env.NEXUS_PASSWORD}</password></server>",
            Reply::ok(JAR).needing_basic("ci", "s3cret"),
        ),
        (
            "<server><id>corp</id><configuration><httpHeaders><property><name>X-Token</name><value>${env.NEXUS_PASSWORD}</value></property></httpHeaders></configuration></server>",
            Reply::ok(JAR).needing("X-Token", "s3cret"),
        ),
    ] {
        let (server, (_folder, store), heard) = (Server::start(), store(), Heard::default());
        server.on(
            PATH,
            [needed.header(
                "x-checksum-sha1",
                hex::encode(<sha1::Sha1 as sha1::Digest>::digest(JAR)),
            )],
        );
        let (_home, environment) = home(&settings(&server, ""));
        let error = maven(&environment, &store, heard.report())
            .jar(&"g:a:1".parse().unwrap(), None)
            .await
            .unwrap_err();
        assert!(
            error.report().contains("HTTP 401") && error.report().contains("id `corp`"),
            "{}",
            error.report()
        );
        let (_home, environment) = home(&settings(&server, servers));
        maven(&environment, &store, heard.report())
            .jar(&"g:a:1".parse().unwrap(), None)
            .await
            .unwrap();
        assert!(heard.warnings().is_empty());
    }
}

#[tokio::test]
async fn the_user_s_maven_is_followed_as_a_whole() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on(
        PATH,
        [Reply::ok(JAR).header(
            "x-checksum-sha1",
            hex::encode(<sha1::Sha1 as sha1::Digest>::digest(JAR)),
        )],
    );
    let (_home, environment) = home(&settings(&server, ""));
    let maven = Maven::of_user(&[], &environment, store, Report::silent(), false).unwrap();
    assert_eq!(maven.repositories().len(), 1);
    maven.jar(&"g:a:1".parse().unwrap(), None).await.unwrap();
    assert_eq!(server.paths(), [PATH]);
}

#[tokio::test]
async fn no_secret_is_in_any_error() {
    let (server, (_folder, store), heard) = (Server::start(), store(), Heard::default());
    for status in [401, 403, 500] {
        server.on(PATH, [Reply::status(status)]);
        let url = server
            .url("/all")
            .to_string()
            .replace("http://", "http://me:s3cret@");
        let servers =
            "<server><id>corp</id><username>me</username><password>s3cret</password></server>";
        let (_home, environment) = home(&settings(&server, servers));
        for manifest in [vec![], vec![url]] {
            let settings = Settings::read(&environment).unwrap();
            let list = repositories(&manifest, &settings, "https://central.example.com").unwrap();
            let maven =
                Maven::new(list, store.clone(), heard.report(), false).with_patience(hasty());
            let text = maven
                .jar(&"g:a:1".parse().unwrap(), None)
                .await
                .unwrap_err()
                .report();
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    assert!(!heard.warnings().join("\n").contains("s3cret"));
}
