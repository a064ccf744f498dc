//! JARs that are made, where no real one is wrong in that way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::super::script;
use crate::support::classes::class;
use crate::support::project::{Run, jar};

const OBJECT: &str = "java/lang/Object";
const FACTORY: &str = "META-INF/services/org.apache.flink.table.factories.Factory";

/// A file of a distribution that the bases are made of.
pub fn of_flink(version: &str, folder: &str, begin: &str) -> Vec<u8> {
    let folder = PathBuf::from(script("distribution", &[version])).join(folder);
    let files = std::fs::read_dir(&folder).expect("a folder");
    let mut paths = files.map(|file| file.expect("a file").path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(begin)
    };
    let path = paths.find(is_it).expect("a JAR");
    std::fs::read(path).expect("a JAR")
}

/// What these sources compile to, for Java 8 and Flink 1.13.
fn compiled(name: &str, sources: &[PathBuf]) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e-proof-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    let lib = format!("{}/lib/*", script("distribution", &["1.13.6"]));
    let mut javac = Command::new("javac");
    javac.args(["--release", "8", "-nowarn", "-cp", &lib, "-d"]);
    javac.arg(&folder).args(sources);
    let run = Run::of(javac.output().expect("javac runs"));
    assert_eq!(run.code, 0, "javac: {}{}", run.stdout, run.stderr);
    let mut classes = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(below) = folders.pop() {
        for file in std::fs::read_dir(&below).expect("a folder") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&folder).expect("a path below");
            let bytes = std::fs::read(&path).expect("a class");
            classes.push((name.display().to_string(), bytes));
        }
    }
    classes.sort();
    classes
}

fn whole(classes: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<(&str, &[u8])> = classes
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    jar(&entries)
}

/// A job of SQL statements, which are its arguments.
pub fn statements() -> Vec<u8> {
    static JAR: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/java/Statements.java");
        whole(&compiled("statements", &[source]))
    });
    JAR.clone()
}

/// A job `Converts` in one package, and the library `Rates` that it calls in
/// another.
fn job_and_library(job: &str, package: &str) -> Vec<(String, Vec<u8>)> {
    let name = format!("{job}-{package}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e-proof-{name}-src"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let of_job = match job {
        "" => String::new(),
        _ => format!("package {job};"),
    };
    let sources = [
        (
            "Rates.java",
            format!(
                "package {package}; public class Rates {{ public static int of(String of) {{ return of.length(); }} }}"
            ),
        ),
        (
            "Converts.java",
            format!(
                "{of_job} public class Converts {{ public static void main(String[] args) {{ System.out.println(\"converted by \" + {package}.Rates.of(\"EUR\")); }} }}"
            ),
        ),
    ];
    let paths = sources.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a source");
        path
    });
    compiled(&name, &paths)
}

/// A job `Converts` with the library that it calls, in this package.
pub fn converts(package: &str) -> Vec<u8> {
    whole(&job_and_library("", package))
}

/// The same job with its library in a JAR inside.
pub fn nested() -> Vec<u8> {
    let (library, job): (Vec<_>, Vec<_>) = job_and_library("", "com.example.rates")
        .into_iter()
        .partition(|(name, _)| name.ends_with("/Rates.class"));
    whole(&[job, vec![("lib/rates.jar".to_string(), whole(&library))]].concat())
}

/// A JAR, signed with a key that is made for it.
fn signed(name: &str, bytes: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (keys, jar) = (folder.path().join("keys"), folder.path().join(name));
    std::fs::write(&jar, bytes).expect("a JAR");
    let run = |tool: &str, args: &[&str]| {
        let mut command = Command::new(tool);
        command.args([
            "-keystore",
            &keys.display().to_string(),
            "-storepass",
            "changeit",
        ]);
        let run = Run::of(command.args(args).output().expect("a tool of the JDK"));
        assert_eq!(run.code, 0, "{tool}: {}{}", run.stdout, run.stderr);
    };
    let key = [
        "-genkeypair",
        "-alias",
        "test",
        "-keyalg",
        "RSA",
        "-dname",
        "CN=test",
    ];
    run("keytool", &key);
    run(
        "jarsigner",
        &["-digestalg", "SHA-256", &jar.display().to_string(), "test"],
    );
    std::fs::read(&jar).expect("a JAR")
}

/// A signed job, of whose library a class was changed afterwards.
pub fn signed_and_changed() -> Vec<u8> {
    let bytes = signed("job.jar", &converts("com.example.rates"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a JAR");
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).expect("an entry");
        let (name, mut bytes) = (file.name().to_string(), Vec::new());
        std::io::copy(&mut file, &mut bytes).expect("an entry");
        entries.push((name, bytes));
    }
    let old = class("com/example/rates/Rates", OBJECT).bytes();
    for (name, bytes) in &mut entries {
        if name.ends_with("/Rates.class") {
            bytes.clone_from(&old);
        }
    }
    whole(&entries)
}

/// A job, and in a signed JAR its library of the same package.
pub fn half_signed() -> Vec<(&'static str, Vec<u8>)> {
    let (library, job): (Vec<_>, Vec<_>) =
        job_and_library("com.example.rates", "com.example.rates")
            .into_iter()
            .partition(|(name, _)| name.ends_with("/Rates.class"));
    vec![
        ("job.jar", whole(&job)),
        ("rates.jar", signed("rates.jar", &whole(&library))),
    ]
}

/// The same library before it could do what the job calls.
pub fn old_rates(package: &str) -> Vec<u8> {
    let name = format!("{}/Rates", package.replace('.', "/"));
    jar(&[(&format!("{name}.class"), &class(&name, OBJECT).bytes())])
}

/// A main class whose super class is nowhere.
pub fn orphan() -> Vec<u8> {
    jar(&[(
        "com/example/Job.class",
        &class("com/example/Job", "com/example/Gone").bytes(),
    )])
}

/// A services file that names a class which is nowhere.
pub fn gone() -> Vec<u8> {
    let other = class("com/example/Other", OBJECT).bytes();
    jar(&[
        ("com/example/Other.class", &other),
        (FACTORY, b"com.example.Gone\n"),
    ])
}

/// A factory for tables of `acme`, without the services file that names it.
pub fn lost() -> Vec<u8> {
    let factory = class("com/example/Acme", OBJECT)
        .implements("org/apache/flink/table/factories/DynamicTableSourceFactory")
        .answers("factoryIdentifier", "acme");
    jar(&[("com/example/Acme.class", &factory.bytes())])
}
