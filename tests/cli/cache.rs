//! A cache that is damaged, shared, or left behind by a killed process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use super::{digest_of, project, repository, small_jar};
use crate::support::maven::Server;
use crate::support::project::{Project, Run, noise};

const BUILD: &[&str] = &["build", "--output", "oci:out"];

/// A project with a JAR of each kind, and the server of its repository.
fn mixed() -> (Project, Server) {
    let project = project(
        "[connectors]\nacme = { maven = \"com.example:acme:1.0\" }\n[udfs]\nrisk = { path = \"risk.jar\" }\n\
         [filesystems]\noss = { place = \"copy\" }\n[config]\na = 1\n[files]\n\"/opt/big.bin\" = \"big.bin\"\n",
    );
    let server = repository(&project);
    server.release("com.example:acme:1.0", &small_jar("Acme"), "");
    project.write("risk.jar", small_jar("Risk"));
    noise(&project.path("big.bin"), 3 << 20, 7);
    (project, server)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Each build writes to a new folder, so that it needs every blob.
fn build_anew(project: &Project) -> Run {
    let _ = fs::remove_dir_all(project.path("out"));
    project.run(BUILD)
}

#[test]
fn whatever_is_damaged_is_made_again() {
    let (project, _server) = mixed();
    let digest = digest_of(&project.ok(BUILD).stdout);
    let files = files_in(&project.cache());
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        if file.components().any(|part| part.as_os_str() == "locks") {
            continue;
        }
        let good = fs::read(&file).unwrap();
        for (how, bad) in [
            ("a flipped bit", flipped(&good)),
            ("cut off", good[..good.len() / 2].to_vec()),
            ("empty", Vec::new()),
        ] {
            fs::write(&file, &bad).unwrap();
            let run = build_anew(&project);
            let name = file.strip_prefix(project.cache()).unwrap().display();
            assert_eq!(run.code, 0, "{name}, {how}: {}", run.stderr);
            assert_eq!(digest_of(&run.stdout), digest, "{name}, {how}");
            check_layout(&project.path("out"));
        }
        if file.exists() {
            fs::write(&file, &good).unwrap();
        }
    }
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    bytes
}

/// Every blob is what its name says.
fn check_layout(layout: &Path) {
    for file in files_in(&layout.join("blobs/sha256")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_string();
        super::blob(layout, &name);
    }
}

#[test]
fn a_corrupted_download_is_fetched_again() {
    let (project, server) = mixed();
    let digest = digest_of(&project.ok(BUILD).stdout);
    let jar = small_jar("Acme");
    let blob = project
        .cache()
        .join("blobs/sha256")
        .join(flinkpack::image::Digest::of(&jar).hex());
    fs::write(&blob, flipped(&jar)).unwrap();
    fs::remove_dir_all(project.cache().join("layers")).unwrap();
    let asked = server.asked().len();
    let run = build_anew(&project);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(digest_of(&run.stdout), digest);
    assert!(server.asked().len() > asked, "it was fetched");
    assert_eq!(fs::read(&blob).unwrap(), jar);
}

#[test]
fn many_builds_at_once_on_one_cache_and_project() {
    let (project, server) = mixed();
    let mut digests = Vec::new();
    let mut read = 0;
    for round in 0..3 {
        let children: Vec<_> = (0..8)
            .map(|_| {
                project
                    .command(BUILD)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "round {round}: {}", run.stderr);
            digests.push(digest_of(&run.stdout));
            read += run.stderr.matches(", layer 1: read").count();
        }
        assert_eq!(read, 1, "one reads the base, the others wait for it");
        let fetched = server
            .paths()
            .iter()
            .filter(|path| path.ends_with("acme-1.0.jar"))
            .count();
        assert_eq!(fetched, 1, "one fetches, the others wait for it");
        check_layout(&project.path("out"));
        if round == 1 {
            fs::remove_dir_all(project.path("out")).unwrap();
        }
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    assert!(
        fs::read_dir(project.cache().join("tmp"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn killed_at_any_moment_the_next_run_is_right() {
    let (project, _server) = mixed();
    let begun = std::time::Instant::now();
    let digest = digest_of(&project.ok(BUILD).stdout);
    let mut whole = begun.elapsed();
    let mut killed = 0;
    for round in 0..15u32 {
        if round % 3 != 2 {
            let _ = fs::remove_dir_all(project.cache());
        }
        for blob in files_in(&project.path("out")) {
            let name = blob.file_name().unwrap().to_str().unwrap();
            if !name.starts_with('.') {
                fs::remove_file(blob).unwrap();
            }
        }
        let _ = fs::remove_file(project.path("flinkpack.lock"));
        let mut child = project
            .command(BUILD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wait = whole * (round + 1) / 16;
        std::thread::sleep(wait);
        let _ = child.kill();
        match child.wait().unwrap().success() {
            // A machine that got faster meanwhile.
            true => whole = whole.min(wait),
            false => killed += 1,
        }
        let run = project.run(BUILD);
        assert_eq!(run.code, 0, "round {round}: {}", run.stderr);
        assert_eq!(digest_of(&run.stdout), digest, "round {round}");
        check_layout_but_leftovers(&project.path("out"));
    }
    assert!(killed >= 5, "{killed} of 15 were killed in time");

    // What the killed left behind goes when it is old enough to be nobody's.
    let left: Vec<PathBuf> = leftovers(&project);
    for file in &left {
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    let _ = fs::remove_dir_all(project.cache().join("layers"));
    let _ = fs::remove_file(project.path("flinkpack.lock"));
    for blob in fs::read_dir(project.path("out/blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        if !blob.file_name().to_string_lossy().starts_with('.') {
            fs::remove_file(blob.path()).unwrap();
        }
    }
    project.ok(BUILD);
    assert_eq!(leftovers(&project), Vec::<PathBuf>::new());
}

fn check_layout_but_leftovers(layout: &Path) {
    for file in files_in(&layout.join("blobs/sha256")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_string();
        if !name.starts_with('.') {
            super::blob(layout, &name);
        }
    }
}

/// Temporary files in the cache and in the project.
fn leftovers(project: &Project) -> Vec<PathBuf> {
    let folders = [project.cache(), project.folder()];
    folders
        .iter()
        .flat_map(|folder| files_in(folder))
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            path.parent().unwrap().ends_with("tmp") || name.starts_with(".flinkpack-")
        })
        .collect()
}

#[test]
fn temporary_files_of_a_living_process_stay() {
    let (project, _server) = mixed();
    project.ok(BUILD);
    let tmp = project.cache().join("tmp");
    let (dead, alive) = (tmp.join("blob-dead"), tmp.join("blob-alive"));
    for path in [&dead, &alive] {
        fs::write(path, "x").unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    let held = fs::File::open(&alive).unwrap();
    held.lock().unwrap();
    let young = tmp.join("blob-young");
    fs::write(&young, "x").unwrap();
    fs::remove_dir_all(project.cache().join("layers")).unwrap();
    build_anew(&project);
    assert!(!dead.exists());
    assert!(alive.exists(), "a process holds its lock");
    assert!(
        young.exists(),
        "it may be a moment before its lock is taken"
    );
}

#[test]
fn size_dir_and_prune() {
    let (project, _server) = mixed();
    let run = project.ok(&["cache", "dir"]);
    assert_eq!(run.stdout.trim(), project.cache().display().to_string());
    assert!(!project.cache().exists(), "looking makes nothing");
    let empty = project.ok(&["cache", "size", "--format", "json"]).json();
    assert_eq!(empty["bytes"], 0);

    let digest = digest_of(&project.ok(BUILD).stdout);
    let full = project.ok(&["cache", "size", "--format", "json"]).json();
    let parts: u64 = full["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["bytes"].as_u64().unwrap())
        .sum();
    assert_eq!(full["bytes"], parts);
    assert!(parts > 3 << 20, "{full}");
    let text = project.ok(&["cache", "size"]).stdout;
    assert!(
        text.starts_with(&project.cache().display().to_string()),
        "{text}"
    );
    assert!(text.contains("blobs"), "{text}");

    let kept = project.ok(&["cache", "prune", "--format", "json"]).json();
    assert_eq!(kept["files"], 0, "all is fresh");
    let gone = project.ok(&["cache", "prune", "--all"]);
    assert!(gone.stdout.starts_with("deleted "), "{}", gone.stdout);
    assert_eq!(
        project.ok(&["cache", "size", "--format", "json"]).json()["bytes"],
        0
    );
    let run = build_anew(&project);
    assert_eq!(digest_of(&run.stdout), digest);
}

/// As if it was used last so long ago.
fn age(path: &Path, by: Duration) {
    let time = SystemTime::now() - by;
    let times = fs::FileTimes::new().set_accessed(time).set_modified(time);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_times(times).unwrap();
}

#[test]
fn a_bound_takes_what_was_used_least_lately() {
    let (mut project, _server) = mixed();
    project.ok(BUILD);
    let day = Duration::from_secs(86_400);
    let old = project.cache().join("blobs/sha256").join("0".repeat(64));
    let older = project.cache().join("blobs/sha256").join("1".repeat(64));
    for (path, days) in [(&old, 2), (&older, 3)] {
        noise(path, 8 << 20, 1);
        age(path, day * days);
    }
    // Both fit, then one, and what is in use stays whatever the size.
    project.ok(&["cache", "prune", "--max-size", "30M"]);
    assert!(old.exists() && older.exists());
    project.ok(&["cache", "prune", "--max-size", "15M"]);
    assert!(old.exists() && !older.exists());
    project.set("FLINKPACK_CACHE_MAX_SIZE", "1k");
    project.write("risk.jar", small_jar("Other"));
    let run = project.ok(BUILD);
    assert!(run.stderr.contains("from the cache"), "{}", run.stderr);
    assert!(!old.exists());
    let digest = digest_of(&run.stdout);
    assert_eq!(digest_of(&build_anew(&project).stdout), digest);

    // A blob that every build relies on is in use, though none reads it.
    for file in files_in(&project.cache().join("blobs")) {
        age(&file, day * 40);
    }
    project.ok(BUILD);
    project.write("risk.jar", small_jar("Third"));
    project.ok(BUILD);
    let big = files_in(&project.cache().join("blobs"));
    let big = big
        .iter()
        .find(|path| path.metadata().unwrap().len() > 3 << 20);
    assert!(big.is_some_and(|path| path.exists()));
    project.set("FLINKPACK_CACHE_MAX_SIZE", "1G");
    let left = project.ok(&["cache", "prune"]);
    assert!(!left.stdout.is_empty());
    assert!(big.is_some_and(|path| path.exists()), "{}", left.stdout);

    let run = project.fails(2, &["cache", "prune", "--max-size", "much"]);
    assert!(run.stderr.contains("500M"), "{}", run.stderr);
}

#[test]
fn a_cache_that_cannot_be_written_is_told() {
    let (mut project, _server) = mixed();
    let file = project.write("occupied", "a file");
    project.set("FLINKPACK_CACHE_DIR", file.display().to_string());
    let run = project.fails(1, BUILD);
    assert!(run.stderr.contains("occupied"), "{}", run.stderr);
    project.set("FLINKPACK_CACHE_DIR", "");
    project.set("HOME", "");
    let run = project.fails(1, BUILD);
    assert!(run.stderr.contains("FLINKPACK_CACHE_DIR"), "{}", run.stderr);
}
