//! One thing that was found.

use serde::{Deserialize, Serialize};

/// How bad it is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It certainly fails once the part is used.
    Error,
    /// It may fail.
    Warning,
    /// Good to know.
    Information,
}

impl Severity {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its rule, such as `FP0101`; never reused for something else.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub message: String,
    /// The files involved, as paths under FLINK_HOME; the one that wins first.
    pub jars: Vec<String>,
    /// The coordinates of those that have one.
    pub coordinates: Vec<String>,
    /// What will happen at run time.
    pub happens: String,
    /// What to do.
    pub remedy: String,
    /// Classes, methods, packages: some of them where there are many.
    pub details: Vec<String>,
    /// Why it is allowed, where the manifest says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

impl Finding {
    /// With what its rule says will happen and helps.
    pub fn new(code: &str, severity: Severity, message: impl Into<String>) -> Finding {
        let rule = crate::rules::find(code);
        Finding {
            code: code.to_string(),
            severity,
            message: message.into(),
            jars: Vec::new(),
            coordinates: Vec::new(),
            happens: rule.map_or("", |rule| rule.happens).to_string(),
            remedy: rule.map_or("", |rule| rule.remedy).to_string(),
            details: Vec::new(),
            allowed: None,
        }
    }

    /// Adds a file.
    pub fn jar(mut self, jar: &super::input::PlacedJar) -> Finding {
        self.jars.push(jar.path.clone());
        self.coordinates
            .extend(jar.coordinates.iter().map(|one| one.to_string()));
        self
    }

    /// Adds a file by its path.
    pub fn path(mut self, path: impl Into<String>) -> Finding {
        self.jars.push(path.into());
        self
    }

    /// Adds details, of which the first `most` stay.
    pub fn details(mut self, all: impl IntoIterator<Item = String>, most: usize) -> Finding {
        let mut all = all.into_iter();
        self.details.extend(all.by_ref().take(most));
        let left = all.count();
        if left > 0 {
            self.details.push(format!("and {left} more"));
        }
        self
    }

    /// Says more exactly what will happen.
    pub fn happens(mut self, happens: impl Into<String>) -> Finding {
        self.happens = happens.into();
        self
    }

    /// Says more exactly what to do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Finding {
        self.remedy = remedy.into();
        self
    }
}
