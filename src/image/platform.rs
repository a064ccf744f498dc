//! Platforms: operating system, architecture, variant.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::error::Error;

/// `os/architecture[/variant]`, as Docker's `--platform` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, … (Go's names).
    pub architecture: String,
    /// `v8` and the like.
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on this machine's architecture: what its Docker daemon runs.
    pub fn host() -> Platform {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Platform {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: None,
        }
    }

    /// From an OCI `platform` object or an image configuration.
    pub fn of_json(value: &Value) -> Option<Platform> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_string);
        Some(Platform {
            os: text("os")?,
            architecture: text("architecture")?,
            variant: text("variant").filter(|variant| !variant.is_empty()),
        })
    }

    /// Whether an image for `other` runs where `self` is wanted. A variant
    /// counts only when both name one.
    pub fn accepts(&self, other: &Platform) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && match (&self.variant, &other.variant) {
                (Some(mine), Some(theirs)) => mine == theirs,
                _ => true,
            }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Platform, Error> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !part.is_empty() && part.chars().all(plain)
        };
        match parts.as_slice() {
            [os, architecture] | [os, architecture, _] if parts.iter().all(is_word) => {
                Ok(Platform {
                    os: os.to_string(),
                    architecture: architecture.to_string(),
                    variant: parts.get(2).map(|variant| variant.to_string()),
                })
            }
            _ => Err(Error::usage(format!(
                "`{text}` is not a platform (os/architecture, for example linux/amd64)"
            ))),
        }
    }
}
