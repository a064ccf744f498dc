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
