//! `flinkpack.toml` as written.

mod bases;
mod content;
mod file;
mod forms;
mod jar;
mod parse;
mod parsed;
mod platforms;
pub mod schema;
pub mod tags;

use std::path::{Path, PathBuf};

pub use bases::Bases;
pub use content::{
    AllowSpec, CheckSection, Content, FilesystemSpec, ImageSection, JobSection, MavenSection,
    Placement,
};
pub use file::FileSpec;
pub use jar::{JarSource, JarSpec, Taking};
pub use parse::{Position, nearest_name};
pub use parsed::Parsed;
pub use platforms::Platforms;

use crate::error::{Context, Error, Result};
use crate::rules;

/// The manifest's usual name.
pub const FILE: &str = "flinkpack.toml";

/// A read manifest.
#[derive(Debug)]
pub struct Manifest {
    /// The file it came from.
    pub path: PathBuf,
    /// What it says.
    pub content: Content,
    text: String,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub fn read(path: &Path) -> Result<Manifest> {
        Manifest::of_text(path, &parse::read_text(path)?)
    }

    /// Reads and checks a manifest that is not in a file; `path` is where it
    /// would be.
    pub fn of_text(path: &Path, text: &str) -> Result<Manifest> {
        let content = parse::parse(path, text)?;
        let manifest = Manifest {
            path: path.to_path_buf(),
            content,
            text: text.to_string(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// The folder that its paths are relative to.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// An error at a place in the file.
    pub fn error_at(&self, span: std::ops::Range<usize>, message: impl AsRef<str>) -> Error {
        parse::error_at(&self.path, &self.text, span, message.as_ref())
    }

    /// Adds to an error where in the file its reason is.
    pub fn locate<T>(&self, span: std::ops::Range<usize>, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            let exit = error.exit();
            error
                .doing(format!(
                    "{}: {}",
                    Position::of(&self.text, span.start).in_file(&self.path),
                    self.line_of(span.start)
                ))
                .exit_with(exit)
        })
    }

    fn line_of(&self, offset: usize) -> String {
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        parse::without_secrets(line.trim()).0
    }

    fn check(&self) -> Result<()> {
        let image = &self.content.image;
        let name = image.name.get_ref();
        let reference: Result<crate::image::Reference> = name.parse();
        match reference {
            Err(error) => return self.locate(image.name.span(), Err(error)),
            Ok(reference) if reference.tag.is_some() || reference.digest.is_some() => {
                return Err(self
                    .error_at(
                        image.name.span(),
                        format!("the image's name `{name}` holds a tag"),
                    )
                    .hint("tags go into `tags = [\"…\"]`"));
            }
            Ok(_) => {}
        }
        if let Some((problem, place)) = image.base.get_ref().problem() {
            return Err(self.error_at(place.unwrap_or(image.base.span()), problem));
        }
        if let Some(platform) = &image.platform {
            self.locate(platform.span(), platform.get_ref().parsed())?;
        }
        for (section, specs) in [
            ("connectors", &self.content.connectors),
            ("udfs", &self.content.udfs),
        ] {
            for (name, spec) in specs {
                if name.is_empty()
                    || name.contains(['/', '\\', '\n', '\0'])
                    || name.starts_with('.')
                {
                    return Err(self.error_at(
                        spec.span(),
                        format!("`{name}` cannot be a name in [{section}]"),
                    ));
                }
                self.locate(spec.span(), spec.get_ref().check(section))?;
            }
        }
        if let Some(job) = &self.content.job {
            self.locate(job.jar.span(), job.jar.get_ref().check("job"))?;
        }
        for spec in self.content.filesystems.values() {
            self.locate(spec.span(), spec.get_ref().with.check())?;
        }
        let maven = &self.content.maven;
        maven
            .managed
            .check()
            .doing(|| "reading `managed` of [maven]")?;
        for (key, patterns) in [("keep", &maven.keep), ("drop", &maven.drop)] {
            for pattern in patterns {
                let checked = jar::check_pattern(key, pattern.get_ref());
                self.locate(pattern.span(), checked)?;
            }
        }
        for allow in &self.content.check.allow {
            let AllowSpec { code, jars, reason } = allow.get_ref();
            let number = code.strip_prefix("FP").unwrap_or_default();
            let is_code = number.len() == 4 && number.chars().all(|c| c.is_ascii_digit());
            let mut near = None;
            let problem = if !is_code {
                format!("`{code}` is not the code of a finding, such as FP0101")
            } else if rules::find(code).is_none() {
                near = nearest_name(code, rules::ALL.iter().map(|rule| rule.code));
                format!("no finding has the code `{code}`")
            } else if reason.trim().is_empty() {
                format!("`reason` must say why {code} is allowed")
            } else if let Some(bad) = jars.iter().find(|one| glob::Pattern::new(one).is_err()) {
                format!("`{bad}` is not a pattern of file names")
            } else {
                continue;
            };
            let mut error = self.error_at(allow.span(), problem);
            if let Some(near) = near {
                error = error.hint(format!("did you mean `{near}`?"));
            }
            return Err(error.hint(
                "`flinkpack check` prints the codes; `flinkpack check --explain CODE` says more",
            ));
        }
        for (path, spec) in &self.content.files {
            if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
                return Err(self
                    .error_at(
                        spec.span(),
                        format!("`{path}` is not an absolute path in the image"),
                    )
                    .hint("[files] maps an absolute path in the image to a local path"));
            }
        }
        Ok(())
    }
}
