//! The same against a real registry: the one that FLINKPACK_TEST_REGISTRY
//! (host:port, plain http) names.

use flinkpack::image::{LayerKind, Origin, Reference};
use flinkpack::sink::LayerStatus;

use super::Bench;
use crate::support::images::{image, layer, noise, stored};

fn repository(name: &str) -> Reference {
    let host = std::env::var("FLINKPACK_TEST_REGISTRY").expect(
        "this test needs a registry: FLINKPACK_TEST_REGISTRY=host:port (`make up` starts one and writes target/env.sh)",
    );
    // Another run must not find what this one left.
    let run = std::process::id();
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{host}/flinkpack-test/{name}-{run}-{time}")
        .parse()
        .unwrap()
}

#[tokio::test]
async fn push_again_mount_and_pull() {
    let bench = Bench::new();
    let (base, job) = (repository("base"), repository("job"));
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let bytes = noise(time, 5_000_000);
    let first = image(vec![stored(&bench.store, "base", &bytes)]);
    let published = bench.push_to(&first, &base, &["1"]).await.unwrap();
    assert_eq!(published.layers[0], Some(LayerStatus::Uploaded));
    let origin = Origin::Registry(base.clone());
    let second = image(vec![
        layer("base", LayerKind::Base, &bytes, origin),
        stored(&bench.store, "job", &noise(time + 1, 1_000_000)),
    ]);
    let published = bench.push_to(&second, &job, &["1", "2"]).await.unwrap();
    assert_eq!(published.layers[0], Some(LayerStatus::Mounted));
    assert_eq!(published.layers[1], Some(LayerStatus::Uploaded));
    assert!(published.bytes < 1_010_000, "{}", published.bytes);
    let again = bench.push_to(&second, &job, &["1"]).await.unwrap();
    assert_eq!((again.requests, again.bytes), (1, 0));
    // Read back what was sent.
    let other = Bench::new();
    let platform = second.platform.clone();
    let reference = job.with_tag("2").unwrap();
    let found = other
        .registries
        .resolve_platform(&reference, &platform)
        .await
        .unwrap();
    assert_eq!(
        found.fetched.digest,
        second.manifest.as_ref().unwrap().digest
    );
    for descriptor in &found.manifest.layers {
        other
            .registries
            .blob_to_store(&reference, descriptor, &other.store, None)
            .await
            .unwrap();
        assert!(other.store.read_blob(&descriptor.digest).is_some());
    }
    let config = other
        .registries
        .config(&reference, &found.manifest.config)
        .await
        .unwrap();
    assert_eq!(config, second.config);
    assert!(
        other
            .registries
            .head(&job.with_tag("none").unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_upload_that_is_cut_ends_right() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const CUT: usize = 15_000_000;
    let real = repository("cut");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = real.host.clone();
    // Once, the connection ends after so many bytes.
    tokio::spawn(async move {
        let cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        while let Ok((from, _)) = listener.accept().await {
            let to = TcpStream::connect(&host).await.unwrap();
            let cut = cut.clone();
            tokio::spawn(async move {
                let (mut from_read, mut from_write) = from.into_split();
                let (mut to_read, mut to_write) = to.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut to_read, &mut from_write).await });
                let (mut buffer, mut seen) = (vec![0; 64 << 10], 0);
                while let Ok(read @ 1..) = from_read.read(&mut buffer).await {
                    seen += read;
                    let order = std::sync::atomic::Ordering::SeqCst;
                    if seen > CUT && !cut.swap(true, order) {
                        return;
                    }
                    to_write.write_all(&buffer[..read]).await.unwrap();
                }
            });
        }
    });
    let bench = Bench::new();
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let image = image(vec![stored(&bench.store, "big", &noise(time, 20_000_000))]);
    let target = Reference {
        host: address.to_string(),
        ..real.clone()
    };
    bench.push_to(&image, &target, &["1"]).await.unwrap();
    let head = bench.registries.head(&real.with_tag("1").unwrap()).await;
    assert_eq!(
        head.unwrap().unwrap().digest,
        image.manifest.unwrap().digest
    );
    // Docker's registry (2.8) signs the position into a session's address, and
    // cancels a session that is asked for at another one: what was under way
    // is lost with the connection, and the blob begins anew.
    let sent = bench.registries.traffic().sent();
    assert!(sent < 41_000_000, "{sent}: it was sent more than twice");
}
