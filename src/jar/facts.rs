//! What a JAR's classes declare and refer to: a few lists of numbers.
//!
//! Names are numbers into a table. A signature is its CRC-32, which is enough to
//! tell whether a class has it (of the some dozen members of a class, one has the
//! same CRC-32 as another by a chance of one in 10⁸); its text is in
//! [`super::Texts`], read only where a message needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::name::{self, Name};
use super::table::Table;

/// A constant that a method answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The class's number.
    pub class: u32,
    /// The method: `factoryIdentifier` or `getScheme`.
    pub method: String,
    /// What it answers; `None` where it is computed.
    pub value: Option<String>,
}

/// A file under META-INF/services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The interface, with dots.
    pub interface: String,
    /// The classes that it names, with dots, in order.
    pub providers: Vec<String>,
}

/// What is worth knowing of a JAR beside its classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extras {
    /// Its services files.
    pub services: Vec<Service>,
    /// The Maven artifacts that it says it holds: `group:artifact:version`.
    pub artifacts: Vec<String>,
    /// `Main-Class` of its manifest.
    pub main_class: Option<String>,
    /// Whether its manifest says `Multi-Release: true`.
    pub multi_release: bool,
    /// Whether it is signed.
    pub signed: bool,
    /// Why the JVM refuses its classes, in the JVM's words, where it was changed
    /// after it was signed.
    pub broken_signature: Option<String>,
    /// JARs in it.
    pub nested: Vec<String>,
    /// Entries whose names differ by case alone, or not at all: some of them.
    pub collisions: Vec<String>,
    /// How many class files could not be read.
    pub unreadable: u32,
    /// Why the first of them could not.
    pub unreadable_example: Option<String>,
}

/// Everything known of the classes of a JAR: the usual ones, sorted by name, then
/// those for newer Java versions under META-INF/versions. Descriptions of packages
/// and modules are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JarFacts {
    /// Own classes first, in order; then those of others.
    pub(super) names: Table,
    /// Hashes of the names.
    pub(super) hashes: Vec<u64>,
    pub(super) classes: Classes,
    pub(super) references: References,
    /// Constants.
    pub answers: Vec<Answer>,
    /// The rest.
    pub extras: Extras,
}

/// The classes, a number each in every list; where they have lists of their own,
/// these go from where the one of the class before ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Classes {
    /// CRC-32 of the class file, as the zip's directory has it.
    pub(super) crcs: Vec<u32>,
    /// Of the last ones, which are no usual ones, the Java version from which on each
    /// takes the place of the usual one; sorted by name, then version.
    pub(super) releases: Vec<u32>,
    /// Size of the class file in bytes.
    pub(super) sizes: Vec<u32>,
    /// Major version of its form, 0 where it could not be read; above it, in
    /// the upper half, the access flags.
    pub(super) forms: Vec<u32>,
    pub(super) types_ends: Vec<u32>,
    pub(super) members_ends: Vec<u32>,
    pub(super) uses_ends: Vec<u32>,
    /// Super types: numbers of names.
    pub(super) types: Vec<u32>,
    /// Fields and methods: CRC-32s, ascending in each class.
    pub(super) members: Vec<u32>,
    /// Numbers of references.
    pub(super) uses: Vec<u32>,
}

/// What the classes refer to, each once: first the members that a class of the
/// same JAR declares itself, then the others, both by owner.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct References {
    /// Numbers of names.
    pub(super) owners: Vec<u32>,
    /// CRC-32s.
    pub(super) signatures: Vec<u32>,
    /// How many are of the first kind.
    pub(super) inside: u32,
}

/// One class of a JAR.
#[derive(Clone, Copy)]
pub struct Class<'a> {
    facts: &'a JarFacts,
    number: u32,
}

/// Stands for no field or method, but the class alone.
pub const CLASS_ALONE: u32 = 0;

/// A field or method that some class of a JAR refers to, or a class of another.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// Its number among those of the JAR.
    pub number: u32,
    /// The class it is looked for in.
    pub owner: Name<'a>,
    /// The owner's number among the names of the JAR: that of its class where it
    /// is of the same JAR, else a higher one.
    pub owner_number: u32,
    /// CRC-32 of its signature.
    pub signature: u32,
}

impl Reference<'_> {
    /// Whether it names a field or method, and not the class alone.
    pub fn is_of_member(&self) -> bool {
        self.signature != CLASS_ALONE
    }
}

impl JarFacts {
    /// Fills in what follows from the rest.
    pub(super) fn finish(&mut self) {
        self.hashes = self.names.iter().map(name::hash).collect();
    }

    /// How many usual classes.
    pub fn len(&self) -> usize {
        let all = self.classes.crcs.len();
        all.saturating_sub(self.classes.releases.len())
    }

    /// One more than the largest number of a class.
    pub fn end(&self) -> u32 {
        self.classes.crcs.len() as u32
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The usual classes, by name.
    pub fn classes(&self) -> impl Iterator<Item = Class<'_>> {
        (0..self.len() as u32).filter_map(|number| self.class(number))
    }

    /// The classes for newer Java versions, with the version from which on each takes
    /// the place of the usual one; they count where the JAR is multi-release.
    pub fn versioned(&self) -> impl Iterator<Item = (u32, Class<'_>)> {
        let numbers = self.len() as u32..;
        let releases = self.classes.releases.iter();
        releases
            .zip(numbers)
            .filter_map(|(release, number)| Some((*release, self.class(number)?)))
    }

    /// The classes that this Java loads: of each the newest that is not newer than it.
    pub fn loaded(&self, java: u32) -> impl Iterator<Item = Class<'_>> {
        let counting = self
            .versioned()
            .filter(move |(release, _)| self.extras.multi_release && *release <= java);
        // By ascending version, so that the newest is the one that stays.
        let newest = counting.map(|(_, class)| (class.name().text, class));
        let newest: BTreeMap<&str, Class<'_>> = newest.collect();
        let replaced: BTreeSet<&str> = newest.keys().copied().collect();
        let usual = self
            .classes()
            .filter(move |class| replaced.is_empty() || !replaced.contains(class.name().text));
        usual.chain(newest.into_values())
    }

    /// The class of this number.
    pub fn class(&self, number: u32) -> Option<Class<'_>> {
        (number < self.end()).then_some(Class {
            facts: self,
            number,
        })
    }

    /// The usual class of this name, with slashes.
    pub fn find(&self, name: &str) -> Option<Class<'_>> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.names.get(middle as u32).cmp(name) {
                std::cmp::Ordering::Equal => return self.class(middle as u32),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// How many references there are.
    pub fn reference_count(&self) -> usize {
        self.references.owners.len()
    }

    /// The references to what the class they name does not declare itself, or
    /// not in this JAR.
    pub fn outward(&self) -> impl Iterator<Item = Reference<'_>> {
        self.references_in(self.references.inside as usize..self.reference_count())
    }

    /// The references to what this class of the JAR declares itself.
    pub fn inward(&self, class: Class<'_>) -> impl Iterator<Item = Reference<'_>> {
        self.references_in(self.owned(0..self.references.inside as usize, class.number))
    }

    /// All references to the class with this number among the names.
    pub fn references_to(&self, owner: u32) -> impl Iterator<Item = Reference<'_>> {
        let inside = self.references.inside as usize;
        let inner = self.owned(0..inside, owner);
        let outer = self.owned(inside..self.reference_count(), owner);
        self.references_in(inner).chain(self.references_in(outer))
    }

    /// Those of one owner; the range is in the order of owners.
    fn owned(&self, within: Range<usize>, owner: u32) -> Range<usize> {
        let offset = within.start;
        let owners = self.references.owners.get(within).unwrap_or_default();
        let start = owners.partition_point(|one| *one < owner);
        let length = owners[start..].partition_point(|one| *one == owner);
        offset + start..offset + start + length
    }

    fn references_in(&self, range: Range<usize>) -> impl Iterator<Item = Reference<'_>> {
        range.filter_map(|number| self.reference(number as u32))
    }

    /// The names of classes, own and others', by number.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        (0..self.hashes.len() as u32).map(|number| self.name(number))
    }

    fn name(&self, number: u32) -> Name<'_> {
        Name {
            text: self.names.get(number),
            hash: self.hashes.get(number as usize).copied().unwrap_or(0),
        }
    }

    fn reference(&self, number: u32) -> Option<Reference<'_>> {
        let at = number as usize;
        let owner = *self.references.owners.get(at)?;
        Some(Reference {
            number,
            owner: self.name(owner),
            owner_number: owner,
            signature: self.references.signatures.get(at).copied()?,
        })
    }
}

impl<'a> Class<'a> {
    fn list(self, all: &'a [u32], ends: &[u32]) -> &'a [u32] {
        let at = self.number as usize;
        let start = match at {
            0 => 0,
            _ => ends.get(at - 1).copied().unwrap_or(0) as usize,
        };
        let end = ends.get(at).copied().unwrap_or(0) as usize;
        all.get(start..end).unwrap_or_default()
    }

    fn number_in(self, list: &[u32]) -> u32 {
        list.get(self.number as usize).copied().unwrap_or(0)
    }

    /// Its number in the JAR.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Its name.
    pub fn name(self) -> Name<'a> {
        self.facts.name(self.number)
    }

    /// CRC-32 and size of its file: the same for the same bytes.
    pub fn content(self) -> (u32, u32) {
        let classes = &self.facts.classes;
        (
            self.number_in(&classes.crcs),
            self.number_in(&classes.sizes),
        )
    }

    /// Major version of its form; `None` where it could not be read.
    pub fn major(self) -> Option<u16> {
        let major = self.number_in(&self.facts.classes.forms) as u16;
        (major != 0).then_some(major)
    }

    /// Whether it is an interface.
    pub fn is_interface(self) -> bool {
        (self.number_in(&self.facts.classes.forms) >> 16) & 0x0200 != 0
    }

    /// Super class and interfaces.
    pub fn types(self) -> impl Iterator<Item = Name<'a>> {
        let classes = &self.facts.classes;
        let types = self.list(&classes.types, &classes.types_ends);
        types.iter().map(|name| self.facts.name(*name))
    }

    /// Whether it declares a field or method with a signature of this CRC-32.
    pub fn declares(self, signature: u32) -> bool {
        self.members().binary_search(&signature).is_ok()
    }

    /// The CRC-32 of each field and method that it declares, ascending.
    pub fn members(self) -> &'a [u32] {
        let classes = &self.facts.classes;
        self.list(&classes.members, &classes.members_ends)
    }

    /// What it refers to.
    pub fn uses(self) -> impl Iterator<Item = Reference<'a>> {
        self.uses_among(|_| true)
    }

    /// What it refers to, of the references with these numbers.
    pub fn uses_among(self, counts: impl Fn(u32) -> bool) -> impl Iterator<Item = Reference<'a>> {
        let classes = &self.facts.classes;
        let uses = self.list(&classes.uses, &classes.uses_ends).iter();
        let uses = uses.filter(move |number| counts(**number));
        uses.filter_map(move |number| self.facts.reference(*number))
    }

    /// What this method of it answers: `None` where it does not declare it,
    /// `Some(None)` where the answer is computed.
    pub fn answer(self, method: &str) -> Option<Option<&'a str>> {
        let mut answers = self.facts.answers.iter();
        let found = answers.find(|answer| answer.class == self.number && answer.method == method);
        found.map(|answer| answer.value.as_deref())
    }
}
