//! Whole commands against nginx: certificates, credentials, redirects.

use super::user::{clean, project, server, settings};
use crate::support::authority::Authority;
use crate::support::nginx::Nginx;

const BASIC: &str = "<username>ann</username><password>pa55word</password>";
const TOKEN: &str = "<configuration><httpHeaders><property><name>X-Token</name><value>t0ken-9x7</value></property></httpHeaders></configuration>";

#[test]
fn an_authority_of_one_s_own_is_named_by_a_file() {
    let authority = Authority::new();
    let nginx = Nginx::https(&authority);
    nginx.artifact("a");
    let mut project = project(&settings(&nginx.url("/open/"), ""));
    let run = project.fails(1, &["tree", "g:a:1"]);
    for part in [
        "the certificate of 127.0.0.1 is not trusted",
        "UnknownIssuer",
        "FLINKPACK_CA_FILE",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    // It is asked once: another attempt would end the same.
    assert!(!run.stderr.contains("attempts"), "{}", run.stderr);

    for (variable, path) in [
        ("FLINKPACK_CA_FILE", authority.certificate()),
        ("SSL_CERT_FILE", authority.certificate()),
    ] {
        let output = project
            .command(&["tree", "g:a:1", "--no-cache"])
            .env_remove("SSL_CERT_DIR")
            .env(variable, path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{variable}: {said}");
    }

    let other = Authority::new();
    project.set(
        "FLINKPACK_CA_FILE",
        other.certificate().display().to_string(),
    );
    let run = project.fails(1, &["tree", "g:a:1", "--no-cache"]);
    assert!(run.stderr.contains("not trusted"), "{}", run.stderr);

    project.set("FLINKPACK_CA_FILE", "/no/such/ca.pem");
    let run = project.fails(1, &["tree", "g:a:1", "--no-cache"]);
    for part in [
        "/no/such/ca.pem",
        "the environment variable FLINKPACK_CA_FILE",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}

#[test]
fn a_certificate_of_another_host_is_not_taken() {
    let authority = Authority::new();
    let nginx = Nginx::start(Some((&authority, "DNS:other.example.com")), "");
    nginx.artifact("a");
    let mut project = project(&settings(&nginx.url("/open/"), ""));
    project.set(
        "FLINKPACK_CA_FILE",
        authority.certificate().display().to_string(),
    );
    let run = project.fails(1, &["tree", "g:a:1"]);
    assert!(
        run.stderr.contains("the certificate is another host's"),
        "{}",
        run.stderr
    );
    assert!(nginx.seen().is_empty());
}

#[test]
fn credentials_open_what_is_closed_and_are_not_shown() {
    let authority = Authority::new();
    let nginx = Nginx::https(&authority);
    nginx.artifact("a");
    for (path, login, wrong) in [
        ("/basic/", BASIC, BASIC.replace("pa55word", "wr0ng-9x7")),
        ("/token/", TOKEN, TOKEN.replace("t0ken-9x7", "wr0ng-9x7")),
    ] {
        for (servers, says) in [
            (
                String::new(),
                "a <server> in settings.xml with the id of the repository",
            ),
            (server("corp", &wrong), "the server refused the credentials"),
        ] {
            let mut project = project(&settings(&nginx.url(path), &servers));
            project.set(
                "FLINKPACK_CA_FILE",
                authority.certificate().display().to_string(),
            );
            let run = project.fails(1, &["tree", "g:a:1", "-vv"]);
            for part in ["HTTP 401", "`corp`", says] {
                assert!(run.stderr.contains(part), "{}", run.stderr);
            }
            clean(&run);
        }
        let mut project = project(&settings(&nginx.url(path), &server("corp", login)));
        project.set(
            "FLINKPACK_CA_FILE",
            authority.certificate().display().to_string(),
        );
        clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    }
    let opened = nginx.seen().pop().unwrap();
    assert!(opened.contains("token=t0ken-9x7"), "{opened}");
}

/// A profile that counts, with a repository.
fn repository(id: &str, url: &str) -> String {
    format!(
        "<profiles><profile><id>p</id><activation><activeByDefault>true</activeByDefault></activation><repositories><repository><id>{id}</id><url>{url}</url></repository></repositories></profile></profiles>"
    )
}

#[test]
fn a_snapshot_is_what_the_metadata_says() {
    let authority = Authority::new();
    let nginx = Nginx::https(&authority);
    let folder = "g/udf/1-SNAPSHOT";
    let entry = |extension: &str| {
        format!(
            "<snapshotVersion><extension>{extension}</extension><value>1-20260102.030405-7</value><updated>20260102030405</updated></snapshotVersion>"
        )
    };
    let metadata = format!(
        "<metadata><versioning><snapshotVersions>{}{}</snapshotVersions></versioning></metadata>",
        entry("pom"),
        entry("jar")
    );
    let pom = "<project><groupId>g</groupId><artifactId>udf</artifactId><version>1-SNAPSHOT</version></project>";
    nginx.file(&format!("{folder}/maven-metadata.xml"), metadata.as_bytes());
    nginx.file(
        &format!("{folder}/udf-1-20260102.030405-7.pom"),
        pom.as_bytes(),
    );
    let servers = server("corp", BASIC);
    let profile = repository("corp", &nginx.url("/basic/"));
    let mut project = project(&format!("<settings>{profile}{servers}</settings>"));
    let path = authority.certificate().display().to_string();
    project.set("FLINKPACK_CA_FILE", path);
    let run = project.ok(&["tree", "g:udf:1-SNAPSHOT"]);
    assert!(run.stdout.contains("g:udf:1-SNAPSHOT"), "{}", run.stdout);

    // Its checksum is compared.
    nginx.damage(&format!("{folder}/udf-1-20260102.030405-7.pom"));
    let run = project.fails(1, &["tree", "g:udf:1-SNAPSHOT"]);
    assert!(
        run.stderr.contains("the repository says") && run.stderr.contains("SHA-1"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_repository_that_a_pom_names_is_not_asked_and_that_is_said() {
    let (nginx, other) = (Nginx::http(), Nginx::http());
    other.artifact("b");
    let declared = other.url("/open");
    let declared = format!(
        "<repositories><repository><id>x</id><url>{declared}</url></repository><repository><id>y</id><url>{}</url></repository></repositories>",
        nginx.url("/open")
    );
    let pom = |artifact: &str, more: &str| {
        format!(
            "<project><groupId>g</groupId><artifactId>{artifact}</artifactId><version>1</version>{more}</project>"
        )
    };
    let needs = "<dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><version>1</version></dependency></dependencies>";
    let parent =
        "<parent><groupId>g</groupId><artifactId>b</artifactId><version>1</version></parent>";
    nginx.file(
        "g/a/1/a-1.pom",
        pom("a", &format!("{declared}{needs}")).as_bytes(),
    );
    nginx.file(
        "g/c/1/c-1.pom",
        pom("c", &format!("{declared}{parent}")).as_bytes(),
    );
    let profile = repository("corp", &nginx.url("/open/"));
    let mut project = project(&format!("<settings>{profile}</settings>"));
    // `central` is no concern of this test.
    let global = "<settings><mirrors><mirror><id>no</id><mirrorOf>central</mirrorOf><url>file:///no/such</url></mirror></mirrors></settings>";
    let path = project.write_home("global.xml", global);
    project.set("MAVEN_ARGS", format!("-gs {}", path.display()));

    let says = |of: &str| {
        let url = other.url("/open");
        format!("the POM of g:{of}:1 names the repository {url}, which is not asked")
    };
    let run = project.ok(&["tree", "g:a:1"]);
    assert!(run.stderr.contains(&says("a")), "{}", run.stderr);
    let run = project.fails(1, &["tree", "g:c:1"]);
    assert!(
        run.stderr.contains(&format!("hint: {}", says("c"))),
        "{}",
        run.stderr
    );
    assert!(other.seen().is_empty());
    // This one is asked.
    let asked = format!("names the repository {}", nginx.url("/open"));
    assert!(!run.stderr.contains(&asked), "{}", run.stderr);
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let other = Nginx::http();
    other.artifact("a");
    let nginx = Nginx::start(None, other.url("").as_str());
    let login = format!("{BASIC}{TOKEN}");
    let project = project(&settings(&nginx.url("/moved/"), &server("corp", &login)));
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    let first = nginx.seen().remove(0);
    assert!(
        first.contains("authorization=Basic ") && first.contains("token=t0ken-9x7"),
        "{first}"
    );
    let second = other.seen().remove(0);
    assert!(
        second.contains("a-1.pom authorization=- proxy=- token=- "),
        "{second}"
    );
}

#[test]
fn registries_know_the_authority_too() {
    let authority = Authority::new();
    let nginx = Nginx::https(&authority);
    let image = nginx.url("/a:1").replace("https", "docker");
    let mut project = project("<settings/>");
    let run = project.fails(1, &["inspect", &image]);
    assert!(run.stderr.contains("FLINKPACK_CA_FILE"), "{}", run.stderr);
    let path = authority.certificate().display().to_string();
    project.set("FLINKPACK_CA_FILE", path);
    let run = project.fails(1, &["inspect", &image]);
    assert!(!run.stderr.contains("FLINKPACK_CA_FILE"), "{}", run.stderr);
    assert!(!nginx.seen().is_empty());
}
