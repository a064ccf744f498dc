//! Many builds: at once on one cache and one daemon, and one after the other
//! with some of them killed. `FLINKPACK_SOAK_AT_ONCE` and
//! `FLINKPACK_SOAK_IN_A_ROW` say how many.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use super::name;
use crate::support::base::TinyBase;
use crate::support::docker::{Docker, wait};
use crate::support::images::noise;
use crate::support::project::{Project, Run, environment, jar};

/// No build takes more, in KiB, whatever else is built at once.
const MEMORY: u64 = 128 << 10;

fn count(name: &str, usual: usize) -> usize {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().expect("a number"))
}

/// A project whose JARs are `connector.jar` and `udf.jar`.
fn project(image: &str, base: &str, cache: &Path) -> Project {
    let mut project = Project::with_manifest(&format!(
        "[image]\nname = \"{image}\"\ntags = [\"1\"]\nbase = \"{base}\"\n\
         [connectors]\nconnector = {{ path = \"connector.jar\" }}\n[udfs]\nudf = {{ path = \"udf.jar\" }}\n"
    ));
    project.set("FLINKPACK_CACHE_DIR", cache.display().to_string());
    write_jar(&project, "connector.jar", 2 << 20, 1);
    project
}

/// A JAR of so many bytes that do not compress, the same for the same seed.
fn write_jar(project: &Project, name: &str, size: usize, seed: u64) {
    project.write(name, jar(&[("noise", &noise(seed, size))]));
}

fn digest_of(run: &Run) -> String {
    let (_, digest) = run.stdout.trim().rsplit_once('@').expect("a digest");
    digest.to_string()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_in(&path)),
            path => found.push(path),
        }
    }
    found.sort();
    found
}

/// The most memory that a process had so far, in KiB.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The files and sockets that the daemon has open; `None` where that is secret.
fn open_in_daemon(docker: &Docker) -> Option<usize> {
    let socket = docker.host().strip_prefix("unix://")?;
    let pid = fs::read_to_string(Path::new(socket).with_extension("pid")).ok()?;
    let open = fs::read_dir(format!("/proc/{}/fd", pid.trim())).ok()?;
    Some(open.count())
}

/// Builds whose connections stay open would be as many as there were builds.
/// Other tests use the daemon at the same time, and a container of theirs has a
/// dozen files open: so it takes a hundred builds to tell.
fn check_daemon(docker: &Docker, before: Option<usize>, builds: usize) {
    let slack = (builds / 2).max(48);
    wait("the daemon closes what was opened", 60, || {
        let now = open_in_daemon(docker);
        println!("open in the daemon: {now:?}, before: {before:?}");
        (now <= before.map(|before| before + slack)).then_some(())
    });
}

#[test]
fn many_builds_at_once_on_one_cache_and_one_daemon() {
    let builds = count("FLINKPACK_SOAK_AT_ONCE", 12);
    let cache = tempfile::tempdir().expect("a folder");
    let docker = Docker::classic();
    let before = open_in_daemon(&docker);
    let base = environment("FLINKPACK_TEST_BASE_1_20");
    let variants = (builds / 4).max(2) as u64;
    let begun = Instant::now();
    let mut running = Vec::new();
    for number in 0..builds as u64 {
        let image = name(&format!("soak-{number}"));
        let project = project(&image, &base, cache.path());
        write_jar(&project, "udf.jar", 1 << 20, 10 + number % variants);
        let image = format!("{image}:1");
        let tag = docker.removed_later(&image);
        let mut command = project.command(&["build", "--no-check", "--format", "json"]);
        let output = fs::File::create(project.path("stdout")).expect("a file");
        let errors = fs::File::create(project.path("stderr")).expect("a file");
        let child = command.stdout(output).stderr(errors).spawn();
        running.push((number, image, project, tag, child.expect("it starts")));
    }
    let mut peaks = vec![0; builds];
    let mut codes: Vec<Option<bool>> = vec![None; builds];
    while codes.contains(&None) {
        for (at, (.., child)) in running.iter_mut().enumerate() {
            peaks[at] = peaks[at].max(peak(child));
            if let Some(status) = child.try_wait().expect("a state") {
                codes[at] = Some(status.success());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = begun.elapsed();
    let mut digests: BTreeMap<u64, String> = BTreeMap::new();
    for (at, (number, image, project, ..)) in running.iter().enumerate() {
        let errors = project.read("stderr");
        assert_eq!(codes[at], Some(true), "{errors}");
        // Its facts are in its label, and its manifest is in the registry.
        assert!(!errors.contains("reading"), "build {number}: {errors}");
        let outcome: serde_json::Value =
            serde_json::from_str(&project.read("stdout")).expect("JSON");
        let digest = outcome["digest"].as_str().expect("a digest").to_string();
        let first = digests.entry(number % variants).or_insert(digest.clone());
        assert_eq!(*first, digest, "build {number}");
        let id = docker.ok(&["image", "inspect", "--format", "{{.Id}}", image]);
        assert_eq!(id, outcome["image_id"].as_str().expect("an ID"), "{image}");
    }
    let mut different: Vec<&String> = digests.values().collect();
    different.sort();
    different.dedup();
    assert_eq!(different.len() as u64, variants);
    let left = files_in(&cache.path().join("tmp"));
    assert!(left.is_empty(), "{left:?}");
    let most = peaks.iter().max().copied().unwrap_or_default();
    println!("{builds} builds at once: {took:?}, at most {most} KiB each");
    assert!(most < MEMORY, "{most} KiB");
    check_daemon(&docker, before, builds);
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[test]
fn builds_in_a_row_of_which_some_are_killed() {
    const VARIANTS: u64 = 5;
    const PLACES: [&[&str]; 3] = [&["--load"], &["--push"], &["--output", "oci:out"]];
    let builds = count("FLINKPACK_SOAK_IN_A_ROW", 60);
    let docker = Docker::classic();
    let before = open_in_daemon(&docker);
    let cache = tempfile::tempdir().expect("a folder");
    let image = name("soak-row");
    let project = project(&image, "oci:base", cache.path());
    let _tag = docker.removed_later(format!("{image}:1"));
    TinyBase::flink("1.20.5").write(&project.path("base"));
    let vary = |variant: u64| write_jar(&project, "udf.jar", 300_000, 100 + variant);
    let arguments = |place: &[&'static str]| [&["build"], place].concat();

    let mut digests = Vec::new();
    let begun = Instant::now();
    for variant in 0..VARIANTS {
        vary(variant);
        let run = project.ok(&arguments(PLACES[2]));
        for place in &PLACES[..2] {
            project.ok(&arguments(place));
        }
        digests.push(digest_of(&run));
    }
    let mut usual = begun.elapsed() / (VARIANTS as u32 * 3);
    let kept = files_in(cache.path()).len();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut killed, mut right, mut most) = (0, 0, 0);
    for round in 0..builds {
        let variant = dice.below(VARIANTS);
        vary(variant);
        if dice.below(3) == 0 {
            // What is missing in the cache gives the build something to do.
            let files = files_in(cache.path());
            let victim = &files[dice.below(files.len() as u64) as usize];
            if !victim.starts_with(cache.path().join("locks")) {
                let _ = fs::remove_file(victim);
            }
        }
        let arguments = arguments(PLACES[dice.below(3) as usize]);
        let mut command = project.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().expect("it starts");
        let is_victim = dice.below(2) == 0;
        if is_victim {
            std::thread::sleep(usual * dice.below(100) as u32 / 100);
            most = most.max(peak(&child));
            let _ = child.kill();
        }
        let run = Run::of(child.wait_with_output().expect("it ends"));
        if !is_victim {
            // The machine may be slow now and fast then.
            usual = (usual * 3 + started.elapsed()) / 4;
        }
        match run.code {
            0 if arguments.contains(&"--output") || arguments.contains(&"--push") => {
                let told = format!("round {round}, {arguments:?}");
                assert_eq!(digest_of(&run), digests[variant as usize], "{told}");
                right += 1;
            }
            0 => right += 1,
            -1 => killed += 1,
            code => panic!("round {round}, {arguments:?}: {code}\n{}", run.stderr),
        }
    }
    println!(
        "{builds} builds in a row: {:?}, {right} right, {killed} killed, at most {most} KiB",
        begun.elapsed()
    );
    assert!(killed * 8 > builds, "{killed} of {builds} were killed");
    assert!(most < MEMORY, "{most} KiB");

    // What the killed left goes with the first build after it is nobody's.
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let folders = [cache.path().join("tmp"), project.folder()];
    let leftovers = || {
        let all = folders.iter().flat_map(|folder| files_in(folder));
        let is_temporary = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.starts_with(&folders[0]) || name.starts_with(".flinkpack-")
        };
        all.filter(is_temporary).collect::<Vec<_>>()
    };
    let left = leftovers();
    println!("left by the killed: {}", left.len());
    for path in &left {
        let file = fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(long_ago))
            .expect("a time");
    }
    fs::remove_dir_all(cache.path().join("layers")).expect("layers");
    fs::remove_file(project.path("flinkpack.lock")).expect("the lock");
    for blob in files_in(&project.path("out/blobs")) {
        let is_temporary = blob.to_string_lossy().contains("/.flinkpack-");
        if !is_temporary {
            fs::remove_file(blob).expect("a blob");
        }
    }
    for variant in 0..VARIANTS {
        vary(variant);
        for place in PLACES.iter().rev() {
            let run = project.ok(&arguments(place));
            if *place != PLACES[0] {
                assert_eq!(digest_of(&run), digests[variant as usize]);
            }
        }
    }
    assert_eq!(leftovers(), Vec::<PathBuf>::new());
    let now = files_in(cache.path()).len();
    println!("files in the cache: {kept} after the first builds, {now} now");
    assert!(
        now <= kept + 2 * VARIANTS as usize,
        "{now}, and {kept} before"
    );

    project.ok(&["cache", "prune", "--max-size", "1M"]);
    let size = project.ok(&["cache", "size", "--format", "json"]).json();
    assert!(
        size["bytes"].as_u64().is_some_and(|bytes| bytes <= 1 << 20),
        "{size}"
    );
    assert_eq!(
        digest_of(&project.ok(&arguments(PLACES[2]))),
        digests[VARIANTS as usize - 1]
    );
    check_daemon(&docker, before, builds);
}
