//! A push that is killed, and run again, against the real registry.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{HEAD, alone};
use crate::support::base::TinyBase;
use crate::support::project::{Project, environment, noise};

/// Bytes of the layer, and of a chunk.
const SIZE: u64 = 96 << 20;
const CHUNK: u64 = 8 << 20;

/// Passes everything on to the real registry, and holds one PATCH.
struct Proxy {
    address: String,
    held: mpsc::Receiver<()>,
    holds: Arc<AtomicBool>,
}

impl Proxy {
    /// Holds the PATCH that follows `chunks` of them, after so many of its bytes.
    fn start(chunks: usize, bytes: usize) -> Proxy {
        let registry = environment("FLINKPACK_TEST_REGISTRY");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, held) = mpsc::channel();
        let holds = Arc::new(AtomicBool::new(true));
        let (on, seen) = (Arc::clone(&holds), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let to = TcpStream::connect(&registry).expect("the registry");
                let mut back = (
                    to.try_clone().expect("a stream"),
                    from.try_clone().expect("a stream"),
                );
                thread::spawn(move || {
                    let _ = std::io::copy(&mut back.0, &mut back.1);
                });
                let (on, seen, sender) = (Arc::clone(&on), Arc::clone(&seen), sender.clone());
                thread::spawn(move || {
                    let mut way = Way {
                        from,
                        to,
                        left: None,
                    };
                    while let Some(part) = way.next() {
                        // The client waits for each answer, so a request begins a part.
                        if part.starts_with(b"PATCH ")
                            && seen.fetch_add(1, Ordering::SeqCst) == chunks
                        {
                            way.left = Some(bytes);
                        }
                        if !on.load(Ordering::SeqCst) {
                            way.left = None;
                        }
                        if !way.pass(&part) {
                            let _ = sender.send(());
                            // The client is killed now; the registry sees it go.
                            while way.next().is_some() {}
                            return;
                        }
                    }
                });
            }
        });
        Proxy {
            address,
            held,
            holds,
        }
    }
}

/// From the client to the registry.
struct Way {
    from: TcpStream,
    to: TcpStream,
    /// Bytes that still pass.
    left: Option<usize>,
}

impl Way {
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut part = vec![0; 64 << 10];
        let read = self.from.read(&mut part).ok().filter(|read| *read > 0)?;
        part.truncate(read);
        Some(part)
    }

    /// `false` where no more may pass.
    fn pass(&mut self, part: &[u8]) -> bool {
        let Some(left) = &mut self.left else {
            return self.to.write_all(part).is_ok();
        };
        let passing = part.len().min(*left);
        *left -= passing;
        let ends = *left == 0;
        let _ = self.to.write_all(&part[..passing]);
        !ends
    }
}

/// Kills a push at its tenth chunk after so many bytes of it; bytes that the
/// next run sends.
fn bytes_after_a_kill(bytes: usize) -> u64 {
    let proxy = Proxy::start(9, bytes);
    let repository = format!(
        "{}/flinkpack-test/killed-{}-{bytes}",
        proxy.address,
        std::process::id()
    );
    let text = HEAD.replace("registry.test/team/orders", &repository);
    let mut project =
        Project::with_manifest(&format!("{text}[files]\n\"/opt/big.bin\" = \"big.bin\"\n"));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    let time = std::time::UNIX_EPOCH.elapsed().expect("a time").as_nanos() as u64;
    noise(&project.path("big.bin"), SIZE as usize, time);
    alone(&mut project);
    project.set("FLINKPACK_UPLOAD_CHUNK", (CHUNK >> 20).to_string());
    let mut child = project
        .command(&["build", "--push"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let held = proxy.held.recv_timeout(Duration::from_secs(100));
    // SIGKILL.
    child.kill().expect("a signal");
    child.wait().expect("an end");
    held.expect("the tenth chunk");
    proxy.holds.store(false, Ordering::SeqCst);
    let run = project.ok(&["build", "--push", "--format", "json", "-v"]);
    let status = run.json()["layers"].to_string();
    assert!(status.contains("uploaded"), "{status}");
    run.json()["transferred"]["registry_bytes"]
        .as_u64()
        .expect("a number")
}

#[test]
fn a_push_killed_between_two_chunks_goes_on_there() {
    let sent = bytes_after_a_kill(0);
    let left = SIZE - 9 * CHUNK;
    assert!(
        sent > left && sent < left + (1 << 20),
        "{sent}, of which {left} are the layer's"
    );
}

#[test]
fn a_push_killed_within_a_chunk_ends_right() {
    // Docker's registry (2.8) gives up a session whose request broke off in
    // its body, so all is sent again.
    let sent = bytes_after_a_kill(1 << 20);
    assert!(sent < SIZE + (1 << 20), "{sent}");
}
