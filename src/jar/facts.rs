//! What a JAR's classes declare and refer to, in a form that is small and read
//! at once.
//!
//! Names and signatures are numbers into tables. A signature is kept as its
//! CRC-32, which is enough to tell whether a class has it (of the some dozen
//! members of a class, one has the same CRC-32 as another by a chance of one in
//! 10⁸); its text is in [`Texts`], read only where a message needs it.

use serde::{Deserialize, Serialize};

/// A list of texts in one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    text: String,
    ends: Vec<u32>,
}

impl Table {
    /// Adds a text, and says its number.
    pub fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        self.ends.len() as u32 - 1
    }

    /// The text of this number; empty where there is none.
    pub fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = match at {
            0 => 0,
            _ => self.ends.get(at - 1).copied().unwrap_or(0) as usize,
        };
        let end = self.ends.get(at).copied().unwrap_or(0) as usize;
        self.text.get(start..end).unwrap_or_default()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(at as u32))
    }
}

/// One class; lists go from where those of the class before end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    /// CRC-32 of the class file, as the zip's directory has it.
    pub(super) crc: u32,
    /// Size of the class file in bytes.
    pub(super) size: u32,
    /// Major version of its form; 0 where it could not be read.
    pub(super) major: u16,
    pub(super) access: u16,
    pub(super) types: u32,
    pub(super) members: u32,
    pub(super) uses: u32,
}

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
    /// JARs in it.
    pub nested: Vec<String>,
    /// Entries whose names differ by case alone, or not at all: some of them.
    pub collisions: Vec<String>,
    /// How many class files could not be read.
    pub unreadable: u32,
    /// Why the first of them could not.
    pub unreadable_example: Option<String>,
}

/// Everything known of the classes of a JAR, sorted by name. Classes for newer
/// Java versions under META-INF are left out, and so are descriptions of
/// packages and modules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JarFacts {
    /// Own classes first, in order; then those of others.
    pub(super) names: Table,
    pub(super) rows: Vec<Row>,
    pub(super) types: Vec<u32>,
    pub(super) members: Vec<u32>,
    pub(super) uses: Vec<u32>,
    /// CRC-32 of each signature, ascending.
    pub(super) signatures: Vec<u32>,
    /// Owner and signature of each reference.
    pub(super) references: Vec<(u32, u32)>,
    /// Constants.
    pub answers: Vec<Answer>,
    /// The rest.
    pub extras: Extras,
}

/// The texts of a JAR's signatures, by their numbers.
pub type Texts = Table;

/// One class of a JAR.
#[derive(Clone, Copy)]
pub struct Class<'a> {
    facts: &'a JarFacts,
    at: usize,
    row: &'a Row,
}

/// A field or method that some class of a JAR refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reference<'a> {
    /// Its number among those of the JAR.
    pub number: u32,
    /// The class it is looked for in, with slashes.
    pub owner: &'a str,
    /// The owner's number among the names of the JAR: that of its class where it
    /// is of the same JAR, else a higher one.
    pub owner_number: u32,
    /// CRC-32 of its signature.
    pub signature: u32,
    /// The number of its signature's text.
    pub text: u32,
}

impl JarFacts {
    /// How many classes.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The classes, by name.
    pub fn classes(&self) -> impl Iterator<Item = Class<'_>> {
        let rows = self.rows.iter().enumerate();
        rows.map(|(at, row)| Class {
            facts: self,
            at,
            row,
        })
    }

    /// The class of this number.
    pub fn class(&self, number: u32) -> Option<Class<'_>> {
        let row = self.rows.get(number as usize)?;
        Some(Class {
            facts: self,
            at: number as usize,
            row,
        })
    }

    /// The class of this name, with slashes.
    pub fn find(&self, name: &str) -> Option<Class<'_>> {
        let (mut low, mut high) = (0, self.rows.len());
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

    /// Every field and method that its classes refer to, once.
    pub fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        (0..self.references.len() as u32).filter_map(|number| self.reference(number))
    }

    /// How many references there are.
    pub fn reference_count(&self) -> usize {
        self.references.len()
    }

    /// How many names of classes there are, own and others'.
    pub fn name_count(&self) -> usize {
        self.names.len()
    }

    fn reference(&self, number: u32) -> Option<Reference<'_>> {
        let (owner, text) = *self.references.get(number as usize)?;
        Some(Reference {
            number,
            owner: self.names.get(owner),
            owner_number: owner,
            signature: self.signatures.get(text as usize).copied().unwrap_or(0),
            text,
        })
    }
}

impl<'a> Class<'a> {
    fn list(self, all: &'a [u32], end: fn(&Row) -> u32) -> &'a [u32] {
        let before = self
            .at
            .checked_sub(1)
            .and_then(|at| self.facts.rows.get(at));
        let start = before.map_or(0, end) as usize;
        all.get(start..end(self.row) as usize).unwrap_or_default()
    }

    /// Its number in the JAR.
    pub fn number(self) -> u32 {
        self.at as u32
    }

    /// Its name, with slashes.
    pub fn name(self) -> &'a str {
        self.facts.names.get(self.at as u32)
    }

    /// CRC-32 and size of its file: the same for the same bytes.
    pub fn content(self) -> (u32, u32) {
        (self.row.crc, self.row.size)
    }

    /// Major version of its form; `None` where it could not be read.
    pub fn major(self) -> Option<u16> {
        (self.row.major != 0).then_some(self.row.major)
    }

    /// Whether it is an interface.
    pub fn is_interface(self) -> bool {
        self.row.access & 0x0200 != 0
    }

    /// Super class and interfaces, with slashes.
    pub fn types(self) -> impl Iterator<Item = &'a str> {
        let types = self.list(&self.facts.types, |row| row.types);
        types.iter().map(|name| self.facts.names.get(*name))
    }

    /// Whether it declares a field or method with a signature of this CRC-32.
    pub fn declares(self, signature: u32) -> bool {
        let Ok(number) = self.facts.signatures.binary_search(&signature) else {
            return false;
        };
        let members = self.list(&self.facts.members, |row| row.members);
        members.contains(&(number as u32))
    }

    /// The CRC-32 of each field and method that it declares, with the number of
    /// its text.
    pub fn members(self) -> impl Iterator<Item = (u32, u32)> {
        let members = self.list(&self.facts.members, |row| row.members);
        let signatures = &self.facts.signatures;
        members
            .iter()
            .filter_map(|text| Some((*signatures.get(*text as usize)?, *text)))
    }

    /// What it refers to.
    pub fn uses(self) -> impl Iterator<Item = Reference<'a>> {
        let uses = self.list(&self.facts.uses, |row| row.uses);
        uses.iter()
            .filter_map(|number| self.facts.reference(*number))
    }

    /// What this method of it answers: `None` where it does not declare it,
    /// `Some(None)` where the answer is computed.
    pub fn answer(self, method: &str) -> Option<Option<&'a str>> {
        let mut answers = self.facts.answers.iter();
        let found =
            answers.find(|answer| answer.class == self.at as u32 && answer.method == method);
        found.map(|answer| answer.value.as_deref())
    }
}
