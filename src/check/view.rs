//! What each class loader sees, and in which order.
//!
//! Source: Flink's `bin/config.sh` (lib/ sorted, flink-dist last), `bin/sql-client.sh`
//! and `bin/flink-console.sh` (JARs of opt/ behind it), the
//! configuration of `classloader.*` and `plugin.classloader.*`, and
//! `PluginLoader`, whose class loaders know no more of Flink than these patterns.

use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use super::input::{Input, Loader, PlacedJar};
use super::jdk;
use crate::jar::{Class, JarFacts, Name, Numbered};
use crate::maven::is_jar_of;

/// Parent-first by default (`classloader.parent-first-patterns.default`, with the
/// loggers that `CoreOptions` adds).
const PARENT_FIRST: &str = "java.;scala.;org.apache.flink.;com.esotericsoftware.kryo;org.apache.hadoop.;javax.annotation.;org.xml;javax.xml;org.apache.xerces;org.w3c;org.rocksdb.;org.slf4j;org.apache.log4j;org.apache.logging;org.apache.commons.logging;ch.qos.logback";

/// Parent-first by default in plugins (`plugin.classloader.parent-first-patterns.default`).
const PLUGIN_PARENT_FIRST: &str = "java.;org.apache.flink.;javax.annotation.;org.slf4j;org.apache.log4j;org.apache.logging;org.apache.commons.logging;ch.qos.logback";

/// A JAR of a view.
pub struct Seen<'a> {
    pub jar: &'a PlacedJar,
    pub facts: &'a JarFacts,
    /// The image's Java, 0 where it is not known.
    java: u32,
}

impl<'a> Seen<'a> {
    /// Its classes as the image's Java loads them.
    pub fn classes(&self) -> impl Iterator<Item = Class<'a>> + use<'a> {
        self.facts.loaded(self.java)
    }
}

/// Where a class is: its JAR's place in the view, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassAt {
    pub jar: u32,
    pub class: u32,
}

/// What looking for a class ends with.
#[derive(Clone, Copy)]
pub enum Lookup<'a> {
    /// In this JAR of the view, or of its parent.
    Class(&'a Seen<'a>, Class<'a>),
    /// It comes with the JRE.
    Jre,
    /// Nobody knows: a JAR was not read.
    Unknown,
    /// Nowhere.
    Absent,
}

/// One class loader.
pub struct View<'a> {
    pub loader: Loader,
    /// In the order of the class path.
    pub jars: Vec<Seen<'a>>,
    /// By the hashes of their names.
    index: Numbered<u64, ClassAt>,
    /// Copies that are never loaded: name, who has it first, who has it too.
    pub hidden: Vec<(Name<'a>, ClassAt, ClassAt)>,
    patterns: Vec<String>,
    /// Whether a JAR of it was not read.
    partial: bool,
}

/// All class loaders.
pub struct Views<'a> {
    pub lib: View<'a>,
    pub user: Option<View<'a>>,
    pub plugins: Vec<View<'a>>,
    /// What comes behind lib/ on the class path of the SQL client and gateway.
    pub tools: View<'a>,
}

impl<'a> Views<'a> {
    pub fn of(input: &'a Input) -> Views<'a> {
        let of = |loader: &Loader| -> Vec<&'a PlacedJar> {
            let jars = input.jars.iter().filter(|jar| jar.loader == *loader);
            jars.collect()
        };
        let mut lib = of(&Loader::Lib);
        lib.sort_by_key(|jar| (is_jar_of(jar.file_name(), "flink-dist"), jar.path.as_str()));
        let lib = View::new(input, Loader::Lib, lib, Vec::new());
        let tools = View::new(input, Loader::Tool, of(&Loader::Tool), parent_first());
        let user = of(&Loader::User);
        let user = (!user.is_empty()).then(|| {
            let first = input.config.get("classloader.resolve-order");
            let patterns = match first.map(String::as_str) {
                Some("parent-first") => parent_first(),
                _ => patterns(input, "classloader.parent-first-patterns", PARENT_FIRST),
            };
            View::new(input, Loader::User, user, patterns)
        });
        let mut names: Vec<&Loader> = input.jars.iter().map(|jar| &jar.loader).collect();
        names.sort();
        names.dedup();
        let plugins = names
            .into_iter()
            .filter(|loader| matches!(loader, Loader::Plugin(_)))
            .map(|loader| {
                let key = "plugin.classloader.parent-first-patterns";
                let patterns = patterns(input, key, PLUGIN_PARENT_FIRST);
                View::new(input, loader.clone(), of(loader), patterns)
            })
            .collect();
        Views {
            lib,
            user,
            plugins,
            tools,
        }
    }

    /// Each view of what a cluster runs, with lib/ behind those that have it for a parent.
    pub fn all(&self) -> impl Iterator<Item = Scope<'_>> {
        let others = self.user.iter().chain(&self.plugins);
        let others = others.map(|own| Scope {
            own,
            parent: Some(&self.lib),
        });
        let lib = Scope {
            own: &self.lib,
            parent: None,
        };
        std::iter::once(lib).chain(others)
    }
}

/// The pattern of every class: everything begins with nothing.
fn parent_first() -> Vec<String> {
    vec![String::new()]
}

fn patterns(input: &Input, key: &str, default: &str) -> Vec<String> {
    let get = |end: &str| input.config.get(&format!("{key}.{end}"));
    let mut all = get("default").map_or(default, String::as_str).to_string();
    if let Some(more) = get("additional") {
        all.push(';');
        all.push_str(more);
    }
    all.split([';', ','])
        .map(|pattern| pattern.trim().replace('.', "/"))
        .filter(|pattern| !pattern.is_empty())
        .collect()
}

impl<'a> View<'a> {
    fn new(
        input: &Input,
        loader: Loader,
        jars: Vec<&'a PlacedJar>,
        patterns: Vec<String>,
    ) -> View<'a> {
        let java = input.java.unwrap_or_default();
        let partial = jars.iter().any(|jar| jar.facts.is_none());
        let jars: Vec<Seen<'a>> = jars
            .into_iter()
            .filter_map(|jar| {
                let facts = jar.facts.as_deref()?;
                Some(Seen { jar, facts, java })
            })
            .collect();
        let count = jars.iter().map(|seen| seen.facts.len()).sum();
        let mut index: Numbered<u64, ClassAt> = Numbered::default();
        index.reserve(count);
        let mut hidden = Vec::new();
        for (jar, seen) in jars.iter().enumerate() {
            for class in seen.classes() {
                let place = ClassAt {
                    jar: jar as u32,
                    class: class.number(),
                };
                match index.entry(class.name().hash) {
                    Entry::Vacant(free) => drop(free.insert(place)),
                    Entry::Occupied(first) => {
                        hidden.push((class.name(), *first.get(), place));
                    }
                }
            }
        }
        View {
            loader,
            jars,
            index,
            hidden,
            patterns,
            partial,
        }
    }

    /// The class in this view's own JARs.
    pub fn own<'n>(&self, name: impl Into<Name<'n>>) -> Option<ClassAt> {
        self.index.get(&name.into().hash).copied()
    }

    /// The class at a place.
    pub fn class(&self, place: ClassAt) -> Option<Class<'_>> {
        self.jars.get(place.jar as usize)?.facts.class(place.class)
    }

    /// Whether the parent is asked first for this class, named with slashes.
    pub fn is_parent_first(&self, name: &str) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| name.starts_with(pattern.as_str()))
    }

    fn seen(&self, name: Name<'_>) -> Option<Lookup<'_>> {
        let place = self.own(name)?;
        let seen = self.jars.get(place.jar as usize)?;
        Some(Lookup::Class(seen, seen.facts.class(place.class)?))
    }
}

/// A view with its parent.
#[derive(Clone, Copy)]
pub struct Scope<'v> {
    pub own: &'v View<'v>,
    pub parent: Option<&'v View<'v>>,
}

impl<'v> Scope<'v> {
    /// Looks for a class, named with slashes, as the class loader does.
    pub fn find<'n>(self, name: impl Into<Name<'n>>) -> Lookup<'v> {
        let name = name.into();
        let found = match self.parent {
            None => self.own.seen(name),
            Some(parent) => match (self.own.is_parent_first(name.text), &self.own.loader) {
                (true, _) => parent.seen(name).or_else(|| self.own.seen(name)),
                (false, Loader::Plugin(_)) => self.own.seen(name),
                (false, _) => self.own.seen(name).or_else(|| parent.seen(name)),
            },
        };
        if let Some(found) = found {
            return found;
        }
        if jdk::has(name.text) {
            return Lookup::Jre;
        }
        let mut views = std::iter::once(self.own).chain(self.parent);
        match views.any(|view| view.partial) {
            true => Lookup::Unknown,
            false => Lookup::Absent,
        }
    }

    /// Whether it is this JAR's copy of the class that is loaded.
    pub fn is_loaded(self, seen: &Seen<'_>, class: Class<'_>) -> bool {
        let found = self.find(class.name());
        matches!(found, Lookup::Class(by, _) if std::ptr::eq(by.facts, seen.facts))
    }

    /// Whether looking for a field or method from this class on, as JVMS 5.4.3
    /// does, may end well: it does for certain, or leads where nobody can say.
    pub fn has_member(self, class: Class<'v>, signature: u32) -> bool {
        if class.declares(signature) {
            return true;
        }
        let mut todo = vec![class];
        let mut done: Vec<u64> = Vec::new();
        while let Some(class) = todo.pop() {
            if class.declares(signature) || class.major().is_none() {
                return true;
            }
            for name in class.types() {
                if name.text == "java/lang/Object" || done.contains(&name.hash) {
                    continue;
                }
                // No hierarchy is that large, unless it is made to be.
                if done.len() > MOST_TYPES {
                    return true;
                }
                done.push(name.hash);
                match self.find(name) {
                    Lookup::Class(_, class) => todo.push(class),
                    // What is absent is told of where it is extended.
                    Lookup::Jre | Lookup::Unknown | Lookup::Absent => return true,
                }
            }
        }
        OF_OBJECTS.contains(&signature)
    }

    /// The first super type, at any height, that is nowhere.
    pub fn absent_type(self, class: Class<'v>) -> Option<&'v str> {
        let mut absent = None;
        self.each_type(class, |name, found| {
            if let (Lookup::Absent, None) = (found, absent) {
                absent = Some(name.text);
            }
        });
        absent
    }

    /// All super types at any height, with the class itself.
    pub fn types(self, class: Class<'v>) -> Vec<&'v str> {
        let mut types = vec![class.name().text];
        self.each_type(class, |name, _| types.push(name.text));
        types
    }

    /// Goes over the super types at any height.
    fn each_type(self, class: Class<'v>, mut tell: impl FnMut(Name<'v>, Lookup<'v>)) {
        let mut todo = vec![class];
        let mut done: Vec<u64> = vec![class.name().hash];
        while let Some(class) = todo.pop() {
            for name in class.types() {
                if done.contains(&name.hash) || done.len() > MOST_TYPES {
                    continue;
                }
                done.push(name.hash);
                let found = self.find(name);
                tell(name, found);
                if let Lookup::Class(_, class) = found {
                    todo.push(class);
                }
            }
        }
    }
}

/// Super types that are followed.
const MOST_TYPES: usize = 500;

/// The CRC-32s of [`jdk::OBJECT`].
static OF_OBJECTS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let texts = jdk::OBJECT.iter();
    texts.map(|text| crc32fast::hash(text.as_bytes())).collect()
});
