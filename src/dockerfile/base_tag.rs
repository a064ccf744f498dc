//! The versions of a base, as the tags of the official images have them.

use crate::base::FlinkVersion;
use crate::error::{Error, Result};
use crate::image::Reference;

/// What the tag of a base says of it.
pub struct BaseTag {
    /// Its Flink.
    pub flink: FlinkVersion,
    /// Its Scala, such as `2.12`.
    pub scala: String,
    /// Its Java, such as 17.
    pub java: u32,
}

impl BaseTag {
    /// Of tags as the official images have them: `1.20.1-scala_2.12-java17`, and
    /// shorter ones.
    pub fn of(base: &str) -> Result<BaseTag> {
        let unknown = || {
            Error::usage(format!(
                "the name of the base {base} does not say its Flink"
            ))
            .hint("`--base flink:VERSION-scala_SCALA-javaJAVA` says what it stands for")
        };
        let reference: Reference = base.parse().map_err(|_| unknown())?;
        let tag = reference.tag.ok_or_else(unknown)?;
        let mut parts = tag.split(['-', '_']).skip_while(|part| !is_version(part));
        let flink: FlinkVersion = parts.next().ok_or_else(unknown)?.parse()?;
        let after = |word: &str| {
            let (_, rest) = tag.split_once(word)?;
            let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
            Some(&rest[..end.unwrap_or(rest.len())])
        };
        // What the official images have where their tags do not say it.
        let usual = match (flink.at_least(2, 0), flink.at_least(1, 15)) {
            (true, _) => 17,
            (false, true) => 11,
            (false, false) => 8,
        };
        let scala = after("scala_").filter(|scala| !scala.is_empty());
        Ok(BaseTag {
            scala: scala.unwrap_or("2.12").to_string(),
            java: after("java")
                .and_then(|java| java.parse().ok())
                .unwrap_or(usual),
            flink,
        })
    }
}

/// `1.20`, `1.20.1`.
fn is_version(text: &str) -> bool {
    let mut numbers = text.split('.');
    text.contains('.') && numbers.all(|one| !one.is_empty() && one.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_what_is_in_the_base() {
        let of = |base: &str| {
            let versions = BaseTag::of(base).ok()?;
            Some(format!(
                "{} {} {}",
                versions.flink, versions.scala, versions.java
            ))
        };
        for (base, wanted) in [
            ("flink:1.20.1-scala_2.12-java17", Some("1.20.1 2.12 17")),
            ("apache/flink:1.13.6-scala_2.11", Some("1.13.6 2.11 8")),
            ("registry.test:5000/x/flink:1.17", Some("1.17 2.12 11")),
            ("flink:2.0.0", Some("2.0.0 2.12 17")),
            ("team/base:prod-1.18.1", Some("1.18.1 2.12 11")),
            ("flink:latest", None),
            ("flink", None),
            ("team/base:7", None),
        ] {
            assert_eq!(of(base).as_deref(), wanted, "{base}");
        }
    }
}
