//! What `check` looks at, gathered from a Dockerfile: the JARs that it names, and
//! what is in those beside it. Nothing is fetched.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::check::{self, Input, Literal, Loader, PlacedJar};
use crate::dockerfile::{BaseTag, Origin, Recipe};
use crate::error::{Context, Error, Result};
use crate::image::Digest;
use crate::jar;
use crate::maven::Coordinates;
use crate::ops::{Session, dockerfile};

/// A SQL file or another text.
const MAX_TEXT: u64 = 1 << 20;

/// What is looked at, of the Dockerfile at `path`.
pub fn input(session: &Session, path: &Path, base: Option<&str>) -> Result<Input> {
    let recipe = dockerfile::read(path)?;
    let context = dockerfile::context(path);
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
    let versions = BaseTag::of(base).doing(|| format!("reading {}", path.display()))?;
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
        coordinates: None,
        kind: None,
        of_base: true,
        facts: None,
    });
    let (literals, sql) = texts(&recipe, context);
    let store = session.store.clone();
    Ok(Input {
        empty_plugins: recipe.empty_plugins(),
        config: recipe.flink_properties(),
        main_class: None,
        connectors: Vec::new(),
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

/// The JARs that Flink would load.
fn jars(
    session: &Session,
    recipe: &Recipe,
    context: &Path,
    catalogue: &Catalogue,
    versions: &BaseTag,
) -> Result<Vec<PlacedJar>> {
    let mut jars = Vec::new();
    for (path, placed) in &recipe.rootfs.files {
        let Some(below) = recipe.rootfs.below_home(path) else {
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
        let mut sha256 = Digest::of(placed.origin.to_string().as_bytes());
        let coordinates = match &placed.origin {
            Origin::Url(url, _) => Coordinates::of_address(url),
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
            coordinates: coordinates.or_else(|| catalogue.coordinates_of(name)),
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
    for (key, value) in recipe.flink_properties() {
        add("ENV FLINK_PROPERTIES", Some(&key), &value);
    }
    for (path, placed) in &recipe.rootfs.files {
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
