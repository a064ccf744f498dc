//! The catalogue that is part of the binary: the repository's `plugins/`.

use include_dir::{Dir, include_dir};

static PLUGINS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/plugins");

/// The folders that hold entries, in the embedded catalogue as in a project.
pub(super) const FOLDERS: [&str; 2] = ["filesystems", "connectors"];

/// Path and text of each embedded entry.
pub(super) fn files() -> impl Iterator<Item = (String, &'static str)> {
    FOLDERS
        .iter()
        .filter_map(|folder| PLUGINS.get_dir(folder))
        .flat_map(Dir::files)
        .filter(|file| file.path().extension().is_some_and(|ext| ext == "toml"))
        .filter_map(|file| Some((file.path().display().to_string(), file.contents_utf8()?)))
}
