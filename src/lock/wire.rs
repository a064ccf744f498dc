//! The lock file's text, apart from its type: one form a version.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table, value};

use super::{
    LAYER_FORMAT, Lock, LockedBase, LockedCheck, LockedJar, LockedLayer, LockedMaven,
    LockedPlatform, LockedProvided, Source, VERSION,
};
use crate::error::{Context, Error, Exit, Reason, Result};
use crate::image::{Digest, LayerKind};
use crate::manifest::Place;

const HEADER: &str =
    "# Written by flinkpack. Keep it in version control: it pins what was found.\n";

#[derive(Deserialize)]
struct Probe {
    version: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(rename = "version")]
    _version: i64,
    layer_format: u32,
    base: Base,
    maven: Option<Maven>,
    #[serde(default)]
    jar: Vec<Jar>,
    #[serde(default)]
    layer: Vec<Layer>,
    #[serde(default)]
    provided: Vec<Provided>,
    check: Option<Check>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    #[serde(default)]
    warnings: BTreeMap<String, u32>,
    seal: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Layer {
    name: String,
    digest: Digest,
    diff_id: Digest,
    size: u64,
    seal: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Maven {
    inputs: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Provided {
    maven: String,
    provided_by: String,
}

#[derive(Deserialize)]
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
    #[serde(default)]
    platforms: Vec<OnPlatform>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnPlatform {
    platform: String,
    reference: Option<String>,
    digest: Digest,
}

impl Base {
    fn on_platforms(&mut self) -> Result<Vec<LockedPlatform>> {
        let several = std::mem::take(&mut self.platforms);
        let one = match (self.platform.take(), self.digest.take(), several.as_slice()) {
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
        let each = one.into_iter().chain(several);
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
        each.map(locked).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Jar {
    name: String,
    kind: String,
    maven: Option<String>,
    file: Option<String>,
    url: Option<String>,
    base: Option<String>,
    asked: Option<String>,
    needed_by: Option<String>,
    path: String,
    place: Option<Place>,
    sha256: String,
    size: u64,
    layer: Option<Digest>,
}

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
    let mut file: File = toml::from_str(text)
        .map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Error::usage(format!("line {line}: {}", error.message()))
        })
        .hint(|| again)?;
    let jars = file
        .jar
        .into_iter()
        .map(|jar| jar.checked(file.layer_format))
        .collect::<Result<_>>()
        .hint(|| again)?;
    // Layers of another format have other bytes.
    let is_current = file.layer_format == LAYER_FORMAT;
    let layers = file.layer.into_iter().filter(|one| {
        // TOML's integers end there: it could not be written again.
        is_current && i64::try_from(one.size).is_ok()
    });
    let layers = layers
        .map(|one| LockedLayer {
            name: one.name,
            digest: one.digest,
            diff_id: one.diff_id,
            size: one.size,
            seal: one.seal,
        })
        .collect();
    let provided = file.provided.into_iter().map(|one| LockedProvided {
        maven: one.maven,
        by: one.provided_by,
    });
    let platforms = file.base.on_platforms().hint(|| again)?;
    Ok(Lock {
        base: LockedBase {
            platforms,
            flink: file.base.flink,
            scala: file.base.scala,
            java: file.base.java.and_then(|java| java.parse().ok()),
        },
        maven: file.maven.map(|maven| LockedMaven {
            inputs: maven.inputs,
            provided: provided.collect(),
        }),
        jars,
        layers,
        check: file.check.map(|check| LockedCheck {
            warnings: check.warnings,
            seal: check.seal,
        }),
    })
}

impl Jar {
    fn checked(self, layer_format: u32) -> Result<LockedJar> {
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
                "the JAR `{name}` has not one of `maven`, `file`, `url` and `base`"
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
            layer: self.layer.filter(|_| layer_format == LAYER_FORMAT),
            name,
        })
    }
}

pub(super) fn write(lock: &Lock) -> String {
    let mut document = DocumentMut::new();
    document["version"] = value(VERSION);
    document["layer-format"] = value(i64::from(LAYER_FORMAT));
    let mut base = Table::new();
    let platforms = &lock.base.platforms;
    let common = platforms.first().map(|first| &first.reference);
    let common = common.filter(|name| platforms.iter().all(|one| one.reference == **name));
    if let Some(name) = common {
        base["reference"] = value(name);
    }
    if let [one] = platforms.as_slice() {
        base["digest"] = value(one.digest.to_string());
        base["platform"] = value(&one.platform);
    }
    base["flink"] = value(&lock.base.flink);
    base["scala"] = value(&lock.base.scala);
    if let Some(java) = lock.base.java {
        base["java"] = value(java.to_string());
    }
    if platforms.len() > 1 {
        let mut tables = toml_edit::ArrayOfTables::new();
        for one in platforms {
            let mut table = Table::new();
            table["platform"] = value(&one.platform);
            if common.is_none() {
                table["reference"] = value(&one.reference);
            }
            table["digest"] = value(one.digest.to_string());
            tables.push(table);
        }
        base["platforms"] = Item::ArrayOfTables(tables);
    }
    document["base"] = Item::Table(base);
    if let Some(maven) = &lock.maven {
        let mut table = Table::new();
        table["inputs"] = value(maven.inputs.to_string());
        document["maven"] = Item::Table(table);
    }
    if let Some(check) = &lock.check {
        let mut table = Table::new();
        if !check.warnings.is_empty() {
            let warnings = check.warnings.iter();
            let warnings = warnings.map(|(code, count)| (code, i64::from(*count)));
            table["warnings"] = value(warnings.collect::<toml_edit::InlineTable>());
        }
        table["seal"] = value(check.seal.to_string());
        document["check"] = Item::Table(table);
    }
    let mut jars = toml_edit::ArrayOfTables::new();
    for jar in &lock.jars {
        let mut table = Table::new();
        table["name"] = value(&jar.name);
        table["kind"] = value(jar.kind.word());
        let (key, text) = match &jar.source {
            Source::Maven(text) => ("maven", text),
            Source::Path(text) => ("file", text),
            Source::Url(text) => ("url", text),
            Source::Base(text) => ("base", text),
        };
        table[key] = value(text);
        if let Some(asked) = &jar.asked {
            table["asked"] = value(asked);
        }
        if let Some(needed_by) = &jar.needed_by {
            table["needed-by"] = value(needed_by);
        }
        table["path"] = value(&jar.path);
        if let Some(place) = jar.place {
            table["place"] = value(match place {
                Place::Link => "link",
                Place::Move => "move",
                Place::Copy => "copy",
            });
        }
        table["sha256"] = value(jar.sha256.hex());
        table["size"] = value(jar.size as i64);
        if let Some(layer) = jar.layer {
            table["layer"] = value(layer.to_string());
        }
        jars.push(table);
    }
    if !jars.is_empty() {
        document["jar"] = Item::ArrayOfTables(jars);
    }
    let mut layers = toml_edit::ArrayOfTables::new();
    for layer in &lock.layers {
        let mut table = Table::new();
        table["name"] = value(&layer.name);
        table["digest"] = value(layer.digest.to_string());
        table["diff-id"] = value(layer.diff_id.to_string());
        table["size"] = value(layer.size as i64);
        table["seal"] = value(layer.seal.to_string());
        layers.push(table);
    }
    if !layers.is_empty() {
        document["layer"] = Item::ArrayOfTables(layers);
    }
    let mut provided = toml_edit::ArrayOfTables::new();
    for one in lock.maven.iter().flat_map(|maven| &maven.provided) {
        let mut table = Table::new();
        table["maven"] = value(&one.maven);
        table["provided-by"] = value(&one.by);
        provided.push(table);
    }
    if !provided.is_empty() {
        document["provided"] = Item::ArrayOfTables(provided);
    }
    format!("{HEADER}{document}")
}

#[cfg(test)]
mod tests {
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
                    maven: "g:core:1".into(),
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
                jar("kafka", Source::Maven("a:b:1".into())),
                LockedJar {
                    asked: Some("old:moved:1".into()),
                    ..jar("moved", Source::Maven("new:moved:1".into()))
                },
                LockedJar {
                    needed_by: Some("a:b:1".into()),
                    kind: LayerKind::Dependency,
                    ..jar("needed", Source::Maven("a:needed:1".into()))
                },
                jar("local", Source::Path("x/\"y\".jar".into())),
                LockedJar {
                    place: Some(Place::Link),
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
        assert_eq!(read(&write(&lock)).unwrap(), lock);
        insta::assert_snapshot!(write(&lock));
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
        let text = write(&lock);
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
        let own = write(&lock);
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
        let text = write(&lock()).replace("version = 1", "version = 2");
        let error = read(&text).unwrap_err();
        assert!(error.is(Reason::LockVersion), "{error}");
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        let text = write(&lock()).replace("size = 7", "size = \"x\"");
        assert!(read(&text).unwrap_err().report().contains("line 2"));
    }

    #[test]
    fn a_size_that_could_not_be_written_is_not_read() {
        let most = write(&lock()).replace("size = 7", &format!("size = {}", i64::MAX));
        assert_eq!(write(&read(&most).unwrap()), most);
        let more = write(&lock()).replace("size = 7", &format!("size = {}", u64::MAX));
        assert!(read(&more).unwrap_err().report().contains("bytes"));
    }

    proptest::proptest! {
        #[test]
        fn junk_never_panics(text in "[\\x20-\\x7e\\n]{0,400}") {
            let _ = read(&text);
        }
    }
}
