//! A file of Maven's settings: its text, and the elements in it.

use std::io::Read;
use std::path::Path;

use roxmltree::Node;

use super::environment::Environment;
use super::xml;
use crate::error::{Context, Error, Result};

/// The largest settings file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads elements of one file.
pub(super) struct Reader<'a> {
    pub shown: &'a str,
    pub environment: &'a Environment,
}

impl Reader<'_> {
    pub(super) fn text(&self, node: Node<'_, '_>, name: &str) -> Option<String> {
        xml::text(node, name).map(|text| self.environment.interpolate(text))
    }

    pub(super) fn needed(&self, node: Node<'_, '_>, name: &str) -> Result<String> {
        self.text(node, name).ok_or_else(|| {
            Error::new(format!(
                "{}: <{}> has no <{name}>",
                self.at(node),
                node.tag_name().name()
            ))
        })
    }

    pub(super) fn at(&self, node: Node<'_, '_>) -> String {
        format!("{}, line {}", self.shown, xml::line(node))
    }
}

/// The text with its variables; one that is not set is an error, since the
/// server would only say that the credentials are wrong.
pub(super) fn filled(text: &str, what: &str, environment: &Environment) -> Result<String> {
    let missing = text
        .split("${env.")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .find(|name| environment.variable(name).is_none());
    match missing {
        Some(name) => Err(Error::new(format!(
            "its {what} comes from the environment variable {name}, which is not set"
        ))),
        None => Ok(environment.interpolate(text)),
    }
}

/// A text file of bounded size; `None` where there is none.
pub(super) fn read_bounded(path: &Path) -> Result<Option<String>> {
    let attempt = || -> Result<Option<String>> {
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut text = String::new();
        file.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(Error::new(format!("it has more than {MAX_FILE} bytes")));
        }
        Ok(Some(text))
    };
    attempt().doing(|| format!("reading {}", path.display()))
}
