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

    /// All variables that are set.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Maven's `user.home`: `-Duser.home` of MAVEN_OPTS, else HOME.
    pub fn home(&self) -> Option<PathBuf> {
        self.option("user.home")
            .or_else(|| self.variable("HOME"))
            .map(PathBuf::from)
    }

    /// `-DNAME=VALUE` of MAVEN_OPTS and MAVEN_ARGS; the last one counts.
    pub fn option(&self, name: &str) -> Option<&str> {
        let known = |(known, _): &(&str, &str)| *known == name;
        let found = self.properties().into_iter().rfind(known);
        found.map(|(_, value)| value)
    }

    /// All of them, in order.
    pub fn properties(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (variable, alone) in [("MAVEN_OPTS", ""), ("MAVEN_ARGS", "true")] {
            let mut words = self.words(variable);
            while let Some(word) = words.next() {
                let Some(rest) = word.strip_prefix("-D") else {
                    continue;
                };
                let text = match rest {
                    "" => words.next().unwrap_or_default(),
                    rest => rest,
                };
                found.push(text.split_once('=').unwrap_or((text, alone)));
            }
        }
        found
    }

    /// The values of an argument of `mvn` in MAVEN_ARGS: `-s FILE`,
    /// `--settings FILE` or `--settings=FILE`.
    pub fn arguments(&self, short: &str, long: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut words = self.words("MAVEN_ARGS");
        while let Some(word) = words.next() {
            let value = match word.strip_prefix(long) {
                _ if word == short || word == long => words.next(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            found.extend(value);
        }
        found
    }

    /// The profiles that MAVEN_ARGS activates and deactivates (`-P a,!b`).
    pub fn profiles(&self) -> (Vec<&str>, Vec<&str>) {
        let joined = self.words("MAVEN_ARGS").filter_map(|word| {
            let list = word.strip_prefix("-P")?;
            (!list.is_empty()).then_some(list)
        });
        let apart = self.arguments("-P", "--activate-profiles");
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for id in joined.chain(apart).flat_map(|list| list.split(',')) {
            match id.strip_prefix(['!', '-']) {
                Some(id) => off.push(id.trim_start_matches('?')),
                None => on.push(id.trim_start_matches(['+', '?'])),
            }
        }
        (on, off)
    }

    fn words(&self, variable: &str) -> impl Iterator<Item = &str> {
        self.variable(variable)
            .into_iter()
            .flat_map(str::split_whitespace)
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

    /// Fills in `${env.NAME}`, `${user.home}` and what `-D` gives; anything else
    /// stays as it is.
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
                None => self.option(name).map(str::to_owned),
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

    #[test]
    fn arguments_of_maven_count() {
        let environment = Environment::of([
            ("MAVEN_OPTS", "-Da=1 -Db"),
            (
                "MAVEN_ARGS",
                "-B -s one.xml --settings=two.xml -D a=2 -Dc -Px,!y -P +z,-w --activate-profiles ?v",
            ),
        ]);
        assert_eq!(
            environment.arguments("-s", "--settings"),
            ["one.xml", "two.xml"]
        );
        assert_eq!(
            environment.properties(),
            [("a", "1"), ("b", ""), ("a", "2"), ("c", "true")]
        );
        assert_eq!(environment.option("a"), Some("2"));
        assert_eq!(environment.interpolate("${a}${d}"), "2${d}");
        assert_eq!(
            environment.profiles(),
            (vec!["x", "z", "v"], vec!["y", "w"])
        );
    }
}
