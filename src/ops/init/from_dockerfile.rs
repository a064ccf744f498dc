//! `flinkpack init --from Dockerfile`: the manifest that replaces it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::catalogue::{Catalogue, Kind};
use crate::check::{self, Literal};
use crate::dockerfile::{BaseTag, Origin, Placed, Recipe};
use crate::error::{Context, Result};
use crate::image::Reference;
use crate::job;
use crate::manifest::Manifest;
use crate::maven::{Coordinates, jar_stem};
use crate::ops::dockerfile;

/// The sections with their lines, in the order of the file.
const SECTIONS: [&str; 7] = [
    "image.env",
    "image.labels",
    "connectors",
    "udfs",
    "filesystems",
    "config",
    "files",
];

/// The text of the manifest at `manifest`.
pub fn text(manifest: &Path, path: &Path) -> Result<String> {
    let recipe = dockerfile::read(path)?;
    let mut writer = Writer {
        folder: local_folder(manifest, dockerfile::context(path))?,
        flink: BaseTag::of(&recipe.base)
            .ok()
            .map(|tag| tag.flink.minor_line()),
        catalogue: Catalogue::embedded(),
        lines: BTreeMap::new(),
        job: String::new(),
        left: Vec::new(),
    };
    writer.all(&recipe);
    let text = writer.text(&recipe, path, &name(manifest));
    // What was written must be right.
    Manifest::of_text(manifest, &text)
        .doing(|| format!("reading the manifest that was made from {}", path.display()))?;
    Ok(text)
}

/// The build context as paths of the manifest have it: empty, or with a slash at
/// its end.
fn local_folder(manifest: &Path, context: &Path) -> Result<String> {
    let own = manifest.parent().unwrap_or(Path::new(""));
    let inside = match context.strip_prefix(own) {
        Ok(inside) => inside.to_path_buf(),
        Err(_) => std::fs::canonicalize(Path::new(".").join(context))
            .doing(|| format!("looking for the folder {}", context.display()))?,
    };
    let text = inside.display().to_string();
    Ok(match text.as_str() {
        "" | "." => String::new(),
        _ => format!("{text}/"),
    })
}

/// A name for the image: that of the manifest's folder, as far as it can be one.
fn name(manifest: &Path) -> String {
    let folder = std::path::absolute(manifest).ok();
    let folder = folder.as_deref().and_then(Path::parent);
    let name = folder.and_then(Path::file_name).unwrap_or_default();
    let name = name.to_string_lossy().to_ascii_lowercase();
    let is_name = format!("registry.example.com/team/{name}").parse::<Reference>();
    match is_name.is_ok_and(|reference| reference.tag.is_none() && reference.digest.is_none()) {
        true => name,
        false => "my-job".to_string(),
    }
}

struct Writer {
    folder: String,
    flink: Option<String>,
    catalogue: Catalogue,
    lines: BTreeMap<&'static str, Vec<String>>,
    job: String,
    left: Vec<String>,
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn key(text: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !text.is_empty() && text.chars().all(is_bare) {
        true => text.to_string(),
        false => quoted(text),
    }
}

impl Writer {
    fn add(&mut self, section: &'static str, name: &str, value: &str) {
        let lines = self.lines.entry(section).or_default();
        let start = format!("{} = ", key(name));
        // Two JARs may come to one name: the second gets a number.
        let mut line = format!("{start}{value}");
        let mut number = 2;
        while lines
            .iter()
            .any(|one| one.split(" = ").next() == line.split(" = ").next())
        {
            line = format!("{} = {value}", key(&format!("{name}-{number}")));
            number += 1;
        }
        lines.push(line);
    }

    fn all(&mut self, recipe: &Recipe) {
        for (name, value) in recipe
            .env
            .iter()
            .filter(|(name, _)| *name != "FLINK_PROPERTIES")
        {
            self.value("image.env", name, value);
        }
        for (name, value) in &recipe.labels {
            self.add("image.labels", name, &quoted(value));
        }
        for (name, value) in recipe.flink_properties() {
            self.value("config", &name, &value);
        }
        let in_usrlib = |path: &str| {
            let below = recipe.rootfs.below_home(path);
            below.is_some_and(|below| below.starts_with("usrlib/") && below.ends_with(".jar"))
        };
        let of_job = recipe
            .rootfs
            .files
            .keys()
            .filter(|path| in_usrlib(path))
            .count();
        let command = job::Command::of_words(&recipe.command);
        for (path, placed) in &recipe.rootfs.files {
            let below = recipe.rootfs.below_home(path).unwrap_or_default();
            let parts: Vec<&str> = below.split('/').collect();
            match parts[..] {
                // In lib/ they work in old versions of Flink alone: [filesystems] knows.
                ["lib", _] | ["plugins", _, _] if self.filesystem(path, placed) => {}
                ["lib", _, ..] if below.ends_with(".jar") => self.in_lib(path, placed),
                ["usrlib", _, ..] if in_usrlib(path) => match (&command, self.source(placed)) {
                    (Some(command), _) if of_job == 1 => self.job(path, placed, command),
                    (_, Some(source)) => {
                        let value = format!("{{ {source}, in = \"usrlib\" }}");
                        self.add("udfs", jar_stem(file_name(path)), &value);
                    }
                    (_, None) => self.leave(path, placed),
                },
                _ => match &placed.origin {
                    Origin::Context(file) => {
                        let file = quoted(&format!("{}{file}", self.folder));
                        self.add("files", path, &file);
                    }
                    _ => self.leave(path, placed),
                },
            }
        }
        for gone in &recipe.rootfs.gone {
            self.left
                .push(format!("rm {gone}: nothing of the base is deleted"));
        }
        for left in &recipe.left {
            self.left
                .push(format!("line {}, {}: {}", left.line, left.why, left.text));
        }
    }

    /// A value that everybody who can pull the image could read.
    fn value(&mut self, section: &'static str, name: &str, value: &str) {
        let literal = Literal {
            place: section.to_string(),
            key: Some(name.to_string()),
            value: value.to_string(),
        };
        match check::secret(&literal) {
            None => self.add(section, name, &quoted(value)),
            Some((what, _)) => self.left.push(format!(
                "the value of {name}: {what}; give it at run time, and change it"
            )),
        }
    }

    fn leave(&mut self, path: &str, placed: &Placed) {
        let why = match &placed.origin {
            Origin::Stage(stage) => format!("it comes from `{stage}`"),
            Origin::Url(url, _) => format!("it comes from {url}"),
            Origin::Base(from) => format!("it is {from} of the base"),
            Origin::Text => "the Dockerfile holds its text".to_string(),
            Origin::Context(file) => format!("it is {file}"),
        };
        self.left
            .push(format!("line {}, {path}: {why}", placed.line));
    }

    /// Where a JAR comes from, as a key and a value.
    fn source(&self, placed: &Placed) -> Option<String> {
        Some(match &placed.origin {
            Origin::Context(file) => {
                format!("path = {}", quoted(&format!("{}{file}", self.folder)))
            }
            Origin::Url(url, sum) => match Coordinates::of_address(url) {
                // What the Dockerfile names is all that it gets.
                Some(coordinate) => {
                    format!(
                        "maven = {}, transitive = false",
                        quoted(&coordinate.to_string())
                    )
                }
                None => {
                    let mut source = format!("url = {}", quoted(url));
                    if let Some(sum) = sum.as_ref().filter(|sum| sum.len() == 64) {
                        source.push_str(&format!(", sha256 = {}", quoted(sum)));
                    }
                    source
                }
            },
            _ => return None,
        })
    }

    fn in_lib(&mut self, path: &str, placed: &Placed) {
        let Some(source) = self.source(placed) else {
            return self.leave(path, placed);
        };
        let file = file_name(path);
        let known = match &placed.origin {
            Origin::Url(url, _) => Coordinates::of_address(url),
            _ => self.catalogue.coordinates_of(file),
        };
        let entry = known.as_ref().and_then(|known| self.entry(known));
        match (entry, &placed.origin) {
            (Some((name, version)), Origin::Url(..)) => {
                self.add("connectors", &name, &quoted(&version));
            }
            (Some((name, _)), _) => self.add("connectors", &name, &format!("{{ {source} }}")),
            (None, Origin::Context(_)) if known.is_none() => {
                self.add(
                    "udfs",
                    jar_stem(file_name(path)),
                    &format!("{{ {source} }}"),
                );
            }
            (None, _) => self.add(
                "connectors",
                jar_stem(file_name(path)),
                &format!("{{ {source} }}"),
            ),
        }
    }

    /// The row of the catalogue that a coordinate is a release of, where one JAR is
    /// all of it; and the version.
    fn entry(&self, coordinates: &Coordinates) -> Option<(String, String)> {
        let version = coordinates.version();
        let minor = self.flink.as_deref()?;
        // A release for another Flink would not be found by that name.
        let is_for_this =
            version.ends_with(&format!("-{minor}")) || version.starts_with(&format!("{minor}."));
        let artifact = coordinates.artifact();
        let scala = artifact.rsplit_once('_').map_or("2.12", |(_, scala)| scala);
        let artifact = format!("{}:{artifact}", coordinates.group());
        let found = self.catalogue.entries().find(|entry| {
            entry.kind == Kind::Connector
                && entry.has_artifact(&artifact, scala)
                && entry.releases.iter().all(|release| release.artifact.fat)
        })?;
        if !is_for_this {
            return None;
        }
        Some((found.name.clone(), version.to_string()))
    }

    /// Whether a JAR is a plugin that flinkpack places by itself, once.
    fn filesystem(&mut self, path: &str, placed: &Placed) -> bool {
        let file = file_name(path);
        let found = self.catalogue.entries().find(|entry| {
            let artifact = entry.artifact.as_deref().unwrap_or_default();
            let rest = file.strip_prefix(artifact).unwrap_or_default();
            entry.kind == Kind::Filesystem && rest.starts_with(['-', '*'])
        });
        let Some(name) = found.map(|entry| entry.name.clone()) else {
            return false;
        };
        if !matches!(placed.origin, Origin::Base(_)) {
            self.left.push(format!(
                "line {}, {path}: [filesystems] {name} takes the JAR of the base's own version",
                placed.line
            ));
        }
        let line = format!("{} = {{}}", key(&name));
        let lines = self.lines.entry("filesystems").or_default();
        if !lines.contains(&line) {
            lines.push(line);
        }
        true
    }

    fn job(&mut self, path: &str, placed: &Placed, command: &job::Command) {
        let Some(source) = self.source(placed) else {
            return self.leave(path, placed);
        };
        self.job = format!("\n[job]\njar = {{ {source} }}\n");
        if let Some(class) = &command.class {
            let _ = writeln!(self.job, "class = {}", quoted(class));
        }
        if !command.args.is_empty() {
            let args: Vec<String> = command.args.iter().map(|arg| quoted(arg)).collect();
            let _ = writeln!(self.job, "args = [{}]", args.join(", "));
        }
    }

    fn text(&self, recipe: &Recipe, path: &Path, name: &str) -> String {
        let mut out = format!(
            "# Made from {}.\n\n[image]\nname = \"registry.example.com/team/{name}\"   # the repository to push to\ntags = [\"latest\"]\nbase = {}\n",
            path.display().to_string().replace(char::is_control, " "),
            quoted(&recipe.base)
        );
        for section in SECTIONS {
            if section == "filesystems" {
                out.push_str(&self.job);
            }
            if let Some(lines) = self.lines.get(section) {
                let _ = writeln!(out, "\n[{section}]");
                lines.iter().for_each(|line| out.extend([line, "\n"]));
            }
        }
        if !self.left.is_empty() {
            out.push_str("\n# What could not be taken over:\n");
            for left in &self.left {
                let _ = writeln!(out, "# - {}", left.replace(char::is_control, " "));
            }
        }
        out
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
