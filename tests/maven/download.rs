use std::time::{Duration, Instant, SystemTime};

use flinkpack::error::{Error, Reason};
use flinkpack::fetch::{Access, Request, Secret, download, get_small};
use flinkpack::image::Digest;
use flinkpack::report::Report;
use flinkpack::store::Store;

use super::{hasty, store};
use crate::support::maven::{Reply, Server};

const BODY: &[u8] = b"0123456789abcdef";

fn request(url: &url::Url) -> Request<'_> {
    Request {
        patience: hasty(),
        ..Request::new(url, "a.jar")
    }
}

async fn get(server: &Server, store: &Store, path: &str) -> Result<(Digest, u64), Error> {
    let url = server.url(path);
    download(&request(&url), store, &Report::silent()).await
}

fn nothing_left(store: &Store) {
    for folder in ["tmp", "blobs/sha256"] {
        if let Ok(entries) = std::fs::read_dir(store.root().join(folder)) {
            assert_eq!(entries.count(), 0, "{folder}");
        }
    }
}

#[tokio::test]
async fn a_file_gets_into_the_store() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on("/a.jar", [Reply::ok(BODY)]);
    let (digest, size) = get(&server, &store, "/a.jar").await.unwrap();
    assert_eq!((digest, size), (Digest::of(BODY), 16));
    assert_eq!(store.read_blob(&digest).unwrap(), BODY);
}

#[tokio::test]
async fn a_cut_body_is_resumed_where_the_server_gave_a_tag() {
    let (server, (_folder, store)) = (Server::start(), store());
    let whole = Reply::ok(BODY).with_ranges("\"one\"");
    server.on(
        "/a.jar",
        [whole.clone().cut_at(5), whole.clone().cut_at(4), whole],
    );
    let (digest, _) = get(&server, &store, "/a.jar").await.unwrap();
    assert_eq!(digest, Digest::of(BODY));
    let ranges: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.headers.get("range").cloned())
        .collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=5-".to_owned()),
            Some("bytes=9-".to_owned())
        ]
    );
    assert_eq!(server.asked()[1].headers["if-range"], "\"one\"");
}

#[tokio::test]
async fn a_cut_body_of_a_changed_file_begins_anew() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on(
        "/a.jar",
        [
            Reply::ok(b"other content!!!")
                .with_ranges("\"one\"")
                .cut_at(5),
            Reply::ok(BODY).with_ranges("\"two\""),
        ],
    );
    assert_eq!(
        get(&server, &store, "/a.jar").await.unwrap().0,
        Digest::of(BODY)
    );
}

#[tokio::test]
async fn without_a_strong_tag_it_begins_anew() {
    for tag in [None, Some("W/\"weak\"")] {
        let (server, (_folder, store)) = (Server::start(), store());
        let reply = |body| match tag {
            Some(tag) => Reply::ok(body).with_ranges(tag),
            None => Reply::ok(body),
        };
        server.on("/a.jar", [reply(BODY).cut_at(5), reply(BODY)]);
        assert_eq!(
            get(&server, &store, "/a.jar").await.unwrap().0,
            Digest::of(BODY)
        );
        assert!(!server.asked()[1].headers.contains_key("range"));
    }
}

#[tokio::test]
async fn a_body_that_stays_short_is_an_error_and_leaves_nothing() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on("/a.jar", [Reply::ok(BODY).announcing(100)]);
    let error = get(&server, &store, "/a.jar").await.unwrap_err();
    assert!(error.is(Reason::Unavailable), "{error}");
    assert!(
        error.report().contains("/a.jar") && error.report().contains("5 attempts"),
        "{}",
        error.report()
    );
    assert_eq!(server.asked().len(), 5);
    nothing_left(&store);
}

#[tokio::test]
async fn passing_failures_are_tried_again() {
    for fault in [
        Reply::status(500),
        Reply::status(502),
        Reply::status(503),
        Reply::status(504),
        Reply::status(429),
        Reply::reset(),
        Reply::ok(BODY).cut_at(3).stalling(),
    ] {
        let (server, (_folder, store)) = (Server::start(), store());
        server.on("/a.jar", [fault.clone(), fault, Reply::ok(BODY)]);
        assert_eq!(
            get(&server, &store, "/a.jar").await.unwrap().0,
            Digest::of(BODY)
        );
        assert_eq!(server.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_refused_connection_is_an_error_that_names_the_host() {
    let (_folder, store) = store();
    let url = url::Url::parse("http://127.0.0.1:9/a.jar?token=s3cret").unwrap();
    let error = download(&request(&url), &store, &Report::silent())
        .await
        .unwrap_err();
    let text = error.report();
    assert!(
        error.is(Reason::Unreachable)
            && text.contains("127.0.0.1:9/a.jar")
            && text.contains("reachable"),
        "{text}"
    );
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_a_limit() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on(
        "/a.jar",
        [
            Reply::status(429).header("Retry-After", "1"),
            Reply::ok(BODY),
        ],
    );
    let begin = Instant::now();
    get(&server, &store, "/a.jar").await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));

    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for wait in ["3", "100000", date.as_str()] {
        server.on("/b.jar", [Reply::status(429).header("Retry-After", wait)]);
        let begin = Instant::now();
        let error = get(&server, &store, "/b.jar").await.unwrap_err();
        assert!(
            error.is(Reason::TooManyRequests) && error.report().contains("mirror"),
            "{}",
            error.report()
        );
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
    server.on(
        "/c.jar",
        [
            Reply::status(503).header("Retry-After", httpdate::fmt_http_date(SystemTime::now())),
            Reply::ok(BODY),
        ],
    );
    get(&server, &store, "/c.jar").await.unwrap();
}

#[tokio::test]
async fn statuses_say_what_to_do_and_are_not_repeated() {
    for (status, reason, says) in [
        (401, Reason::Denied, "settings.xml"),
        (403, Reason::Denied, "may not read"),
        (404, Reason::NotFound, "HTTP 404"),
        (407, Reason::Proxy, "HTTPS_PROXY"),
        (410, Reason::NotFound, "HTTP 410"),
        (418, Reason::Unexpected, "HTTP 418"),
        (501, Reason::Unavailable, "HTTP 501"),
    ] {
        let (server, (_folder, store)) = (Server::start(), store());
        server.on("/a.jar?k=s3cret", [Reply::status(status)]);
        let error = get(&server, &store, "/a.jar?k=s3cret").await.unwrap_err();
        let text = error.report();
        assert!(
            error.is(reason) && text.contains(says) && text.contains("/a.jar"),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn redirects_are_followed_to_a_limit_and_circles_are_named() {
    let (server, (_folder, store)) = (Server::start(), store());
    server
        .on("/a", [Reply::redirect("/b")])
        .on("/b", [Reply::redirect("c.jar")])
        .on("/c.jar", [Reply::ok(BODY)]);
    assert_eq!(
        get(&server, &store, "/a").await.unwrap().0,
        Digest::of(BODY)
    );

    server
        .on("/x", [Reply::redirect("/y")])
        .on("/y", [Reply::redirect("/x")]);
    let text = get(&server, &store, "/x").await.unwrap_err().report();
    assert!(
        text.contains("circle") && text.contains("/x → ") && text.contains("/y"),
        "{text}"
    );

    for n in 0..20 {
        server.on(&format!("/n{n}"), [Reply::redirect(format!("/n{}", n + 1))]);
    }
    let text = get(&server, &store, "/n0").await.unwrap_err().report();
    assert!(
        text.contains("more than 10 redirects") && text.contains("/n11"),
        "{text}"
    );

    server.on("/no", [Reply::status(302)]);
    let text = get(&server, &store, "/no").await.unwrap_err().report();
    assert!(text.contains("does not say where"), "{text}");
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let (server, (_folder, store)) = (Server::start(), store());
    let access = Access::basic("me", Secret::new("s3cret"))
        .header("X-Token", &Secret::new("t0ken"))
        .unwrap();
    server
        .on(
            "/a.jar",
            [Reply::redirect("/b.jar").needing_basic("me", "s3cret")],
        )
        .on(
            "/b.jar",
            [Reply::redirect(server.url_as_localhost("/c.jar")).needing("X-Token", "t0ken")],
        )
        .on("/c.jar", [Reply::ok(BODY)]);
    let url = server.url("/a.jar");
    let with = Request {
        access: Some(&access),
        ..request(&url)
    };
    download(&with, &store, &Report::silent()).await.unwrap();
    let last = server.asked().pop().unwrap();
    assert_eq!(last.path, "/c.jar");
    assert!(!last.headers.contains_key("authorization") && !last.headers.contains_key("x-token"));

    server.on("/a.jar", [Reply::ok(BODY).needing_basic("me", "other")]);
    let error = download(&with, &store, &Report::silent())
        .await
        .unwrap_err();
    assert!(
        error.report().contains("refused the credentials") && !error.report().contains("s3cret")
    );
}

#[tokio::test]
async fn a_wanted_digest_is_insisted_on() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on("/a.jar", [Reply::ok(BODY)]);
    let url = server.url("/a.jar");
    let wanted = Digest::of(b"other");
    let with = Request {
        sha256: Some(wanted),
        ..request(&url)
    };
    let error = download(&with, &store, &Report::silent())
        .await
        .unwrap_err();
    let text = error.report();
    assert!(error.is(Reason::DigestMismatch), "{text}");
    assert!(
        text.contains(&wanted.to_string()) && text.contains(&Digest::of(BODY).to_string()),
        "{text}"
    );
    nothing_left(&store);
}

#[tokio::test]
async fn sizes_have_bounds() {
    let (server, (_folder, store)) = (Server::start(), store());
    server.on("/a.jar", [Reply::ok(BODY)]);
    let url = server.url("/a.jar");
    let with = Request {
        limit: Some(15),
        ..request(&url)
    };
    let error = download(&with, &store, &Report::silent())
        .await
        .unwrap_err();
    assert!(error.is(Reason::TooLarge), "{error}");
    let small = |limit| {
        let url = url.clone();
        async move {
            get_small(
                &Request {
                    limit: Some(limit),
                    ..request(&url)
                },
                &Report::silent(),
            )
            .await
        }
    };
    assert_eq!(small(16).await.unwrap().bytes, BODY);
    assert!(small(15).await.err().unwrap().is(Reason::TooLarge));
    nothing_left(&store);
}

#[tokio::test]
async fn offline_asks_nobody() {
    let (server, (_folder, store)) = (Server::start(), store());
    let url = server.url("/a.jar");
    let with = Request {
        offline: true,
        ..request(&url)
    };
    let error = download(&with, &store, &Report::silent())
        .await
        .unwrap_err();
    assert!(
        error.is(Reason::Offline) && error.report().contains("/a.jar would need the network"),
        "{}",
        error.report()
    );
    assert!(
        get_small(
            &Request {
                offline: true,
                ..request(&url)
            },
            &Report::silent()
        )
        .await
        .err()
        .unwrap()
        .is(Reason::Offline)
    );
    assert!(server.asked().is_empty());
}
