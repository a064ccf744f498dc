//! A file or folder that goes into the image as it is.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// One of `[files]`: a path, or a table with a mode.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSpec {
    /// A file or folder, from the manifest's folder.
    pub path: String,
    /// Permission bits; for a folder, those of the files in it.
    pub mode: Option<u32>,
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
