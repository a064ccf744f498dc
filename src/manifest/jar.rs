//! Where a manifest says that a JAR comes from.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::FileSpec;
use crate::error::{Error, Result};

/// A JAR as the manifest names it.
#[derive(Clone, Debug, PartialEq)]
pub struct JarSpec {
    /// Where it comes from.
    pub source: JarSource,
    /// Further JARs that go with it: coordinates, addresses or paths.
    pub with: Vec<String>,
    /// `lib` or `usrlib`, for a UDF.
    pub folder: Option<String>,
    /// `group:artifact` patterns that must not come with a coordinate.
    pub exclude: Vec<String>,
}

/// The kinds of places.
#[derive(Clone, Debug, PartialEq)]
pub enum JarSource {
    /// The catalogue's entry of the key's name: a version or `auto`.
    Catalogue(String),
    /// A Maven coordinate.
    Maven(String),
    /// A path or glob, from the manifest's folder.
    Path(String),
    /// An address, and the content's SHA-256 in hex where it is known.
    Url(String, Option<String>),
}

impl JarSpec {
    /// A JAR written as one string: a coordinate, an address or a path, where
    /// the form shows it; else a catalogue version.
    pub fn of_text(text: &str) -> JarSpec {
        let source = if text.starts_with("https://") || text.starts_with("http://") {
            JarSource::Url(text.to_string(), None)
        } else if text.ends_with(".jar") || text.contains('/') {
            JarSource::Path(text.to_string())
        } else if text.contains(':') {
            JarSource::Maven(text.to_string())
        } else {
            JarSource::Catalogue(text.to_string())
        };
        JarSpec {
            source,
            with: Vec::new(),
            folder: None,
            exclude: Vec::new(),
        }
    }

    pub(super) fn check(&self, section: &str) -> Result<()> {
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
                    "`in = \"{other}\"` is no folder for UDFs: `lib` or `usrlib`"
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
        if let JarSource::Url(_, Some(sum)) = &self.source {
            crate::image::Digest::from_hex(sum)
                .map_err(|error| error.exit_with(crate::error::Exit::Usage))?;
        }
        Ok(())
    }
}

const FIELDS: &[&str] = &[
    "version", "maven", "path", "url", "sha256", "with", "in", "exclude",
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
                Ok(JarSpec::of_text(text))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<JarSpec, A::Error> {
                let mut sources = Vec::new();
                let mut sha256 = None;
                let (mut with, mut folder, mut exclude) = (Vec::new(), None, Vec::new());
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "version" => sources.push(JarSource::Catalogue(map.next_value()?)),
                        "maven" => sources.push(JarSource::Maven(map.next_value()?)),
                        "path" => sources.push(JarSource::Path(map.next_value()?)),
                        "url" => sources.push(JarSource::Url(map.next_value()?, None)),
                        "sha256" => sha256 = Some(map.next_value::<String>()?),
                        "with" => with = map.next_value()?,
                        "in" => folder = Some(map.next_value()?),
                        "exclude" => exclude = map.next_value()?,
                        other => return Err(de::Error::unknown_field(other, FIELDS)),
                    }
                }
                let [source] = <[JarSource; 1]>::try_from(sources).map_err(|sources| {
                    de::Error::custom(if sources.is_empty() {
                        "it says not where the JAR comes from: one of `version`, `maven`, `path` and `url` is needed"
                    } else {
                        "it says more than one of `version`, `maven`, `path` and `url`"
                    })
                })?;
                let source = match (source, sha256) {
                    (JarSource::Url(url, _), sum) => JarSource::Url(url, sum),
                    (_, Some(_)) => {
                        return Err(de::Error::custom(
                            "`sha256` goes with `url`; the lock pins everything else",
                        ));
                    }
                    (source, None) => source,
                };
                Ok(JarSpec {
                    source,
                    with,
                    folder,
                    exclude,
                })
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}

impl<'de> Deserialize<'de> for FileSpec {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<FileSpec, D::Error> {
        struct SpecVisitor;
        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = FileSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a local path, or a table with `path` and `mode`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<FileSpec, E> {
                Ok(FileSpec {
                    path: text.to_string(),
                    mode: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<FileSpec, A::Error> {
                let (mut path, mut mode) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "path" => path = Some(map.next_value()?),
                        "mode" => {
                            let text: String = map.next_value()?;
                            let bits = u32::from_str_radix(text.trim_start_matches("0o"), 8)
                                .ok()
                                .filter(|bits| *bits <= 0o7777);
                            mode = Some(bits.ok_or_else(|| {
                                de::Error::custom(format!(
                                    "`{text}` is not a mode: write octal digits, such as \"0755\""
                                ))
                            })?);
                        }
                        other => return Err(de::Error::unknown_field(other, &["path", "mode"])),
                    }
                }
                Ok(FileSpec {
                    path: path.ok_or_else(|| de::Error::missing_field("path"))?,
                    mode,
                })
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}
