//! What a daemon says while it loads, pulls and builds, and of an image: whatever it is,
//! each ends, with what was found or with an error.
#![no_main]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};

use flinkpack::daemon::Daemon;
use flinkpack::store::Store;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

/// What is answered next, whatever is asked for.
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fuzz_target!(|bytes: &[u8]| {
    let (runtime, daemon) = daemon();
    *ANSWER.lock().expect("an answer") = bytes.to_vec();
    runtime.block_on(async {
        let loading = daemon.load();
        loading.begin(&[0; 1024]);
        let told = [
            loading.finish().await.err(),
            daemon.pull("flink:1.20").await.err(),
            daemon.inspect("flink:1.20").await.err(),
            daemon.untag("flink:1.20").await.err(),
        ];
        for error in told.into_iter().flatten() {
            assert!(!error.report().is_empty());
        }
        let nothing = Box::pin(tokio_stream::empty());
        let mut lines = 0;
        let arguments = Default::default();
        let built = daemon.build(nothing, "Dockerfile", &arguments, "t", |line| {
            assert!(!line.trim().is_empty());
            lines += 1;
        });
        let _ = built.await;
        assert!(lines <= bytes.len());
    });
});

fn daemon() -> &'static (Runtime, Daemon) {
    static DAEMON: OnceLock<(Runtime, Daemon)> = OnceLock::new();
    DAEMON.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
        // SAFETY: nothing else reads the environment yet.
        unsafe { std::env::set_var("DOCKER_HOST", format!("tcp://{address}")) };
        *ANSWER.lock().expect("an answer") = br#"{"ApiVersion":"1.41"}"#.to_vec();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let store = Store::open(std::env::temp_dir().join("store"));
        let daemon = runtime.block_on(Daemon::connect(&store));
        (runtime, daemon.expect("a daemon"))
    })
}

/// One request a connection, so that none begins within another's answer.
fn answer(mut connection: TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        match connection.read(&mut piece) {
            Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    let body = ANSWER.lock().expect("an answer").clone();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    let _ = connection.write_all(&[head.as_bytes(), &body].concat());
}

/// Whether its head is there, and the end of a body in chunks.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    match text.contains("transfer-encoding: chunked") {
        true => text.ends_with("0\r\n\r\n"),
        false => text.contains("\r\n\r\n"),
    }
}
