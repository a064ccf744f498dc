//! Filling in `${…}`.
//!
//! In this order: `project.` and `pom.` mean the POM itself, then its
//! properties, then system properties, then `env.NAME`, then the POM itself
//! without prefix. What nobody knows stays as it is written.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::profile::Context;

/// Values inside values, at most.
const MAX_DEPTH: usize = 32;

/// The longest text that filling in may give: values that name each other
/// several times grow without bound.
const MAX_LENGTH: usize = 64 << 10;

/// Expressions, and bytes of their values, that filling in one POM may take:
/// values that name each other several times are met without bound, even where
/// nothing comes of them.
pub(super) const MAX_WORK: usize = 4 << 20;

/// What a POM's expressions may mean.
pub(super) struct Values<'a> {
    pub group: &'a str,
    pub artifact: &'a str,
    pub version: &'a str,
    pub packaging: &'a str,
    pub parent: Option<&'a (String, String, String)>,
    pub properties: &'a HashMap<String, String>,
    pub context: &'a Context,
    /// The first thing that was wrong with an expression.
    pub problem: RefCell<Option<String>>,
    /// What is left of [`MAX_WORK`].
    pub work_left: Cell<usize>,
}

impl Values<'_> {
    /// The text with its expressions filled in. One that leads to itself leaves
    /// the text as it is, and is the `problem`.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        match self.fill_into(text, &mut out, &mut Vec::new()) {
            Ok(()) => out,
            Err(problem) => {
                self.problem.borrow_mut().get_or_insert(problem);
                text.to_string()
            }
        }
    }

    fn fill_into(
        &self,
        text: &str,
        out: &mut String,
        inside: &mut Vec<String>,
    ) -> Result<(), String> {
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start + 2..].find('}') else {
                break;
            };
            out.push_str(&rest[..start]);
            let whole = &rest[start..start + length + 3];
            let name = &whole[2..whole.len() - 1];
            rest = &rest[start + whole.len()..];
            let bare = name
                .strip_prefix("project.")
                .or_else(|| name.strip_prefix("pom."))
                .unwrap_or(name);
            if inside.iter().any(|outer| outer == bare) {
                return Err(format!("the expression {whole} leads to itself"));
            }
            let value = self.value(name);
            self.spend(1 + value.map_or(0, str::len))?;
            match value {
                None => out.push_str(whole),
                Some(value) if value.contains("${") => {
                    if inside.len() >= MAX_DEPTH {
                        return Err(format!("{whole} is more than {MAX_DEPTH} values deep"));
                    }
                    inside.push(bare.to_string());
                    self.fill_into(value, out, inside)?;
                    inside.pop();
                }
                Some(value) => out.push_str(value),
            }
            if out.len() > MAX_LENGTH {
                return Err(format!("{whole} becomes longer than {MAX_LENGTH} bytes"));
            }
        }
        out.push_str(rest);
        Ok(())
    }

    fn spend(&self, work: usize) -> Result<(), String> {
        let left = self.work_left.get().checked_sub(work);
        self.work_left.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(()),
            None => Err("its expressions name each other without end".to_string()),
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        let prefixed = name
            .strip_prefix("project.")
            .or_else(|| name.strip_prefix("pom."));
        let system = |name: &str| self.context.properties.get(name).map(String::as_str);
        prefixed
            .and_then(|name| self.own(name))
            .or_else(|| self.properties.get(name).map(String::as_str))
            .or_else(|| system(name))
            .or_else(|| system(&format!("env.{name}")))
            .or_else(|| self.own(name))
    }

    fn own(&self, name: &str) -> Option<&str> {
        let parent =
            |part: fn(&(String, String, String)) -> &String| Some(part(self.parent?).as_str());
        match name {
            "groupId" => Some(self.group),
            "artifactId" => Some(self.artifact),
            "version" => Some(self.version),
            "packaging" => Some(self.packaging),
            "parent.groupId" => parent(|parent| &parent.0),
            "parent.artifactId" => parent(|parent| &parent.1),
            "parent.version" => parent(|parent| &parent.2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let mut context = Context::default();
        context
            .properties
            .insert("env.HOME".into(), "/home/me".into());
        let properties: HashMap<String, String> = [
            ("n", "name"),
            ("outer", "<${inner}>"),
            ("inner", "${project.version}"),
            ("loop", "${loop2}"),
            ("loop2", "${loop}"),
            ("version", "of a property"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
        let values = Values {
            group: "g",
            artifact: "a",
            version: "1",
            packaging: "jar",
            parent: None,
            properties: &properties,
            context: &context,
            problem: RefCell::default(),
            work_left: Cell::new(MAX_WORK),
        };
        for (text, filled) in [
            ("${n}:${project.version}", "name:1"),
            ("${pom.groupId}", "g"),
            ("${outer}", "<1>"),
            ("${version}", "of a property"),
            ("${artifactId}", "a"),
            ("${env.HOME}${HOME}", "/home/me/home/me"),
            ("x:${undefined}", "x:${undefined}"),
            ("${open", "${open"),
        ] {
            assert_eq!(values.fill(text), filled, "{text}");
        }
        assert_eq!(values.problem.take(), None);
        assert_eq!(values.fill("${loop}"), "${loop}");
        assert!(values.problem.take().unwrap().contains("itself"));
    }
}
