//! `[image] platform`: one, or a list of several.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::error::{Error, Result};
use crate::image::Platform;

/// The platforms as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Platforms(Vec<String>);

impl Platforms {
    /// The platforms, at least one.
    pub fn parsed(&self) -> Result<Vec<Platform>> {
        if self.0.is_empty() {
            return Err(Error::usage("`platform` names no platform")
                .hint("without `platform`, the image is for this machine's"));
        }
        self.0.iter().map(|text| text.parse()).collect()
    }
}

impl<'de> Deserialize<'de> for Platforms {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Platforms, D::Error> {
        struct PlatformsVisitor;
        impl<'de> Visitor<'de> for PlatformsVisitor {
            type Value = Platforms;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a platform, or a list of platforms")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Platforms, E> {
                Ok(Platforms(vec![text.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Platforms, A::Error> {
                let mut platforms = Vec::new();
                while let Some(text) = list.next_element()? {
                    platforms.push(text);
                }
                Ok(Platforms(platforms))
            }
        }
        from.deserialize_any(PlatformsVisitor)
    }
}
