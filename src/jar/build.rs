//! Facts put together class by class; several builders work at once, and become
//! one at the end.

use std::collections::HashMap;

use super::class_file::ClassFile;
use super::facts::{Answer, JarFacts, Row, Table, Texts};

/// One class so far; numbers are into the builder's own tables.
struct Draft {
    name: String,
    crc: u32,
    size: u32,
    major: u16,
    access: u16,
    types: Vec<u32>,
    members: Vec<u32>,
    uses: Vec<(u32, u32)>,
    answers: Vec<(&'static str, Option<String>)>,
}

/// Texts without repetition.
#[derive(Default)]
struct Interner {
    numbers: HashMap<Box<str>, u32>,
}

impl Interner {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(text.into(), number);
        number
    }

    /// The texts by their numbers.
    fn texts(&self) -> Vec<&str> {
        let mut texts = vec![""; self.numbers.len()];
        for (text, number) in &self.numbers {
            texts[*number as usize] = text;
        }
        texts
    }
}

/// What one thread has read.
#[derive(Default)]
pub(super) struct Builder {
    names: Interner,
    signatures: Interner,
    drafts: Vec<Draft>,
    /// How many class files could not be read.
    pub(super) unreadable: u32,
    /// Why one of them could not.
    pub(super) example: Option<String>,
}

impl Builder {
    /// Adds a class. `name` is that of its entry, without `.class`: the one that
    /// class loaders find it by.
    pub(super) fn add(&mut self, name: &str, content: (u32, u32), class: &ClassFile<'_>) {
        let types = class.types.iter().map(|name| self.names.number(name));
        let types = types.collect();
        let members = class.members.iter();
        let members = members.map(|text| self.signatures.number(text)).collect();
        let mut uses = Vec::with_capacity(class.uses.len());
        for (owner, text) in &class.uses {
            uses.push((self.names.number(owner), self.signatures.number(text)));
        }
        let answers = class.answers.iter();
        self.drafts.push(Draft {
            name: name.to_string(),
            crc: content.0,
            size: content.1,
            major: class.major,
            access: class.access,
            types,
            members,
            uses,
            answers: answers
                .map(|(method, value)| (*method, value.map(str::to_string)))
                .collect(),
        });
    }

    /// Adds a class that could not be read: its name and content alone.
    pub(super) fn add_unreadable(&mut self, name: &str, content: (u32, u32), why: &str) {
        self.unreadable += 1;
        self.example
            .get_or_insert_with(|| format!("{}: {why}", name.replace('/', ".")));
        self.drafts.push(Draft {
            name: name.to_string(),
            crc: content.0,
            size: content.1,
            major: 0,
            access: 0,
            types: Vec::new(),
            members: Vec::new(),
            uses: Vec::new(),
            answers: Vec::new(),
        });
    }
}

/// The facts of everything that these have read.
pub(super) fn merge(builders: Vec<Builder>) -> (JarFacts, Texts) {
    let mut facts = JarFacts::default();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (of, builder) in builders.iter().enumerate() {
        order.extend((0..builder.drafts.len()).map(|at| (of, at)));
        facts.extras.unreadable += builder.unreadable;
    }
    let example = builders
        .iter()
        .filter_map(|builder| builder.example.clone());
    facts.extras.unreadable_example = example.min();
    let name_of = |(of, at): &(usize, usize)| builders[*of].drafts[*at].name.as_str();
    order.sort_unstable_by(|a, b| name_of(a).cmp(name_of(b)));
    order.dedup_by(|a, b| name_of(a) == name_of(b));

    let mut names: HashMap<&str, u32> = HashMap::new();
    for place in &order {
        let name = name_of(place);
        names.insert(name, facts.names.push(name));
    }
    // Each builder's numbers become those of the whole.
    let mut name_numbers: Vec<Vec<u32>> = Vec::new();
    for builder in &builders {
        let of_builder = builder
            .names
            .texts()
            .into_iter()
            .map(|text| *names.entry(text).or_insert_with(|| facts.names.push(text)));
        name_numbers.push(of_builder.collect());
    }
    let (signature_numbers, texts) = signatures(&builders, &mut facts);

    let mut references: HashMap<(u32, u32), u32> = HashMap::new();
    for (number, (of, at)) in order.into_iter().enumerate() {
        let draft = &builders[of].drafts[at];
        let (names, signatures) = (&name_numbers[of], &signature_numbers[of]);
        facts
            .types
            .extend(draft.types.iter().map(|name| names[*name as usize]));
        facts
            .members
            .extend(draft.members.iter().map(|text| signatures[*text as usize]));
        for (owner, text) in &draft.uses {
            let reference = (names[*owner as usize], signatures[*text as usize]);
            let next = facts.references.len() as u32;
            let at = *references.entry(reference).or_insert(next);
            if at == next {
                facts.references.push(reference);
            }
            facts.uses.push(at);
        }
        for (method, value) in &draft.answers {
            facts.answers.push(Answer {
                class: number as u32,
                method: method.to_string(),
                value: value.clone(),
            });
        }
        facts.rows.push(Row {
            crc: draft.crc,
            size: draft.size,
            major: draft.major,
            access: draft.access,
            types: facts.types.len() as u32,
            members: facts.members.len() as u32,
            uses: facts.uses.len() as u32,
        });
    }
    (facts, texts)
}

/// Numbers all signatures, by their CRC-32.
fn signatures(builders: &[Builder], facts: &mut JarFacts) -> (Vec<Vec<u32>>, Texts) {
    let hash = |text: &str| crc32fast::hash(text.as_bytes());
    let all = builders
        .iter()
        .flat_map(|builder| builder.signatures.numbers.keys());
    let mut all: Vec<(u32, &str)> = all.map(|text| (hash(text), &**text)).collect();
    all.sort_unstable();
    all.dedup_by_key(|(hash, _)| *hash);
    let mut texts = Table::default();
    for (hash, text) in &all {
        facts.signatures.push(*hash);
        texts.push(text);
    }
    let number = |text: &str| {
        let found = facts.signatures.binary_search(&hash(text));
        found.unwrap_or_default() as u32
    };
    let numbers = builders
        .iter()
        .map(|builder| {
            let texts = builder.signatures.texts().into_iter();
            texts.map(number).collect()
        })
        .collect();
    (numbers, texts)
}
