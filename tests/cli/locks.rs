//! The lock file.

use super::transcript::Transcript;
use super::{project, repository, small_jar};
use crate::support::maven::{Reply, Server};
use crate::support::project::Project;

const BUILD: &[&str] = &["build", "--output", "oci:out"];

fn two_udfs() -> Project {
    let project =
        project("[udfs]\nrisk = { path = \"risk.jar\" }\nfraud = { path = \"fraud.jar\" }\n");
    project.write("risk.jar", small_jar("Risk"));
    project.write("fraud.jar", small_jar("Fraud"));
    project
}

fn add(project: &Project, text: &str) {
    let old = project.read("flinkpack.toml");
    project.write("flinkpack.toml", format!("{old}{text}"));
}

#[test]
fn it_is_made_to_be_read() {
    let project = two_udfs();
    add(&project, "[filesystems]\noss = {}\n");
    project.ok(BUILD);
    let mut transcript = Transcript::new();
    let host = flinkpack::image::Platform::host().to_string();
    let lock = crate::support::project::Run {
        code: 0,
        stdout: project.read("flinkpack.lock"),
        stderr: String::new(),
    };
    transcript.add("flinkpack.lock", &project, &lock, &[(&host, "[host]")]);
    transcript.check("lock_file");
}

#[test]
fn the_order_in_the_manifest_does_not_matter() {
    let project = two_udfs();
    project.ok(BUILD);
    let lock = project.read("flinkpack.lock");
    project.write(
        "flinkpack.toml",
        format!(
            "{}[udfs]\nfraud = {{ path = \"fraud.jar\" }}\nrisk = {{ path = \"risk.jar\" }}\n",
            super::HEAD
        ),
    );
    project.ok(&["build", "--locked", "--output", "oci:out"]);
    project.ok(&["lock"]);
    assert_eq!(project.read("flinkpack.lock"), lock);
}

#[test]
fn locked_builds_what_the_lock_has_and_nothing_else() {
    let mut transcript = Transcript::new();
    let project = two_udfs();
    let run = project.fails(1, &["build", "--locked", "--output", "oci:out"]);
    transcript.failure("there is no lock", &project, &run, &[]);
    let run = project.fails(3, &["lock", "--check"]);
    transcript.failure("lock --check without a lock", &project, &run, &[]);

    project.ok(&["lock"]);
    let lock = project.read("flinkpack.lock");
    project.ok(&["lock", "--check"]);
    project.ok(&["build", "--locked", "--output", "oci:out"]);
    assert_eq!(project.read("flinkpack.lock"), lock);

    project.write("risk.jar", small_jar("Changed"));
    project.write("new.jar", small_jar("New"));
    project.write(
        "flinkpack.toml",
        format!("{}[udfs]\nrisk = {{ path = \"risk.jar\" }}\nnew = {{ path = \"new.jar\" }}\n[filesystems]\noss = {{}}\n", super::HEAD),
    );
    let run = project.fails(1, &["build", "--locked", "--output", "oci:locked"]);
    transcript.failure("the manifest asks for more", &project, &run, &[]);
    let run = project.fails(3, &["lock", "--check"]);
    transcript.failure("lock --check", &project, &run, &[]);
    assert_eq!(project.read("flinkpack.lock"), lock, "neither changes it");
    assert!(!project.path("locked").exists());
    let mut run = project.ok(&["lock"]);
    run.stderr.clear();
    transcript.add("lock", &project, &run, &[]);
    project.ok(&["lock", "--check"]);
    project.ok(&["build", "--locked", "--output", "oci:out"]);
    transcript.check("locked");
}

#[test]
fn another_base_is_a_difference() {
    let project = two_udfs();
    project.ok(BUILD);
    crate::support::base::TinyBase::flink("1.20.4").write(&project.path("base"));
    let run = project.fails(1, &["build", "--locked", "--output", "oci:out"]);
    assert!(
        run.stderr.contains("base oci:base: sha256:"),
        "{}",
        run.stderr
    );
    let run = project.fails(3, &["lock", "--check"]);
    assert!(run.stderr.contains("base oci:base"), "{}", run.stderr);
    let run = project.ok(BUILD);
    assert!(run.stderr.contains("moved"), "{}", run.stderr);
    assert!(
        project
            .read("flinkpack.lock")
            .contains("flink = \"1.20.4\"")
    );
}

#[test]
fn lock_files_that_cannot_be_read_are_told() {
    let mut transcript = Transcript::new();
    let mut case = |title: &str, change: &dyn Fn(String) -> String| {
        let project = two_udfs();
        project.ok(&["lock"]);
        let broken = change(project.read("flinkpack.lock"));
        project.write("flinkpack.lock", &broken);
        let run = project.fails(2, BUILD);
        transcript.failure(title, &project, &run, &[]);
        assert_eq!(
            project.read("flinkpack.lock"),
            broken,
            "{title}: it stays as it is"
        );
    };
    case("a newer one", &|text| {
        text.replace("version = 1\n", "version = 2\n")
    });
    case("empty", &|_| String::new());
    case("merge conflicts in it", &|text| {
        format!("<<<<<<< HEAD\n{text}=======\n>>>>>>> other\n")
    });
    case("an unknown key", &|text| {
        text.replace("[base]\n", "[base]\nnew = 1\n")
    });
    case("a size that is none", &|text| {
        text.replacen("size = ", "size = -", 1)
    });
    case("a checksum that is none", &|text| {
        text.replacen("sha256 = \"", "sha256 = \"zz", 1)
    });
    case("a JAR from nowhere", &|text| {
        text.replacen("file = ", "# file = ", 1)
    });
    transcript.check("lock_broken");
}

/// A connector that the repository has.
fn by_maven() -> (Project, Server) {
    let project = project("[connectors]\nacme = { maven = \"com.example:acme:1.0\" }\n");
    let server = repository(&project);
    server.release("com.example:acme:1.0", &small_jar("Acme"), "");
    (project, server)
}

#[test]
fn content_that_the_lock_does_not_pin_is_refused() {
    let (project, server) = by_maven();
    project.ok(BUILD);
    let lock = project.read("flinkpack.lock");
    std::fs::remove_dir_all(project.cache()).unwrap();
    server.release("com.example:acme:1.0", &small_jar("Evil"), "");
    let mut transcript = Transcript::new();
    let port = server.url("/").port().unwrap().to_string();
    let run = project.fails(1, &["build", "--output", "oci:other"]);
    transcript.failure("build", &project, &run, &[(&port, "[port]")]);
    let run = project.fails(1, &["build", "--locked", "--output", "oci:other"]);
    transcript.failure("build --locked", &project, &run, &[(&port, "[port]")]);
    transcript.check("lock_mismatch");
    assert_eq!(project.read("flinkpack.lock"), lock);
}

#[test]
fn upgrade_looks_again_for_what_it_is_told() {
    let project = project(
        "[connectors]\na = { url = \"[server]/a.jar\" }\nb = { url = \"[server]/b.jar\" }\n",
    );
    let server = Server::start();
    let text = project.read("flinkpack.toml");
    project.write(
        "flinkpack.toml",
        text.replace("[server]/", server.url("/").as_str()),
    );
    let put = |name: &str, content: &str| {
        server.on(&format!("/{name}.jar"), [Reply::ok(small_jar(content))]);
    };
    put("a", "A1");
    put("b", "B1");
    project.ok(&["lock"]);
    let first = project.read("flinkpack.lock");
    put("a", "A2");
    put("b", "B2");
    project.ok(&["lock"]);
    assert_eq!(project.read("flinkpack.lock"), first, "pinned is pinned");
    let run = project.ok(&["lock", "--upgrade", "a"]);
    assert!(
        run.stdout.contains("a: ") && !run.stdout.contains("b: "),
        "{}",
        run.stdout
    );
    let second = project.read("flinkpack.lock");
    let sums = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with("sha256"))
            .map(str::to_string)
            .collect()
    };
    assert_ne!(sums(&first)[0], sums(&second)[0]);
    assert_eq!(sums(&first)[1], sums(&second)[1]);
    project.ok(&["lock", "--upgrade"]);
    assert_ne!(sums(&second)[1], sums(&project.read("flinkpack.lock"))[1]);
    let run = project.run(&["lock", "--upgrade", "nope"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("`nope`"), "{}", run.stderr);
}
