//! What of the process's environment matters to Maven.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Environment variables, taken once so that tests can give their own.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// The process's own.
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment {
            variables: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// These variables alone.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Environment {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Environment {
            variables: variables.into_iter().map(own).collect(),
        }
    }

    /// A variable's value, if it is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Maven's `user.home`: `-Duser.home` of MAVEN_OPTS, else HOME.
    pub fn home(&self) -> Option<PathBuf> {
        self.option("user.home")
            .or_else(|| self.variable("HOME"))
            .map(PathBuf::from)
    }

    /// `-DNAME=VALUE` of MAVEN_OPTS; the last one counts.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.variable("MAVEN_OPTS")?
            .split_whitespace()
            .filter_map(|word| {
                word.strip_prefix("-D")?
                    .strip_prefix(name)?
                    .strip_prefix('=')
            })
            .next_back()
    }

    /// The folder of the installed Maven: where the `mvn` on PATH really is,
    /// else MAVEN_HOME.
    pub fn maven_home(&self) -> Option<PathBuf> {
        let on_path = self
            .variable("PATH")
            .into_iter()
            .flat_map(std::env::split_paths)
            .filter_map(|folder| std::fs::canonicalize(folder.join("mvn")).ok())
            .filter_map(|mvn| Some(mvn.parent()?.parent()?.to_path_buf()))
            .find(|home| is_maven(home));
        on_path.or_else(|| {
            ["MAVEN_HOME", "M2_HOME"]
                .into_iter()
                .filter_map(|name| self.variable(name))
                .map(PathBuf::from)
                .find(|home| is_maven(home))
        })
    }

    /// Fills in `${env.NAME}` and `${user.home}`; anything else stays as it is.
    pub fn interpolate(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            let end = start + length + 1;
            let name = &rest[start + 2..end - 1];
            let value = match name.strip_prefix("env.") {
                Some(name) => self.variables.get(name).cloned(),
                None if name == "user.home" => self.home().map(|home| home.display().to_string()),
                None => None,
            };
            out.push_str(&rest[..start]);
            out.push_str(value.as_deref().unwrap_or(&rest[start..end]));
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }
}

fn is_maven(home: &Path) -> bool {
    home.join("lib").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let environment = Environment::of([("HOME", "/h"), ("A", "${env.B}"), ("EMPTY", "")]);
        for (text, filled) in [
            ("x${env.A}y", "x${env.B}y"),
            ("${env.EMPTY}|${user.home}", "|/h"),
            ("${env.NONE}${other}", "${env.NONE}${other}"),
            ("${env.A", "${env.A"),
            ("$", "$"),
        ] {
            assert_eq!(environment.interpolate(text), filled);
        }
    }

    #[test]
    fn options_of_maven_count() {
        let environment = Environment::of([
            ("HOME", "/h"),
            (
                "MAVEN_OPTS",
                "-Xmx1g -Duser.home=/a -Duser.home=/b -Duser.homer=/c",
            ),
        ]);
        assert_eq!(environment.home(), Some(PathBuf::from("/b")));
    }
}
