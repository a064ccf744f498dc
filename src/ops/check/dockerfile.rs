//! What `check` looks at, gathered from a Dockerfile: the JARs that it names, and
//! what is in those beside it. Nothing is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path};
use std::sync::Arc;

use crate::base::FlinkVersion;
use crate::catalogue::Catalogue;
use crate::check::{self, Input, Literal, Loader, PlacedJar};
use crate::dockerfile::{self, Listed, Origin, Recipe};
use crate::error::{Context, Error, Result};
use crate::image::{Digest, Reference};
use crate::jar;
use crate::ops::Session;

/// No Dockerfile is larger.
const MAX_DOCKERFILE: u64 = 256 << 10;
/// Files of the build context that are looked at.
const MAX_FILES: usize = 20_000;
/// A SQL file or another text.
const MAX_TEXT: u64 = 1 << 20;

/// Reads the Dockerfile at `path`; the build context is the folder that it is in.
pub(in crate::ops) fn recipe(path: &Path) -> Result<Recipe> {
    let doing = || format!("reading {}", path.display());
    let size = fs::metadata(path).doing(doing)?.len();
    if size > MAX_DOCKERFILE {
        return Err(Error::usage(format!(
            "it has {size} bytes; of a Dockerfile {MAX_DOCKERFILE} are read"
        )))
        .doing(doing);
    }
    let text = fs::read_to_string(path).doing(doing)?;
    dockerfile::read(&text, &|pattern| list(context(path), pattern))
        .map_err(Error::usage)
        .doing(doing)
}

/// The build context of a Dockerfile.
pub(in crate::ops) fn context(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// What is looked at, of the Dockerfile at `path`.
pub fn input(session: &Session, path: &Path, base: Option<&str>) -> Result<Input> {
    let recipe = recipe(path)?;
    let context = context(path);
    for left in &recipe.left {
        session.report.note(format!(
            "{}:{}: left alone, {}: {}",
            path.display(),
            left.line,
            left.why,
            left.text
        ));
    }
    let base = base.unwrap_or(&recipe.base);
    let versions = Versions::of(base).doing(|| format!("reading {}", path.display()))?;
    session.report.note(format!(
        "{base}: Flink {}, Scala {}, Java {}, by its name; what it holds is not read",
        versions.flink, versions.scala, versions.java
    ));
    let catalogue = Catalogue::embedded()
        .with_folder(&context.join("plugins"))
        .map_err(|error| Error::usage(error.to_string()).hint(error.hint()))?;
    let mut jars = jars(session, &recipe, context, &catalogue, &versions)?;
    // The base's own JARs: that they are there, and not known, keeps what they may
    // have from being missed.
    jars.push(PlacedJar {
        path: format!("lib/flink-dist-{}.jar", versions.flink),
        loader: Loader::Lib,
        sha256: Digest::of(base.as_bytes()),
        coordinate: None,
        kind: None,
        of_base: true,
        facts: None,
    });
    let (literals, sql) = texts(&recipe, context);
    let store = session.store.clone();
    Ok(Input {
        empty_plugins: empty_plugins(&recipe),
        config: properties(&recipe),
        main_class: None,
        wanted: Vec::new(),
        texts: Box::new(move |sha256| jar::texts(&store, sha256)),
        flink: versions.flink,
        scala: versions.scala,
        java: Some(versions.java),
        jars,
        sql,
        literals,
        catalogue,
    })
}

/// What the name of a base says of it.
pub(in crate::ops) struct Versions {
    pub(in crate::ops) flink: FlinkVersion,
    scala: String,
    java: u32,
}

impl Versions {
    /// Of tags as the official images have them: `1.20.1-scala_2.12-java17`, and
    /// shorter ones.
    pub(in crate::ops) fn of(base: &str) -> Result<Versions> {
        let unknown = || {
            Error::usage(format!(
                "the name of the base {base} does not say its Flink"
            ))
            .hint("`--base flink:VERSION-scala_SCALA-javaJAVA` says what it stands for")
        };
        let reference: Reference = base.parse().map_err(|_| unknown())?;
        let tag = reference.tag.ok_or_else(unknown)?;
        let mut parts = tag.split(['-', '_']).skip_while(|part| !is_version(part));
        let flink: FlinkVersion = parts.next().ok_or_else(unknown)?.parse()?;
        let after = |word: &str| {
            let (_, rest) = tag.split_once(word)?;
            let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
            Some(&rest[..end.unwrap_or(rest.len())])
        };
        // What the official images have where their tags do not say it.
        let usual = match (flink.at_least(2, 0), flink.at_least(1, 15)) {
            (true, _) => 17,
            (false, true) => 11,
            (false, false) => 8,
        };
        let scala = after("scala_").filter(|scala| !scala.is_empty());
        Ok(Versions {
            scala: scala.unwrap_or("2.12").to_string(),
            java: after("java")
                .and_then(|java| java.parse().ok())
                .unwrap_or(usual),
            flink,
        })
    }
}

/// `1.20`, `1.20.1`.
fn is_version(text: &str) -> bool {
    let mut numbers = text.split('.');
    text.contains('.') && numbers.all(|one| !one.is_empty() && one.parse::<u32>().is_ok())
}

/// The JARs that Flink would load.
fn jars(
    session: &Session,
    recipe: &Recipe,
    context: &Path,
    catalogue: &Catalogue,
    versions: &Versions,
) -> Result<Vec<PlacedJar>> {
    let mut jars = Vec::new();
    for (path, placed) in &recipe.tree.files {
        let Some(below) = recipe.tree.below_home(path) else {
            continue;
        };
        let Some(loader) = Loader::of(below) else {
            continue;
        };
        if !below.ends_with(".jar") {
            continue;
        }
        // A pattern of the base's files stands for the one of its version.
        let path = below.replace('*', versions.flink.as_str());
        let name = path.rsplit('/').next().unwrap_or(&path);
        let mut facts = None;
        let mut sha256 = Digest::of(format!("{:?}", placed.origin).as_bytes());
        let coordinate = match &placed.origin {
            Origin::Url(url, _) => coordinate_of(url),
            _ => None,
        };
        if let Origin::Context(file) = &placed.origin
            && context.join(file).is_file()
        {
            let file = context.join(file);
            let shown = file.display().to_string();
            (sha256, _) = session.store.file_digest(&file, &|_| None)?;
            jar::check(&session.store, &file, &sha256, &shown)?;
            if !jar::is_known(&session.store, &sha256) {
                jar::learn(&session.store, &file, &sha256, &shown)?;
            }
            facts = jar::known(&session.store, &sha256).map(Arc::new);
        }
        jars.push(PlacedJar {
            coordinate: coordinate.or_else(|| by_name(catalogue, name)),
            of_base: matches!(placed.origin, Origin::Base(_)),
            kind: None,
            path,
            loader,
            sha256,
            facts,
        });
    }
    Ok(jars)
}

/// The coordinate of a file in a Maven repository, by its address: folders of the
/// group, artifact and version, and a file that is named by the last two.
pub(in crate::ops) fn coordinate_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let mut parts: Vec<&str> = path.split('/').skip(1).collect();
    let (file, version, artifact) = (parts.pop()?, parts.pop()?, parts.pop()?);
    if artifact.is_empty() || file != format!("{artifact}-{version}.jar") {
        return None;
    }
    // Repositories lie below folders of their own, which are no part of a group.
    let roots = [
        "maven2",
        "m2",
        "releases",
        "maven-public",
        "public",
        "maven",
    ];
    let start = parts.iter().rposition(|part| roots.contains(part));
    let group = parts[start.map_or(0, |at| at + 1)..].join(".");
    (!group.is_empty()).then(|| format!("{group}:{artifact}:{version}"))
}

/// The coordinate of a JAR whose name is that of an artifact of the catalogue.
pub(in crate::ops) fn by_name(catalogue: &Catalogue, name: &str) -> Option<String> {
    let stem = name.strip_suffix(".jar")?;
    let starts = stem.match_indices('-').map(|(at, _)| at);
    let versions = starts.filter(|at| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    versions.into_iter().find_map(|at| {
        let (artifact, version) = (&stem[..at], &stem[at + 1..]);
        let plain = match artifact.rsplit_once("_2.") {
            Some((plain, _)) => plain,
            None => artifact,
        };
        let mut releases = catalogue.entries().flat_map(|entry| &entry.releases);
        let release = releases.find(|release| {
            let listed = release.maven.rsplit(':').next().unwrap_or_default();
            listed.trim_end_matches("_{scala}") == plain
        })?;
        let group = release.maven.split(':').next()?;
        Some(format!("{group}:{artifact}:{version}"))
    })
}

/// Folders below plugins/ in which no JAR is.
fn empty_plugins(recipe: &Recipe) -> Vec<String> {
    let tree = &recipe.tree;
    let name = |path: &String| {
        let below = tree.below_home(path)?.strip_prefix("plugins/")?;
        Some(below.split('/').next()?.to_string())
    };
    let jars = tree.files.keys().filter(|path| path.ends_with(".jar"));
    let full: BTreeSet<String> = jars.filter_map(name).collect();
    // What is left alone may fill one.
    let made = tree.folders.iter().filter(|_| recipe.left.is_empty());
    let made: BTreeSet<String> = made.filter_map(name).collect();
    made.difference(&full).cloned().collect()
}

/// The options in FLINK_PROPERTIES, which the entrypoint of the official images
/// puts into the configuration.
pub(in crate::ops) fn properties(recipe: &Recipe) -> BTreeMap<String, String> {
    let text = recipe
        .env
        .get("FLINK_PROPERTIES")
        .map_or("", String::as_str);
    let lines = text.lines().flat_map(|line| line.split("\\n"));
    let pairs = lines.filter_map(|line| line.split_once(':'));
    pairs
        .map(|(key, value)| (key.trim().to_string(), value.trim().to_string()))
        .collect()
}

/// Values that might be secret, and the SQL files.
fn texts(recipe: &Recipe, context: &Path) -> (Vec<Literal>, Vec<(String, String)>) {
    let (mut literals, mut sql) = (Vec::new(), Vec::new());
    let mut add = |place: &str, key: Option<&str>, value: &str| {
        literals.push(Literal {
            place: place.to_string(),
            key: key.map(str::to_string),
            value: value.to_string(),
        });
    };
    for (place, pairs) in [("ENV", &recipe.env), ("ARG", &recipe.args)] {
        for (key, value) in pairs.iter().filter(|(key, _)| *key != "FLINK_PROPERTIES") {
            add(place, Some(key), value);
        }
    }
    for (key, value) in properties(recipe) {
        add("ENV FLINK_PROPERTIES", Some(&key), &value);
    }
    for (path, placed) in &recipe.tree.files {
        let Origin::Context(file) = &placed.origin else {
            continue;
        };
        let file = context.join(file);
        let size = fs::metadata(&file).map_or(u64::MAX, |meta| meta.len());
        let is_sql = path.ends_with(".sql") && size <= MAX_TEXT;
        if !is_sql && !check::is_text_worth_reading(path, size) {
            continue;
        }
        if let Ok(text) = fs::read_to_string(&file) {
            crate::ops::check::input::pairs(&text, |key, value| add(path, key, value));
            if is_sql {
                sql.push((path.clone(), text));
            }
        }
    }
    (literals, sql)
}

/// The files of the build context that a path or pattern means; those of a folder
/// go without its name, as COPY has it.
fn list(context: &Path, pattern: &str) -> Vec<Listed> {
    let pattern = pattern.trim_start_matches('/');
    let stays = Path::new(pattern)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let whole = format!(
        "{}/{pattern}",
        glob::Pattern::escape(&context.display().to_string())
    );
    let whole = match context.as_os_str().is_empty() {
        true => format!("./{pattern}"),
        false => whole,
    };
    let Ok(found) = glob::glob(&whole) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for path in found.flatten().filter(|_| stays) {
        let in_folder = path.is_dir();
        let root = match in_folder {
            true => path.clone(),
            false => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        };
        let mut todo = vec![path];
        while let Some(path) = todo.pop() {
            if out.len() >= MAX_FILES {
                return out;
            }
            // Links may lead in circles, and out of the context.
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link {
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                todo.extend(entries.map(|entry| entry.path()));
            } else if path.is_file() {
                let inside = path.strip_prefix(context).unwrap_or(&path);
                let below = path.strip_prefix(&root).unwrap_or(&path);
                out.push(Listed {
                    path: inside.display().to_string(),
                    below: below.display().to_string(),
                    in_folder,
                });
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_what_is_in_the_base() {
        let of = |base: &str| {
            let versions = Versions::of(base).ok()?;
            Some(format!(
                "{} {} {}",
                versions.flink, versions.scala, versions.java
            ))
        };
        for (base, wanted) in [
            ("flink:1.20.1-scala_2.12-java17", Some("1.20.1 2.12 17")),
            ("apache/flink:1.13.6-scala_2.11", Some("1.13.6 2.11 8")),
            ("registry.test:5000/x/flink:1.17", Some("1.17 2.12 11")),
            ("flink:2.0.0", Some("2.0.0 2.12 17")),
            ("team/base:prod-1.18.1", Some("1.18.1 2.12 11")),
            ("flink:latest", None),
            ("flink", None),
            ("team/base:7", None),
        ] {
            assert_eq!(of(base).as_deref(), wanted, "{base}");
        }
    }

    #[test]
    fn the_address_of_a_repositorys_file_is_a_coordinate() {
        for (url, wanted) in [
            (
                "https://r.test/maven2/org/apache/flink/k/1.0-1.20/k-1.0-1.20.jar",
                Some("org.apache.flink:k:1.0-1.20"),
            ),
            (
                "https://n.test/repository/maven-public/a/b/1/b-1.jar?x",
                Some("a:b:1"),
            ),
            ("https://r.test/maven2/b/1/c-1.jar", None),
            ("https://r.test/x.jar", None),
        ] {
            assert_eq!(coordinate_of(url).as_deref(), wanted, "{url}");
        }
    }

    #[test]
    fn a_name_in_the_catalogue_has_a_group() {
        let of = |name: &str| by_name(&Catalogue::embedded(), name);
        assert_eq!(
            of("flink-sql-connector-kafka-1.17.2.jar").as_deref(),
            Some("org.apache.flink:flink-sql-connector-kafka:1.17.2")
        );
        assert_eq!(of("my-job-1.0.jar"), None);
    }
}
