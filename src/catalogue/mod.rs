//! The catalogue: which JAR of a connector or filesystem fits which Flink.
//!
//! The entries are the files of `plugins/`, embedded in the binary; a project
//! adds or replaces entries with a folder of the same form
//! ([`Catalogue::with_folder`]). `plugins/README.md` describes the format.
//! [`Entry::select`] picks a release; nothing here touches the network.

mod artifact_pattern;
mod candidates;
mod embedded;
mod entry;
mod minor;
mod release;
mod select;
mod selected;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::maven::{Coordinates, JarName};

pub use artifact_pattern::ArtifactPattern;
pub use candidates::Candidate;
pub use entry::{Entry, Kind};
pub use release::Release;
pub use select::VersionRequest;
pub use selected::{NoRelease, SelectError, Selected, UnknownVersion};
pub use template::Template;

/// A project's entry is refused above this size: the largest real one is a
/// few kilobytes.
const MAX_FILE: u64 = 1024 * 1024;

/// All known entries, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, Entry>,
}

/// Why a project's own rows could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is far larger than an entry can be.
    #[error("{} has {size} bytes: no entry of the catalogue is that large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// A file is not TOML, or not of the catalogue's form.
    #[error("{} is not an entry of the catalogue: {}", path.display(), source.to_string().trim_end())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A file has the right form, but says something that cannot be.
    #[error("{} is not a usable entry of the catalogue: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Two files of one folder have the same name or alias.
    #[error("`{name}` is in {} and in {}", first.display(), second.display())]
    Twice {
        /// The name or alias.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl CatalogueError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            CatalogueError::Read { .. } => "the file must be readable UTF-8 text",
            CatalogueError::TooLarge { .. } => {
                "only entries belong in plugins/connectors and plugins/filesystems"
            }
            CatalogueError::Parse { .. } | CatalogueError::Invalid { .. } => {
                "the form is described in plugins/README.md of flinkpack"
            }
            CatalogueError::Twice { .. } => "rename or remove one of them",
        }
    }
}

impl Catalogue {
    /// The catalogue that is part of the binary.
    pub fn embedded() -> Catalogue {
        // A test reads every embedded file, so none is left out here.
        let entries = embedded::files()
            .filter_map(|(path, text)| parse(Path::new(&path), text).ok())
            .map(|entry| (entry.name.clone(), entry))
            .collect();
        Catalogue { entries }
    }

    /// Adds a project's own rows: `connectors/*.toml` and `filesystems/*.toml`
    /// under `dir`. A row with the name of a known one replaces it. A folder
    /// that does not exist adds nothing.
    pub fn with_folder(mut self, dir: &Path) -> Result<Catalogue, CatalogueError> {
        let mut seen: HashMap<String, PathBuf> = HashMap::new();
        let mut own = Vec::new();
        for folder in embedded::FOLDERS {
            for path in toml_files(&dir.join(folder))? {
                let entry = read(&path)?;
                for name in entry.aliases.iter().chain([&entry.name]) {
                    if let Some(first) = seen.insert(name.clone(), path.clone())
                        && first != path
                    {
                        return Err(CatalogueError::Twice {
                            name: name.clone(),
                            first,
                            second: path,
                        });
                    }
                }
                own.push(entry);
            }
        }
        for known in self.entries.values_mut() {
            known.aliases.retain(|alias| !seen.contains_key(alias));
        }
        for entry in own {
            self.entries.insert(entry.name.clone(), entry);
        }
        Ok(self)
    }

    /// The entry with this name or alias.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .get(name)
            .or_else(|| self.entries.values().find(|entry| entry.is_called(name)))
    }

    /// The known name or alias that looks most like `name`, if any does.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        self.entries
            .values()
            .flat_map(|entry| entry.aliases.iter().chain([&entry.name]))
            .map(|known| (strsim::damerau_levenshtein(name, known), known.as_str()))
            .filter(|(distance, known)| *distance <= (known.len().min(name.len()) / 3).max(1))
            .min()
            .map(|(_, known)| known)
    }

    /// The coordinates of a JAR whose file name is that of an artifact of the catalogue.
    pub fn coordinates_of(&self, file_name: &str) -> Option<Coordinates> {
        JarName::readings(file_name).find_map(|name| {
            let (plain, _) = name.of_scala();
            let mut releases = self.entries().flat_map(|entry| &entry.releases);
            let release = releases.find(|release| release.artifact.plain_name() == plain)?;
            Coordinates::jar(release.artifact.group(), name.artifact, name.version).ok()
        })
    }

    /// All entries, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let read_error = |source| CatalogueError::Read {
        path: folder.to_owned(),
        source,
    };
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_error(error)),
    };
    let mut paths = Vec::new();
    for item in listing {
        let path = item.map_err(read_error)?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Entry, CatalogueError> {
    let read_error = |source| CatalogueError::Read {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(read_error)?.len();
    if size > MAX_FILE {
        return Err(CatalogueError::TooLarge {
            path: path.to_owned(),
            size,
        });
    }
    parse(path, &std::fs::read_to_string(path).map_err(read_error)?)
}

fn parse(path: &Path, text: &str) -> Result<Entry, CatalogueError> {
    let entry: Entry = toml::from_str(text).map_err(|source| CatalogueError::Parse {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    match entry.problem() {
        None => Ok(entry),
        Some(problem) => Err(CatalogueError::Invalid {
            path: path.to_owned(),
            problem,
        }),
    }
}

#[cfg(test)]
mod tests;
