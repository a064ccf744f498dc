//! Local JARs: paths and globs.

use std::fs;
use std::path::{Path, PathBuf};

use super::resolver::Resolver;
use super::{Artifact, Content, JarRequest, RequestSource};
use crate::error::{Context, Error, Result};
use crate::jar;
use crate::lock::Source;
use crate::manifest::{JarSource, nearest_name};
use crate::maven::jar_stem;
use crate::parallel::in_parallel;

/// A JAR that a path or glob names.
struct LocalFile<'w> {
    request: &'w JarRequest,
    path: PathBuf,
    /// Whether nothing else has that path or glob.
    is_alone: bool,
}

impl Resolver<'_> {
    /// The JARs that paths and globs name, each with its place in the manifest.
    pub(super) fn local(&self, requests: &[JarRequest]) -> Result<Vec<(usize, Vec<Artifact>)>> {
        let files = self.files(requests)?;
        in_parallel(files.len(), |at| {
            let file = &files[at];
            let span = &file.request.span;
            let found = self.manifest.locate(span.clone(), self.file(file))?;
            Ok((span.start, vec![found]))
        })
    }

    fn files<'w>(&self, requests: &'w [JarRequest]) -> Result<Vec<LocalFile<'w>>> {
        let mut all = Vec::new();
        for request in requests {
            let RequestSource::Jar(JarSource::Path(pattern)) = &request.source else {
                continue;
            };
            let found = find(self.manifest.folder(), pattern);
            let found = self.manifest.locate(request.span.clone(), found)?;
            let is_alone = found.len() == 1;
            all.extend(found.into_iter().map(|path| LocalFile {
                request,
                path,
                is_alone,
            }));
        }
        Ok(all)
    }

    fn file(&self, file: &LocalFile<'_>) -> Result<Artifact> {
        let LocalFile { request, path, .. } = file;
        // What is no JAR is handed on to nobody; it is told of below.
        let on_change = |path: &Path| {
            jar::look(path).ok()?;
            (self.on_change)(path)
        };
        let (sha256, size) = self.store.file_digest(path, &on_change)?;
        let shown = path.strip_prefix(self.manifest.folder()).unwrap_or(path);
        let shown = shown.display().to_string();
        jar::check(self.store, path, &sha256, &shown)?;
        let file_name = file_name(path, &shown)?;
        let name = match file.is_alone && !request.companion {
            true => request.name.clone(),
            false => jar_stem(&file_name).to_string(),
        };
        Ok(self.artifact(
            request,
            name,
            Source::Path(shown),
            file_name,
            (sha256, size),
            Content::Local(path.clone()),
        ))
    }
}

fn file_name(path: &Path, shown: &str) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::new(format!("{shown}: the name is not UTF-8")))?;
    Ok(if name.ends_with(".jar") {
        name.to_string()
    } else {
        format!("{name}.jar")
    })
}

/// The files that a path or glob names, sorted.
fn find(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    if !pattern.contains(['*', '?', '[']) {
        let path = folder.join(pattern);
        look(&path, pattern)?;
        return Ok(vec![path]);
    }
    let whole = folder.join(pattern);
    let whole = whole
        .to_str()
        .ok_or_else(|| Error::usage(format!("`{pattern}` is not UTF-8")))?;
    let mut found = Vec::new();
    let matches = glob::glob(whole).doing(|| format!("`{pattern}` is not a glob"))?;
    for path in matches {
        let path = path.doing(|| format!("looking for {pattern}"))?;
        look(&path, &path.display().to_string())?;
        found.push(path);
    }
    if found.is_empty() {
        return Err(
            Error::new(format!("no file matches {pattern}")).hint(format!(
                "patterns are taken from the manifest's folder, {}",
                shown_folder(folder)
            )),
        );
    }
    found.sort();
    Ok(found)
}

fn shown_folder(folder: &Path) -> String {
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    whole.display().to_string()
}

fn look(path: &Path, shown: &str) -> Result<()> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Ok(target) = fs::read_link(path) {
                return Err(Error::new(format!(
                    "{shown} is a link to {}, which does not exist",
                    target.display()
                ))
                .hint("is it built?"));
            }
            let mut out = Error::new(format!("{shown} does not exist"));
            if let Some(near) = nearest(path) {
                let near = Path::new(shown).with_file_name(near);
                out = out.hint(format!("did you mean {}?", near.display()));
            } else {
                out = out.hint("is it built? paths are taken from the manifest's folder");
            }
            return Err(out);
        }
        Err(error) => return Err(error).doing(|| format!("looking at {shown}")),
    };
    if meta.is_dir() {
        return Err(Error::new(format!("{shown} is a folder, not a JAR"))
            .hint(format!("`{shown}/*.jar` takes all JARs in it")));
    }
    if !meta.is_file() {
        return Err(Error::new(format!("{shown} is not a regular file")));
    }
    Ok(())
}

fn nearest(path: &Path) -> Option<String> {
    let names: Vec<String> = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".jar"))
        .collect();
    nearest_name(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )
    .map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_sorted_and_what_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jar", "a.jar", "c.txt"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names: Vec<_> = find(folder.path(), "*.jar")
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.jar", "b.jar"]);
        let report = |pattern: &str| find(folder.path(), pattern).unwrap_err().report();
        assert!(report("*.zip").contains("no file matches"));
        assert!(report("aa.jar").contains("did you mean a.jar?"));
        assert!(report(".").contains("folder"));
    }
}
