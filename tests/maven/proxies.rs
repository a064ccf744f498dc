//! Whole commands through tinyproxy, to nginx.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::user::{clean, project, settings};
use crate::support::authority::Authority;
use crate::support::maven::{Reply, Server};
use crate::support::nginx::Nginx;
use crate::support::process::free_port;
use crate::support::project::{Project, Run};
use crate::support::tinyproxy::Tinyproxy;

const LOGIN: &str = "<username>bob</username><password>pr0xy9x7</password>";

/// The `<proxies>` of the settings, with one.
fn proxies(port: u16, more: &str) -> String {
    format!(
        "<proxies><proxy><id>out</id><host>127.0.0.1</host><port>{port}</port>{more}</proxy></proxies>"
    )
}

/// A user who trusts the authority.
fn trusting(authority: &Authority, settings: &str) -> Project {
    let mut project = project(settings);
    let path = authority.certificate();
    project.set("FLINKPACK_CA_FILE", path.display().to_string());
    project
}

#[test]
fn https_goes_through_by_connect() {
    let authority = Authority::new();
    let (nginx, proxy) = (Nginx::https(&authority), Tinyproxy::start());
    nginx.artifact("a");
    let more = proxies(proxy.port(), LOGIN);
    let project = trusting(&authority, &settings(&nginx.url("/open/"), &more));
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    let asked = proxy.asked();
    let host = nginx.url("").replace("https://", "");
    assert!(
        !asked.is_empty()
            && asked
                .iter()
                .all(|one| one.contains(&format!("CONNECT {host} "))),
        "{asked:?}"
    );
    // What is for the proxy ends there.
    for seen in nginx.seen() {
        assert!(seen.contains("authorization=- proxy=- "), "{seen}");
    }
}

#[test]
fn http_goes_through_with_the_whole_address() {
    let (nginx, proxy) = (Nginx::http(), Tinyproxy::start());
    nginx.artifact("a");
    let more = proxies(proxy.port(), LOGIN);
    let project = project(&settings(&nginx.url("/open/"), &more));
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    let whole = format!("GET {} ", nginx.url("/open/g/a/1/a-1.pom"));
    assert!(proxy.asked()[0].contains(&whole), "{:?}", proxy.asked());
    let seen = nginx.seen().remove(0);
    assert!(
        seen.contains("authorization=- proxy=- ") && seen.contains("tinyproxy"),
        "{seen}"
    );
}

#[test]
fn a_407_names_the_proxy_and_who_says_so() {
    let authority = Authority::new();
    let (proxy, refusing) = (Tinyproxy::start(), Server::start());
    let wrong = LOGIN.replace("pr0xy9x7", "wr0ng-9x7");
    for nginx in [Nginx::https(&authority), Nginx::http()] {
        nginx.artifact("a");
        let host = nginx.url("").split_once("://").unwrap().1.to_owned();
        refusing.on(&host, [Reply::status(407)]);
        refusing.on(&nginx.url("/open/g/a/1/a-1.pom"), [Reply::status(407)]);
        let port = refusing.url("/").port().unwrap();
        for (port, login, says) in [
            (proxy.port(), "", "wants credentials (HTTP 407)"),
            (port, wrong.as_str(), "refused the credentials (HTTP 407)"),
        ] {
            let (run, place) = through(&authority, &nginx, &proxies(port, login));
            for part in [
                &format!("the proxy http://127.0.0.1:{port} {says}"),
                &format!("the <proxy> `out` of {place}, line 2 names it"),
                "its <username> and <password>",
            ] {
                assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
            }
            // The repository's own credentials are not the matter.
            assert!(!run.stderr.contains("<server>"), "{}", run.stderr);
        }
        // tinyproxy answers 401 to wrong credentials, as a server would.
        let (run, place) = through(&authority, &nginx, &proxies(proxy.port(), &wrong));
        for part in [
            "may also be that the proxy",
            &format!("the <proxy> `out` of {place}, line 2 names it, check its <username>"),
        ] {
            assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
        }
        assert!(nginx.seen().is_empty());
    }
}

/// What a run says that fails with these proxies, and where its settings are.
fn through(authority: &Authority, nginx: &Nginx, more: &str) -> (Run, String) {
    let project = trusting(authority, &settings(&nginx.url("/open/"), more));
    let run = project.fails(1, &["tree", "g:a:1", "-vv"]);
    clean(&run);
    let place = project.home().join(".m2/settings.xml");
    (run, place.display().to_string())
}

#[test]
fn its_password_may_be_encrypted() {
    let (nginx, proxy) = (Nginx::http(), Tinyproxy::start());
    nginx.artifact("a");
    let login = format!(
        "<username>bob</username><password>for the proxy {{{}}}</password>",
        encrypted("pr0xy9x7", "master words")
    );
    let more = proxies(proxy.port(), &login);
    let project = project(&settings(&nginx.url("/open/"), &more));
    let run = project.fails(1, &["tree", "g:a:1"]);
    assert!(
        run.stderr.contains("<proxy> `out`") && run.stderr.contains("settings-security.xml"),
        "{}",
        run.stderr
    );
    let master = encrypted("master words", "settings.security");
    let security = format!("<settingsSecurity><master>{{{master}}}</master></settingsSecurity>");
    project.write_home(".m2/settings-security.xml", security);
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    assert!(!proxy.asked().is_empty());
}

/// As `mvn --encrypt-password` writes it.
fn encrypted(text: &str, phrase: &str) -> String {
    let salt = *b"saltsalt";
    let both = Sha256::new()
        .chain_update(phrase)
        .chain_update(salt)
        .finalize();
    let (key, start) = both.split_at(16);
    let mut room = [0; 64];
    room[..text.len()].copy_from_slice(text.as_bytes());
    let sealed = cbc::Encryptor::<Aes128>::new_from_slices(key, start)
        .unwrap()
        .encrypt_padded::<Pkcs7>(&mut room, text.len())
        .unwrap();
    let bytes = [&salt[..], &[0], sealed].concat();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn some_hosts_and_some_settings_need_no_proxy() {
    let (nginx, proxy) = (Nginx::http(), Tinyproxy::start());
    nginx.artifact("a");
    for more in [
        "<nonProxyHosts>*.corp|127.0.*</nonProxyHosts>",
        "<nonProxyHosts>localhost, 127.0.0.1</nonProxyHosts>",
        "<active>false</active>",
        "<protocol>https</protocol>",
    ] {
        let more = proxies(proxy.port(), more);
        let project = project(&settings(&nginx.url("/open/"), &more));
        project.ok(&["tree", "g:a:1"]);
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
    // The other name of the host is not excepted.
    let more = proxies(
        proxy.port(),
        &format!("{LOGIN}<nonProxyHosts>127.0.0.1</nonProxyHosts>"),
    );
    let project = project(&settings(&nginx.url_as_localhost("/open/"), &more));
    project.ok(&["tree", "g:a:1"]);
    assert!(!proxy.asked().is_empty());
}

#[test]
fn a_repository_s_credentials_stay_its_own_behind_a_proxy() {
    let (other, proxy) = (Nginx::http(), Tinyproxy::start());
    other.artifact("a");
    let nginx = Nginx::start(None, other.url("").as_str());
    let more = format!(
        "{}<servers><server><id>corp</id><username>ann</username><password>pa55word</password></server></servers>",
        proxies(proxy.port(), LOGIN)
    );
    let project = project(&settings(&nginx.url("/moved/"), &more));
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
    assert!(nginx.seen()[0].contains("authorization=Basic "));
    for seen in other.seen() {
        assert!(seen.contains("authorization=- proxy=- "), "{seen}");
    }
    assert_eq!(proxy.asked().len(), nginx.seen().len() + other.seen().len());
}

#[test]
fn without_one_in_the_settings_the_environment_s_counts() {
    let authority = Authority::new();
    let (tls, plain) = (Nginx::https(&authority), Nginx::http());
    tls.artifact("a");
    plain.artifact("a");
    for (nginx, variable) in [(&tls, "HTTPS_PROXY"), (&plain, "HTTP_PROXY")] {
        let proxy = Tinyproxy::start();
        let address = |login: &str| format!("http://{login}127.0.0.1:{}", proxy.port());
        let mut project = trusting(&authority, &settings(&nginx.url("/open/"), ""));

        project.set(variable, address(""));
        let run = project.fails(1, &["tree", "g:a:1", "-vv"]);
        for part in [
            &format!("the proxy {} wants credentials (HTTP 407)", proxy.address()),
            &format!("the environment variable {variable} names it: give"),
        ] {
            assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
        }
        project.set(variable, address("bob:wr0ng-9x7@"));
        let run = project.fails(1, &["tree", "g:a:1", "-vv"]);
        let doubt = format!("the environment variable {variable} names it, check");
        assert!(run.stderr.contains(&doubt), "{}", run.stderr);
        clean(&run);

        project.set(variable, address("bob:pr0xy9x7@"));
        clean(&project.ok(&["tree", "g:a:1", "-vv"]));
        let asked = proxy.asked().len();
        assert!(asked > 2);

        project.set("NO_PROXY", "127.0.0.1");
        project.ok(&["tree", "g:a:1", "--no-cache"]);
        assert_eq!(proxy.asked().len(), asked);
    }
}

#[test]
fn the_settings_win_over_the_environment() {
    let (nginx, proxy) = (Nginx::http(), Tinyproxy::start());
    nginx.artifact("a");
    let more = proxies(proxy.port(), LOGIN);
    let mut project = project(&settings(&nginx.url("/open/"), &more));
    project.set("HTTP_PROXY", format!("http://127.0.0.1:{}", free_port()));
    project.set("NO_PROXY", "*");
    project.ok(&["tree", "g:a:1"]);
    assert!(!proxy.asked().is_empty());
}

#[test]
fn what_maven_gives_to_java_counts_where_the_settings_say_nothing() {
    let (nginx, proxy) = (Nginx::http(), Tinyproxy::start());
    nginx.artifact("a");
    let mut project = project(&settings(&nginx.url_as_localhost("/open/"), ""));
    let port = proxy.port();
    let options = format!(
        "-Xmx1g -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={port} -Dhttp.nonProxyHosts=*.corp"
    );
    project.set("MAVEN_OPTS", &options);
    let run = project.fails(1, &["tree", "g:a:1"]);
    assert!(
        run.stderr
            .contains("-Dhttp.proxyHost of MAVEN_OPTS names it"),
        "{}",
        run.stderr
    );
    let login = "-Dhttp.proxyUser=bob -Dhttp.proxyPassword=pr0xy9x7";
    project.set("MAVEN_OPTS", format!("{options} {login}"));
    clean(&project.ok(&["tree", "g:a:1", "-vv"]));
}

#[test]
fn a_proxy_that_is_down_or_refuses_is_named() {
    let authority = Authority::new();
    let nginx = Nginx::https(&authority);
    nginx.artifact("a");
    let down = free_port();
    let narrow = Tinyproxy::with("ConnectPort 1\n");
    for (port, says) in [
        (down, "onnection refused"),
        (narrow.port(), "the proxy did not connect to the server"),
    ] {
        let more = proxies(port, "");
        let project = trusting(&authority, &settings(&nginx.url("/open/"), &more));
        let run = project.fails(1, &["tree", "g:a:1"]);
        for part in [
            says,
            &format!("127.0.0.1 is asked through the proxy http://127.0.0.1:{port}, which"),
            "settings.xml, line 2 names",
            "its <nonProxyHosts>",
        ] {
            assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
        }
    }
}
