//! `[image] base`: one, or one for each platform.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use crate::error::{Error, Result};
use crate::image::Platform;

/// The base as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Bases {
    /// It is there for every platform.
    One(String),
    /// By platform.
    Each(BTreeMap<String, Spanned<String>>),
}

impl Bases {
    /// The base for a platform.
    pub fn for_platform(&self, platform: &Platform) -> Result<&str> {
        let each = match self {
            Bases::One(text) => return Ok(text),
            Bases::Each(each) => each,
        };
        let fits = |name: &str| {
            let written = name.parse::<Platform>();
            written.is_ok_and(|written| platform.accepts(&written))
        };
        let found = each.iter().find(|(name, _)| fits(name));
        found.map(|(_, text)| text.get_ref().as_str()).ok_or_else(|| {
            let names = each.keys().map(String::as_str).collect::<Vec<_>>();
            Error::usage(format!("`base` has none for {platform}"))
                .hint(format!(
                    "it has one for {}: add another, or say with `platform` or --platform what to build for",
                    names.join(", ")
                ))
        })
    }

    /// What is wrong with it, and where, if not at its beginning.
    pub(super) fn problem(&self) -> Option<(String, Option<Range<usize>>)> {
        let each = match self {
            Bases::One(text) => {
                let empty = text.trim().is_empty();
                return empty.then(|| ("the base is empty".to_string(), None));
            }
            Bases::Each(each) if each.is_empty() => {
                return Some(("`base` has none for any platform".to_string(), None));
            }
            Bases::Each(each) => each,
        };
        each.iter().find_map(|(name, text)| {
            let problem = match name.parse::<Platform>() {
                Err(error) => error.to_string(),
                Ok(_) if text.get_ref().trim().is_empty() => {
                    format!("the base for {name} is empty")
                }
                Ok(_) => return None,
            };
            Some((problem, Some(text.span())))
        })
    }
}

impl<'de> Deserialize<'de> for Bases {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Bases, D::Error> {
        struct BasesVisitor;
        impl<'de> Visitor<'de> for BasesVisitor {
            type Value = Bases;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a base, or a table of one for each platform")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Bases, E> {
                Ok(Bases::One(text.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Bases, A::Error> {
                let mut each = BTreeMap::new();
                while let Some((name, text)) = map.next_entry()? {
                    each.insert(name, text);
                }
                Ok(Bases::Each(each))
            }
        }
        from.deserialize_any(BasesVisitor)
    }
}
