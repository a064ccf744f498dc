//! The resolver against Maven's own, over real POMs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use flinkpack::catalogue::{Catalogue, VersionRequest};
use flinkpack::maven::{Answer, Context, Next, RawPom, Request, Resolution, pom};
use futures_util::StreamExt;

use super::generate::Repository;
use super::oracle::{Oracle, answers_of, write};

/// Roots: each line is resolved as one project with these dependencies.
const ROOTS: &str = include_str!("roots.txt");

/// Every release in the catalogue whose JAR does not hold what it needs, with what
/// comes with it.
fn thin() -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for entry in Catalogue::embedded().entries() {
        for release in entry
            .releases
            .iter()
            .filter(|release| !release.artifact.fat)
        {
            for minor in &release.flink {
                let scalas = release
                    .artifact
                    .scala
                    .iter()
                    .map(|scala| Some(scala.as_str()));
                let none = release.artifact.scala.is_empty().then_some(None);
                for scala in scalas.chain(none) {
                    let wanted = VersionRequest::Exact(&release.artifact.version);
                    let selected = entry.select(wanted, &format!("{minor}.0"), scala);
                    let selected = selected.expect("a release of its own");
                    let coordinates = [selected.coordinates].into_iter().chain(selected.with);
                    let coordinates = coordinates.map(|one| one.to_string());
                    out.insert(coordinates.collect::<Vec<_>>().join(" "));
                }
            }
        }
    }
    out
}

/// POMs of the repository that the installed Maven uses, kept between runs.
struct Poms {
    central: String,
    folder: PathBuf,
    client: reqwest::Client,
}

impl Poms {
    fn new() -> Poms {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let told = Command::new(root.join("tests/env/central")).output();
        let told = told.expect("tests/env/central");
        let central = String::from_utf8(told.stdout).expect("UTF-8");
        assert!(told.status.success(), "no repository is known");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cache = std::env::var_os("FLINKPACK_TEST_CACHE");
        let cache = cache.map_or(root.join("target/cache"), PathBuf::from);
        Poms {
            central: central.trim().trim_end_matches('/').to_string(),
            folder: cache.join("poms"),
            client: reqwest::Client::builder()
                .tls_backend_rustls()
                .build()
                .expect("a client"),
        }
    }

    /// A file of the repository; `None` where it has it not.
    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.folder.join(path);
        if let Ok(bytes) = fs::read(&file) {
            return Some(bytes).filter(|bytes| !bytes.is_empty());
        }
        let url = format!("{}/{path}", self.central);
        let mut tries = 0;
        let bytes = loop {
            tries += 1;
            match self.client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => {
                    break answer.bytes().await.expect("a body").to_vec();
                }
                Ok(answer) if answer.status().as_u16() == 404 => break Vec::new(),
                answer if tries > 5 => panic!("{url}: {answer:?}"),
                _ => tokio::time::sleep(std::time::Duration::from_millis(300)).await,
            }
        };
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let part = file.with_extension(format!("part{}", std::process::id()));
        fs::write(&part, &bytes).expect("a file");
        fs::rename(&part, &file).expect("a file");
        Some(bytes).filter(|bytes| !bytes.is_empty())
    }

    /// Answers a request, and keeps what Maven will ask for too.
    async fn answer(&self, need: &Request) -> (Answer, Option<(String, String)>) {
        match need {
            Request::Pom(gav) => {
                let (group, artifact, version) = (&gav.group, &gav.artifact, &gav.version);
                let folder = group.replace('.', "/");
                let path = format!("{folder}/{artifact}/{version}/{artifact}-{version}.pom");
                let Some(bytes) = self.get(&path).await else {
                    return (Answer::Missing, None);
                };
                let answer = match pom::parse(&bytes) {
                    Ok(pom) => Answer::Pom(Arc::new(pom)),
                    Err(why) => Answer::Malformed(why),
                };
                (answer, Some((path, String::new())))
            }
            Request::Versions { group, artifact } => {
                let folder = group.replace('.', "/");
                let path = format!("{folder}/{artifact}/maven-metadata.xml");
                let bytes = self.get(&path).await.unwrap_or_default();
                let text = String::from_utf8(bytes).expect("UTF-8");
                let versions: Vec<String> = text
                    .split("<version>")
                    .skip(1)
                    .filter_map(|rest| Some(rest.split_once("</version>")?.0.to_string()))
                    .collect();
                let local = format!("{folder}/{artifact}/maven-metadata-local.xml");
                (Answer::Versions(versions), Some((local, text)))
            }
        }
    }
}

fn root_pom(line: &str) -> (String, RawPom) {
    let mut list = String::new();
    for coordinate in line.split_whitespace() {
        let parts: Vec<&str> = coordinate.split(':').collect();
        list.push_str(&format!(
            "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}</dependency>",
            parts[0],
            parts[1],
            parts[2],
            parts
                .get(3)
                .map(|classifier| format!("<classifier>{classifier}</classifier>"))
                .unwrap_or_default()
        ));
    }
    let text = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>root</groupId><artifactId>GIVEN</artifactId><version>1</version><packaging>pom</packaging><dependencies>{list}</dependencies></project>"
    );
    let raw = pom::parse(text.as_bytes()).expect("a POM");
    (text, raw)
}

#[tokio::test]
async fn real_dependencies_resolve_as_maven_resolves_them() {
    let poms = Poms::new();
    let folder = tempfile::tempdir().expect("a folder");
    let mut repository = Repository::default();
    let (mut own, mut absent) = (Vec::new(), Vec::new());
    let listed = ROOTS.lines().map(str::to_string);
    let listed = listed.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines: Vec<String> = listed.collect();
    assert!(lines.len() >= 40, "{} roots", lines.len());
    lines.extend(thin());
    for (at, line) in lines.iter().enumerate() {
        let (text, raw) = root_pom(line);
        let name = format!("root:r{at}:1");
        let text = text.replace("GIVEN", &format!("r{at}"));
        repository.poms.insert(name.clone(), text);
        let mut resolution = Resolution::of_pom(Arc::new(raw), Context::linux("amd64", "17.0.2"));
        let graph = loop {
            match resolution.advance() {
                Ok(Next::Done(graph)) => break Ok(graph),
                Err(error) => break Err(error),
                Ok(Next::Needs(needs)) => {
                    let mut answers = futures_util::stream::iter(needs)
                        .map(|need| async {
                            let answer = poms.answer(&need).await;
                            (need, answer)
                        })
                        .buffer_unordered(24);
                    while let Some((need, (answer, file))) = answers.next().await {
                        if let Request::Pom(gav) = &need {
                            let asked = line
                                .split_whitespace()
                                .any(|one| one.starts_with(&gav.to_string()));
                            if asked && matches!(answer, Answer::Missing) {
                                absent.push(gav.to_string());
                            }
                        }
                        resolution.answer(need, answer);
                        if let Some((path, text)) = file {
                            keep(&poms.folder, folder.path(), &path, &text);
                        }
                    }
                }
            }
        };
        own.push((name, graph.map(|graph| super::lines(&graph))));
    }
    assert!(
        absent.is_empty(),
        "the repository has not all roots; name other versions in roots.txt: {absent:?}"
    );
    write(&repository, folder.path());
    let names: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
    let told = answers_of(Oracle::start(folder.path()).ask(&names));
    let mut nodes = 0;
    for ((name, own), line) in own.iter().zip(lines) {
        let maven = &told[name];
        nodes += maven.len();
        match own {
            Ok(own) => assert_eq!(own, maven, "{line}"),
            Err(error) => assert!(
                maven.last().is_some_and(|line| line.starts_with('!')),
                "{line}: {error}\n{maven:#?}"
            ),
        }
    }
    assert!(nodes > 1000, "{nodes} nodes are few");
}

/// Puts a file into the repository that Maven reads.
fn keep(cache: &Path, folder: &Path, path: &str, text: &str) {
    let to = folder.join("repository").join(path);
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    if text.is_empty() {
        fs::copy(cache.join(path), to).expect("a copy");
    } else {
        fs::write(to, text).expect("a file");
    }
}
