//! What Flink makes of the image that a Dockerfile describes.

use std::collections::{BTreeMap, BTreeSet};

use super::recipe::Recipe;

impl Recipe {
    /// Folders below plugins/ in which no JAR is.
    pub fn empty_plugins(&self) -> Vec<String> {
        let rootfs = &self.rootfs;
        let name = |path: &String| {
            let below = rootfs.below_home(path)?.strip_prefix("plugins/")?;
            Some(below.split('/').next()?.to_string())
        };
        let jars = rootfs.files.keys().filter(|path| path.ends_with(".jar"));
        let full: BTreeSet<String> = jars.filter_map(name).collect();
        // What is left alone may fill one.
        let made = rootfs.folders.iter().filter(|_| self.left.is_empty());
        let made: BTreeSet<String> = made.filter_map(name).collect();
        made.difference(&full).cloned().collect()
    }

    /// The options in FLINK_PROPERTIES, which the entrypoint of the official images
    /// puts into the configuration.
    pub fn flink_properties(&self) -> BTreeMap<String, String> {
        let text = self.env.get("FLINK_PROPERTIES").map_or("", String::as_str);
        let lines = text.lines().flat_map(|line| line.split("\\n"));
        let pairs = lines.filter_map(|line| line.split_once(':'));
        pairs
            .map(|(key, value)| (key.trim().to_string(), value.trim().to_string()))
            .collect()
    }
}
