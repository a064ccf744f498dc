//! Flink's version numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A Flink version, such as `1.20.5` or `2.2.0`. Ordered by its numbers; what
/// follows them (`-SNAPSHOT`, a vendor's suffix) is kept and not compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FlinkVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    text: String,
}

impl FlinkVersion {
    /// `1.20`: what connectors are released for.
    pub fn minor_line(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// Whether it is of this minor or a later one.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FlinkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<FlinkVersion> for String {
    fn from(version: FlinkVersion) -> String {
        version.text
    }
}

impl TryFrom<String> for FlinkVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<FlinkVersion, Error> {
        text.parse()
    }
}

impl FromStr for FlinkVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<FlinkVersion, Error> {
        let mut numbers = text.split(['.', '-']);
        let mut next = || numbers.next().and_then(|part| part.parse::<u32>().ok());
        match (next(), next()) {
            (Some(major), Some(minor)) => Ok(FlinkVersion {
                major,
                minor,
                text: text.to_string(),
            }),
            _ => Err(Error::new(format!(
                "`{text}` is not a Flink version (such as 1.20.5)"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_compared_as_numbers() {
        let version: FlinkVersion = "1.9.3".parse().unwrap();
        assert!(!version.at_least(1, 10));
        assert!(version.at_least(1, 9));
        assert_eq!(
            "2.0-SNAPSHOT".parse::<FlinkVersion>().unwrap().minor_line(),
            "2.0"
        );
        assert!("flink".parse::<FlinkVersion>().is_err());
    }
}
