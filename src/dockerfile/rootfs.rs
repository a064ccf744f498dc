//! The files that a Dockerfile puts somewhere, by their paths in the image.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The build context: a path in it.
    Context(String),
    /// An address, with the SHA-256 in hex where the Dockerfile has it.
    Url(String, Option<String>),
    /// The base: a path, or a pattern of one.
    Base(String),
    /// Another stage or image: its name.
    Stage(String),
    /// Text that the Dockerfile itself holds.
    Text,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Context(path) => write!(f, "{path} of the build context"),
            Origin::Url(url, _) => f.write_str(url),
            Origin::Base(path) => write!(f, "{path} of the base"),
            Origin::Stage(stage) => write!(f, "the stage {stage}"),
            Origin::Text => f.write_str("the Dockerfile"),
        }
    }
}

/// A file in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where it comes from.
    pub origin: Origin,
    /// The line of the Dockerfile that put it there, from 1.
    pub line: usize,
}

/// Folders that every base has.
const USUAL: &[&str] = &[
    "/",
    "/opt",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/etc",
    "/home",
    "/root",
];

/// Those of Flink that every base has.
const OF_FLINK: &[&str] = &["bin", "conf", "examples", "lib", "log", "opt", "plugins"];

/// Paths are absolute and have no `.` or `..`.
#[derive(Clone, Debug, Default)]
pub struct Rootfs {
    /// Flink's folder.
    pub home: String,
    /// The files.
    pub files: BTreeMap<String, Placed>,
    /// Folders that were made.
    pub folders: BTreeSet<String>,
    /// Patterns of the base's files that were deleted.
    pub gone: Vec<String>,
}

impl Rootfs {
    /// An absolute path for a text that may be relative to `folder`.
    pub fn absolute(folder: &str, text: &str) -> String {
        let mut parts: Vec<&str> = Vec::new();
        let whole = match text.starts_with('/') {
            true => text.to_string(),
            false => format!("{folder}/{text}"),
        };
        for part in whole.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// A path below Flink's folder.
    pub fn below_home<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(self.home.as_str())?.strip_prefix('/')
    }

    /// Whether a path is a folder, as far as that is known.
    pub fn is_folder(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        USUAL.contains(&path)
            || path == self.home
            || self
                .below_home(path)
                .is_some_and(|one| OF_FLINK.contains(&one))
            || self.folders.contains(path)
            || self.folders.iter().any(|one| one.starts_with(&below))
            || self.files.keys().any(|one| one.starts_with(&below))
    }

    /// Where a file of this name ends up that is copied or moved to `text`.
    pub fn target(&self, folder: &str, text: &str, name: &str, is_one: bool) -> String {
        let path = Rootfs::absolute(folder, text);
        match text.ends_with(['/', '.']) || !is_one || self.is_folder(&path) {
            true => Rootfs::absolute(&path, name),
            false => path,
        }
    }

    /// The files that a path or pattern means; those below it, if it is a folder.
    pub fn matching(&self, pattern: &str) -> Vec<String> {
        let options = glob::MatchOptions {
            require_literal_separator: true,
            ..Default::default()
        };
        let Ok(pattern) = glob::Pattern::new(pattern) else {
            return Vec::new();
        };
        let fits = |path: &String| {
            let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1);
            pattern.matches_with(path, options)
                || ends.any(|end| pattern.matches_with(&path[..end], options))
        };
        self.files
            .keys()
            .filter(|path| fits(path))
            .cloned()
            .collect()
    }

    /// Deletes what a path or pattern means.
    pub fn remove(&mut self, pattern: &str) {
        for path in self.matching(pattern) {
            self.files.remove(&path);
        }
        let below = format!("{pattern}/");
        self.folders
            .retain(|one| one != pattern && !one.starts_with(&below));
        if self.below_home(pattern).is_some() {
            self.gone.push(pattern.to_string());
        }
    }
}
