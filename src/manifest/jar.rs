//! Where a manifest says that a JAR comes from.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::parsed::Parsed;
use crate::error::{Error, Result};
use crate::maven::{Coordinates, InvalidCoordinates};

/// A JAR as the manifest names it.
#[derive(Clone, Debug, PartialEq)]
pub struct JarSpec {
    /// Where it comes from.
    pub source: JarSource,
    /// Further JARs that go with it.
    pub with: Parsed<JarSource>,
    /// `lib` or `usrlib`, for a UDF.
    pub folder: Option<String>,
    /// What a coordinate brings with it.
    pub taking: Taking,
    /// Why its source is not what it looks like; told with its line.
    problem: Option<InvalidCoordinates>,
}

/// What a Maven coordinate, or a catalogue name that stands for one, brings
/// with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taking {
    /// `group:artifact` patterns of what it must not bring; `*` stands for every
    /// name.
    pub exclude: Vec<String>,
    /// Whether it brings what it needs. Where this is not given, it does, unless
    /// it is fat.
    pub transitive: Option<bool>,
    /// Whether its JAR holds what it needs. Where this is not given, the
    /// catalogue or the artifact's name tells.
    pub fat: Option<bool>,
    /// Whether what the base has already stays out.
    pub platform: Option<bool>,
}

impl Taking {
    fn is_empty(&self) -> bool {
        *self == Taking::default()
    }

    fn check(&self) -> Result<()> {
        for pattern in &self.exclude {
            check_pattern("exclude", pattern)?;
        }
        if self.transitive == Some(true) && self.fat == Some(true) {
            return Err(
                Error::usage("`transitive = true` and `fat = true` do not go together")
                    .hint("a fat JAR holds what it needs, so nothing comes with it"),
            );
        }
        Ok(())
    }
}

/// Fails where a text is no `group:artifact`.
pub(super) fn check_pattern(key: &str, pattern: &str) -> Result<()> {
    match pattern.split_once(':') {
        Some((group, artifact))
            if !group.is_empty() && !artifact.is_empty() && !artifact.contains(':') =>
        {
            Ok(())
        }
        _ => Err(Error::usage(format!(
            "`{pattern}` in `{key}` is not a pattern of artifacts"
        ))
        .hint("write `group:artifact`; `*` stands for every name")),
    }
}

/// The kinds of places.
#[derive(Clone, Debug, PartialEq)]
pub enum JarSource {
    /// The catalogue's entry of the key's name: a version or `auto`.
    Catalogue(String),
    /// A file of a Maven repository.
    Maven(Coordinates),
    /// A path or glob, from the manifest's folder.
    Path(String),
    /// An address, and the content's SHA-256 in hex where it is known.
    Url(String, Option<String>),
}

impl FromStr for JarSource {
    type Err = InvalidCoordinates;

    /// A JAR written as one string: coordinates, an address or a path, where
    /// the form shows it; else a catalogue version.
    fn from_str(text: &str) -> Result<JarSource, InvalidCoordinates> {
        Ok(
            if text.starts_with("https://") || text.starts_with("http://") {
                JarSource::Url(text.to_string(), None)
            } else if text.ends_with(".jar") || text.contains('/') {
                JarSource::Path(text.to_string())
            } else if text.contains(':') {
                JarSource::Maven(text.parse()?)
            } else {
                JarSource::Catalogue(text.to_string())
            },
        )
    }
}

impl JarSpec {
    /// From its source; where that is not valid, [`JarSpec::check`] says so.
    fn of(source: Result<JarSource, InvalidCoordinates>) -> JarSpec {
        let (source, problem) = match source {
            Ok(source) => (source, None),
            Err(problem) => (JarSource::Catalogue(String::new()), Some(problem)),
        };
        JarSpec {
            source,
            with: Parsed::default(),
            folder: None,
            taking: Taking::default(),
            problem,
        }
    }

    pub(super) fn check(&self, section: &str) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        self.with.check()?;
        match self.folder.as_deref() {
            None => {}
            Some(_) if section != "udfs" => {
                return Err(Error::usage(format!("`in` is not for [{section}]")).hint(
                    "connectors go into lib/, the job into usrlib/; only UDFs have a choice",
                ));
            }
            Some("lib" | "usrlib") => {}
            Some(other) => {
                return Err(Error::usage(format!(
                    "`in = \"{other}\"` is not a folder for UDFs; write `lib` or `usrlib`"
                )));
            }
        }
        if let JarSource::Catalogue(text) = &self.source
            && section != "connectors"
        {
            return Err(Error::usage(format!("`{text}` names no JAR")).hint(
                "write { path = \"…\" }, { maven = \"group:artifact:version\" } or { url = \"…\" }",
            ));
        }
        self.taking.check()?;
        if let (JarSource::Path(_) | JarSource::Url(..), false) =
            (&self.source, self.taking.is_empty())
        {
            return Err(Error::usage(
                "`exclude`, `transitive`, `fat` and `platform` are for Maven coordinates and catalogue names",
            )
            .hint("a path or an address is one JAR, of which nothing more is known"));
        }
        if let JarSource::Url(_, Some(sum)) = &self.source {
            crate::image::Digest::from_hex(sum)
                .map_err(|error| error.exit_with(crate::error::Exit::Usage))?;
        }
        Ok(())
    }
}

const FIELDS: &[&str] = &[
    "version",
    "maven",
    "path",
    "url",
    "sha256",
    "with",
    "in",
    "exclude",
    "transitive",
    "fat",
    "platform",
];

impl<'de> Deserialize<'de> for JarSpec {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<JarSpec, D::Error> {
        struct SpecVisitor;
        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = JarSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version, or a table with `version`, `maven`, `path` or `url`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<JarSpec, E> {
                Ok(JarSpec::of(text.parse()))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<JarSpec, A::Error> {
                let mut sources = Vec::new();
                let mut sha256 = None;
                let (mut with, mut folder, mut taking) =
                    (Parsed::default(), None, Taking::default());
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "version" => sources.push(Ok(JarSource::Catalogue(map.next_value()?))),
                        "maven" => {
                            let text: String = map.next_value()?;
                            sources.push(text.parse().map(JarSource::Maven));
                        }
                        "path" => sources.push(Ok(JarSource::Path(map.next_value()?))),
                        "url" => sources.push(Ok(JarSource::Url(map.next_value()?, None))),
                        "sha256" => sha256 = Some(map.next_value::<String>()?),
                        "with" => with = map.next_value()?,
                        "in" => folder = Some(map.next_value()?),
                        "exclude" => taking.exclude = map.next_value()?,
                        "transitive" => taking.transitive = Some(map.next_value()?),
                        "fat" => taking.fat = Some(map.next_value()?),
                        "platform" => taking.platform = Some(map.next_value()?),
                        other => return Err(de::Error::unknown_field(other, FIELDS)),
                    }
                }
                let [source] = <[Result<_, _>; 1]>::try_from(sources).map_err(|sources| {
                    de::Error::custom(if sources.is_empty() {
                        "it does not say where the JAR comes from; one of `version`, `maven`, `path` and `url` is needed"
                    } else {
                        "it says more than one of `version`, `maven`, `path` and `url`"
                    })
                })?;
                let source = match (source, sha256) {
                    (Ok(JarSource::Url(url, _)), sum) => Ok(JarSource::Url(url, sum)),
                    (_, Some(_)) => {
                        return Err(de::Error::custom(
                            "`sha256` goes with `url`; the lock pins everything else",
                        ));
                    }
                    (source, None) => source,
                };
                Ok(JarSpec {
                    with,
                    folder,
                    taking,
                    ..JarSpec::of(source)
                })
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}
