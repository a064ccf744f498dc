//! The lock file's text, apart from its type: one form a version.

use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, Table, Value};

use super::check::LockedCheck;
use super::content::{
    Lock, LockedBase, LockedJar, LockedMaven, LockedPlatform, LockedProvided, Source,
};
use super::layer::LockedLayer;
use crate::error::{Context, Error, Exit, Reason, Result};
use crate::image::{Digest, LayerKind};
use crate::manifest::Placement;
use crate::maven::Coordinates;

/// The form of the file.
pub const VERSION: i64 = 1;

/// Changes when the same inputs would give other layer bytes.
pub const LAYER_FORMAT: u32 = 1;

const HEADER: &str =
    "# Written by flinkpack. Keep it in version control: it pins what was found.\n";

#[derive(Deserialize)]
struct Probe {
    version: i64,
}

/// The file; what it holds is written in this order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    version: i64,
    layer_format: u32,
    base: Base,
    maven: Option<Maven>,
    check: Option<LockedCheck>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    jar: Vec<Jar>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layer: Vec<LockedLayer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    provided: Vec<LockedProvided>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Maven {
    inputs: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    // Where it is the same for every platform.
    reference: Option<String>,
    // Where it is for one platform.
    digest: Option<Digest>,
    platform: Option<String>,
    flink: String,
    scala: String,
    java: Option<String>,
    // Where it is for several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<OnPlatform>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnPlatform {
    platform: String,
    reference: Option<String>,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Jar {
    name: String,
    kind: String,
    maven: Option<Coordinates>,
    file: Option<String>,
    url: Option<String>,
    base: Option<String>,
    asked: Option<Coordinates>,
    needed_by: Option<Coordinates>,
    path: String,
    place: Option<Placement>,
    sha256: String,
    size: u64,
    layer: Option<Digest>,
}

/// Reads the file's text.
pub(super) fn read(text: &str) -> Result<Lock> {
    let again = if text.contains("<<<<<<<") {
        "it holds merge conflicts: take either side, then run `flinkpack lock`"
    } else {
        "delete the file and run `flinkpack lock` to make it anew"
    };
    let probe: Probe = toml::from_str(text)
        .map_err(|error| Error::new(error.message()))
        .doing(|| "it is not a lock file")
        .hint(|| again)
        .map_err(|error| error.exit_with(Exit::Usage))?;
    if probe.version != VERSION {
        return Err(Error::usage(format!(
            "the lock file has version {}, and this flinkpack knows version {VERSION}",
            probe.version
        ))
        .because(Reason::LockVersion)
        .hint("a newer flinkpack wrote it: use that one"));
    }
    let file: File = toml::from_str(text)
        .map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Error::usage(format!("line {line}: {}", error.message()))
        })
        .hint(|| again)?;
    Lock::try_from(file).hint(|| again)
}

/// Writes the file's text.
pub(super) fn write(lock: &Lock) -> Result<String> {
    let document =
        toml_edit::ser::to_document(&File::from(lock)).doing(|| "writing the lock file's text")?;
    let mut out = DocumentMut::new();
    for (key, item) in document.into_table() {
        out[&key] = spread(item);
    }
    Ok(format!("{HEADER}{out}"))
}

/// A table, or a list of tables, on lines of its own; what is in a table stays as
/// it is, but for such a list.
fn spread(item: Item) -> Item {
    match item {
        Item::Value(Value::InlineTable(inline)) => {
            let mut table = Table::new();
            for (key, value) in inline {
                table[key.as_str()] = match value {
                    Value::Array(_) => spread(Item::Value(value)),
                    other => toml_edit::value(other),
                };
            }
            Item::Table(table)
        }
        list @ Item::Value(Value::Array(_)) => match list.into_array_of_tables() {
            Ok(tables) => Item::ArrayOfTables(tables),
            Err(list) => list,
        },
        other => other,
    }
}

impl TryFrom<File> for Lock {
    type Error = Error;

    fn try_from(file: File) -> Result<Lock> {
        // Layers of another format have other bytes.
        let is_current = file.layer_format == LAYER_FORMAT;
        let jars = file.jar.into_iter().map(|jar| jar.locked(is_current));
        let layers = file.layer.into_iter().filter(|one| {
            // TOML's integers end there: it could not be written again.
            is_current && i64::try_from(one.size).is_ok()
        });
        Ok(Lock {
            jars: jars.collect::<Result<_>>()?,
            layers: layers.collect(),
            base: file.base.locked()?,
            maven: file.maven.map(|maven| LockedMaven {
                inputs: maven.inputs,
                provided: file.provided,
            }),
            check: file.check,
        })
    }
}

impl From<&Lock> for File {
    fn from(lock: &Lock) -> File {
        let maven = lock.maven.as_ref();
        File {
            version: VERSION,
            layer_format: LAYER_FORMAT,
            base: Base::of(&lock.base),
            maven: maven.map(|maven| Maven {
                inputs: maven.inputs,
            }),
            check: lock.check.clone(),
            jar: lock.jars.iter().map(Jar::of).collect(),
            layer: lock.layers.clone(),
            provided: maven.map_or_else(Vec::new, |maven| maven.provided.clone()),
        }
    }
}

impl Base {
    fn of(base: &LockedBase) -> Base {
        let platforms = &base.platforms;
        let common = platforms.first().map(|first| &first.reference);
        let common = common.filter(|name| platforms.iter().all(|one| one.reference == **name));
        let on_platform = |one: &LockedPlatform| OnPlatform {
            platform: one.platform.clone(),
            reference: common.is_none().then(|| one.reference.clone()),
            digest: one.digest,
        };
        let (one, several) = match platforms.as_slice() {
            [one] => (Some(one), &[][..]),
            several => (None, several),
        };
        Base {
            reference: common.cloned(),
            digest: one.map(|one| one.digest),
            platform: one.map(|one| one.platform.clone()),
            flink: base.flink.clone(),
            scala: base.scala.clone(),
            java: base.java.map(|java| java.to_string()),
            platforms: several.iter().map(on_platform).collect(),
        }
    }

    fn locked(self) -> Result<LockedBase> {
        let one = match (self.platform, self.digest, self.platforms.as_slice()) {
            (Some(platform), Some(digest), []) => Some(OnPlatform {
                platform,
                reference: None,
                digest,
            }),
            (None, None, [_, ..]) => None,
            _ => {
                return Err(Error::usage(
                    "[base] has neither `platform` and `digest` nor [[base.platforms]]",
                ));
            }
        };
        let each = one.into_iter().chain(self.platforms);
        let locked = |one: OnPlatform| {
            let reference = one.reference.or_else(|| self.reference.clone());
            Ok(LockedPlatform {
                reference: reference.ok_or_else(|| {
                    Error::usage(format!("the base for {} has no `reference`", one.platform))
                })?,
                platform: one.platform,
                digest: one.digest,
            })
        };
        Ok(LockedBase {
            platforms: each.map(locked).collect::<Result<_>>()?,
            flink: self.flink,
            scala: self.scala,
            java: self.java.and_then(|java| java.parse().ok()),
        })
    }
}

impl Jar {
    fn of(jar: &LockedJar) -> Jar {
        let (mut maven, mut file, mut url, mut base) = (None, None, None, None);
        match jar.source.clone() {
            Source::Maven(coordinates) => maven = Some(coordinates),
            Source::Path(path) => file = Some(path),
            Source::Url(address) => url = Some(address),
            Source::Base(path) => base = Some(path),
        }
        Jar {
            name: jar.name.clone(),
            kind: jar.kind.word().to_string(),
            maven,
            file,
            url,
            base,
            asked: jar.asked.clone(),
            needed_by: jar.needed_by.clone(),
            path: jar.path.clone(),
            place: jar.place,
            sha256: jar.sha256.hex(),
            size: jar.size,
            layer: jar.layer,
        }
    }

    fn locked(self, is_current: bool) -> Result<LockedJar> {
        let sources: Vec<Source> = [
            self.maven.map(Source::Maven),
            self.file.map(Source::Path),
            self.url.map(Source::Url),
            self.base.map(Source::Base),
        ]
        .into_iter()
        .flatten()
        .collect();
        let name = self.name;
        // TOML's integers end there: it could not be written again.
        if i64::try_from(self.size).is_err() {
            let size = self.size;
            return Err(Error::usage(format!("the JAR `{name}` has {size} bytes")));
        }
        let [source] = <[Source; 1]>::try_from(sources).map_err(|_| {
            Error::usage(format!(
                "the JAR `{name}` needs one of `maven`, `file`, `url` and `base`"
            ))
        })?;
        let kind = [
            LayerKind::Dependency,
            LayerKind::Filesystem,
            LayerKind::Connector,
            LayerKind::Udf,
            LayerKind::Job,
        ]
        .into_iter()
        .find(|kind| kind.word() == self.kind)
        .ok_or_else(|| Error::usage(format!("the JAR `{name}` has the kind `{}`", self.kind)))?;
        Ok(LockedJar {
            kind,
            source,
            asked: self.asked,
            needed_by: self.needed_by,
            path: self.path,
            place: self.place,
            sha256: Digest::from_hex(&self.sha256)
                .doing(|| format!("reading the JAR `{name}`"))
                .map_err(|error| error.exit_with(Exit::Usage))?,
            size: self.size,
            // Layers of another format have other bytes.
            layer: self.layer.filter(|_| is_current),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn lock() -> Lock {
        let jar = |name: &str, source: Source| LockedJar {
            name: name.into(),
            kind: LayerKind::Connector,
            source,
            asked: None,
            needed_by: None,
            path: format!("lib/{name}.jar"),
            place: None,
            sha256: Digest::of(name.as_bytes()),
            size: 7,
            layer: Some(Digest::of(b"layer")),
        };
        Lock {
            base: LockedBase {
                platforms: vec![LockedPlatform {
                    platform: "linux/amd64".into(),
                    reference: "flink:1.20".into(),
                    digest: Digest::of(b"base"),
                }],
                flink: "1.20.5".into(),
                scala: "2.12".into(),
                java: Some(17),
            },
            maven: Some(LockedMaven {
                inputs: Digest::of(b"inputs"),
                provided: vec![LockedProvided {
                    maven: "g:core:1".parse().unwrap(),
                    by: "lib/flink-dist-1.20.5.jar".into(),
                }],
            }),
            layers: vec![LockedLayer::new(
                "kafka",
                "inputs",
                Digest::of(b"layer"),
                Digest::of(b"tar"),
                7,
            )],
            jars: vec![
                jar("kafka", Source::Maven("a:b:1".parse().unwrap())),
                LockedJar {
                    asked: Some("old:moved:1".parse().unwrap()),
                    ..jar("moved", Source::Maven("new:moved:1".parse().unwrap()))
                },
                LockedJar {
                    needed_by: Some("a:b:1".parse().unwrap()),
                    kind: LayerKind::Dependency,
                    ..jar("needed", Source::Maven("a:needed:1".parse().unwrap()))
                },
                jar("local", Source::Path("x/\"y\".jar".into())),
                LockedJar {
                    place: Some(Placement::Link),
                    kind: LayerKind::Filesystem,
                    ..jar("s3", Source::Base("opt/s3.jar".into()))
                },
            ],
            check: Some(LockedCheck::new(
                "inputs",
                BTreeMap::from([("FP0101".to_string(), 2), ("FP0601".to_string(), 1)]),
            )),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let lock = lock();
        assert_eq!(read(&write(&lock).unwrap()).unwrap(), lock);
        insta::assert_snapshot!(write(&lock).unwrap());
    }

    #[test]
    fn several_platforms_are_a_table_each() {
        let mut lock = lock();
        lock.jars.clear();
        lock.layers.clear();
        lock.base.platforms.push(LockedPlatform {
            platform: "linux/arm64/v8".into(),
            reference: "flink:1.20".into(),
            digest: Digest::of(b"other"),
        });
        let text = write(&lock).unwrap();
        assert_eq!(read(&text).unwrap(), lock);
        insta::assert_snapshot!(text);
        let digest_for = |lock: &Lock, name: &str, platform: &str| {
            lock.base.digest_for(name, &platform.parse().unwrap())
        };
        let other = Some(Digest::of(b"other"));
        assert_eq!(digest_for(&lock, "flink:1.20", "linux/arm64"), other);
        assert_eq!(digest_for(&lock, "flink:1.20", "linux/s390x"), None);
        let neither = text.replace("[[base.platforms]]", "[[provided]]");
        assert!(read(&neither).is_err());

        lock.base.platforms[1].reference = "flink:arm".into();
        let own = write(&lock).unwrap();
        assert_eq!(read(&own).unwrap(), lock);
        assert_eq!(digest_for(&lock, "flink:arm", "linux/arm64"), other);
        assert_eq!(digest_for(&lock, "flink:1.20", "linux/arm64"), None);
        let nameless = own.replace("reference = \"flink:arm\"\n", "");
        let error = read(&nameless).unwrap_err().report();
        assert!(
            error.contains("linux/arm64/v8 has no `reference`"),
            "{error}"
        );
    }

    #[test]
    fn a_newer_version_is_named() {
        let text = write(&lock())
            .unwrap()
            .replace("version = 1", "version = 2");
        let error = read(&text).unwrap_err();
        assert!(error.is(Reason::LockVersion), "{error}");
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        let text = write(&lock()).unwrap().replace("size = 7", "size = \"x\"");
        assert!(read(&text).unwrap_err().report().contains("line 2"));
    }

    #[test]
    fn a_size_that_could_not_be_written_is_not_read() {
        let most = write(&lock())
            .unwrap()
            .replace("size = 7", &format!("size = {}", i64::MAX));
        assert_eq!(write(&read(&most).unwrap()).unwrap(), most);
        let more = write(&lock())
            .unwrap()
            .replace("size = 7", &format!("size = {}", u64::MAX));
        assert!(read(&more).unwrap_err().report().contains("bytes"));
    }

    proptest::proptest! {
        #[test]
        fn junk_never_panics(text in "[\\x20-\\x7e\\n]{0,400}") {
            let _ = read(&text);
        }
    }
}
