//! Errors: what was done, to what, why it failed, and what to do.

use std::time::Duration;

use flinkpack::error::Reason;
use flinkpack::fetch::Patience;
use flinkpack::image::Reference;
use flinkpack::registry::{Keychain, Options, Registries};
use flinkpack::report::Report;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Bench, failed, quick};
use crate::support::faults::{Action, Fault};
use crate::support::http::Response;
use crate::support::registry::FaultRegistry;

#[tokio::test]
async fn nobody_there() {
    let bench = Bench::new();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let reference: Reference = format!("{address}/team/job:a").parse().unwrap();
    let error = failed(bench.registries.manifest(&reference).await);
    for part in [&address.to_string(), "team/job:a", "refused"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn forbidden_and_absent() {
    let (bench, registry) = (Bench::new(), FaultRegistry::start().await);
    let denied = Response::new(403).body(r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#);
    registry.fault(Fault::new("POST", "/uploads/", Action::Answer(denied)).always());
    let error = failed(bench.push(&bench.image(&[1]), &registry, &["a"]).await);
    for part in [
        "pushing to",
        "403",
        "DENIED: not yours",
        "no credentials were used",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = bench
        .registries
        .manifest(&registry.reference("team/no:a"))
        .await
        .unwrap_err();
    assert!(error.is(Reason::NotFound), "{}", error.report());
    assert!(error.report().contains("team/no:a"), "{}", error.report());
}

#[tokio::test]
async fn plain_http_where_tls_was_wanted() {
    // Not a loopback name, so that https alone is tried; the resolver is told
    // of by an address that every machine has.
    let registry = FaultRegistry::start().await;
    let port = registry.address().rsplit_once(':').unwrap().1.to_string();
    let Some(own) = own_address() else {
        panic!("this machine has no address but loopback, which this test needs");
    };
    let listener = TcpListener::bind((own.as_str(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(forward(listener, port));
    let reference: Reference = format!("{address}/team/job:a").parse().unwrap();
    let registries = Registries::new(Keychain::anonymous(), quick(), Report::silent());
    let error = failed(registries.manifest(&reference).await);
    assert!(
        error.contains(&format!("--insecure-registry {address}")),
        "{error}"
    );
    let options = Options {
        insecure: vec![address.to_string()],
        ..quick()
    };
    let registries = Registries::new(Keychain::anonymous(), options, Report::silent());
    assert_eq!(registries.head(&reference).await.unwrap(), None);
}

/// An address of this machine that is not loopback.
fn own_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only asks for a route.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string())
}

async fn forward(listener: TcpListener, port: String) {
    while let Ok((mut from, _)) = listener.accept().await {
        let to = format!("127.0.0.1:{port}");
        tokio::spawn(async move {
            let mut to = tokio::net::TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        });
    }
}

#[tokio::test]
async fn what_a_server_of_tls_says_to_plain_http_leads_to_https() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = tokio::spawn(async move {
        let answer =
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        let (mut first, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = first.read(&mut buffer).await.unwrap();
        first.write_all(answer).await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        let _ = second.read(&mut buffer).await.unwrap();
        buffer[0]
    });
    let reference: Reference = format!("{address}/team/job:a").parse().unwrap();
    let options = Options {
        patience: Patience {
            attempts: 1,
            stall: Duration::from_secs(5),
            ..quick().patience
        },
        ..quick()
    };
    let registries = Registries::new(Keychain::anonymous(), options, Report::silent());
    let _ = registries.manifest(&reference).await;
    assert_eq!(
        seen.await.unwrap(),
        0x16,
        "the second connection begins with a TLS handshake"
    );
}

#[tokio::test]
async fn warnings_of_the_registry_are_passed_on_once() {
    use flinkpack::report::{Event, Reporter};
    use std::sync::{Arc, Mutex};
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);
    impl Reporter for Heard {
        fn event(&self, event: Event<'_>) {
            if let Event::Warning(text) = event {
                self.0.lock().unwrap().push(text.to_string());
            }
        }
    }
    let registry = FaultRegistry::start().await;
    let heard = Heard::default();
    let registries = Registries::new(Keychain::anonymous(), quick(), Report::new(heard.clone()));
    let warning = Action::Header("Warning", Some("299 - \"quota is low\"".into()));
    registry.fault(Fault::new("HEAD", "", warning).always());
    for _ in 0..2 {
        registries
            .head(&registry.reference("team/job:a"))
            .await
            .unwrap();
    }
    let heard = heard.0.lock().unwrap().clone();
    assert_eq!(
        heard,
        [format!("{} says: quota is low", registry.address())]
    );
}
