//! Facts put together class by class; several builders work at once, and become
//! one at the end.

use super::class_file::ClassFile;
use super::facts::{Answer, JarFacts};
use super::name::Numbered;
use super::signature::Signature;
use super::table::{Names, Table};

/// One class so far; its lists go from where those of the class before end.
struct Draft {
    name: String,
    crc: u32,
    size: u32,
    form: u32,
    types_end: usize,
    members_end: usize,
    uses_end: usize,
}

/// What one thread has read; numbers are into its own tables.
#[derive(Default)]
pub(super) struct Builder {
    names: Names,
    /// The texts of the signatures, by CRC-32.
    signatures: Numbered<u32, u32>,
    texts: Table,
    /// Owner and CRC-32 of each reference, in 32 bits each.
    references: Vec<u64>,
    numbers: Numbered<u64, u32>,
    drafts: Vec<Draft>,
    types: Vec<u32>,
    members: Vec<u32>,
    uses: Vec<u32>,
    /// By the draft's number.
    answers: Vec<(usize, &'static str, Option<String>)>,
    /// How many class files could not be read.
    unreadable: u32,
    /// Why one of them could not.
    example: Option<String>,
}

/// A reference in one number.
fn pair(owner: u32, crc: u32) -> u64 {
    u64::from(owner) << 32 | u64::from(crc)
}

fn unpair(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

impl Builder {
    /// Adds a class. `name` is that of its entry, without `.class`: the one that
    /// class loaders find it by.
    pub(super) fn add(&mut self, name: &str, content: (u32, u32), class: &ClassFile<'_>) {
        for name in &class.types {
            self.types.push(self.names.number(name));
        }
        let first = self.members.len();
        for member in &class.members {
            let crc = self.signature(*member);
            self.members.push(crc);
        }
        self.members[first..].sort_unstable();
        for (owner, signature) in &class.uses {
            let reference = pair(self.names.number(owner), self.signature(*signature));
            let number = *self.numbers.entry(reference).or_insert_with(|| {
                self.references.push(reference);
                self.references.len() as u32 - 1
            });
            self.uses.push(number);
        }
        let at = self.drafts.len();
        for (method, value) in &class.answers {
            let value = value.map(str::to_string);
            self.answers.push((at, method, value));
        }
        let form = u32::from(class.access) << 16 | u32::from(class.major);
        self.draft(name, content, form);
    }

    /// Adds a class that could not be read: its name and content alone.
    pub(super) fn add_unreadable(&mut self, name: &str, content: (u32, u32), why: &str) {
        self.unreadable += 1;
        self.example
            .get_or_insert_with(|| format!("{}: {why}", name.replace('/', ".")));
        self.draft(name, content, 0);
    }

    fn draft(&mut self, name: &str, (crc, size): (u32, u32), form: u32) {
        self.drafts.push(Draft {
            name: name.to_string(),
            crc,
            size,
            form,
            types_end: self.types.len(),
            members_end: self.members.len(),
            uses_end: self.uses.len(),
        });
    }

    /// The CRC-32 of a signature, whose text is kept.
    fn signature(&mut self, signature: Signature<'_>) -> u32 {
        let crc = signature.crc();
        let texts = &mut self.texts;
        let known = self.signatures.entry(crc);
        known.or_insert_with(|| texts.push(&signature.parts()));
        crc
    }

    /// The lists of a draft.
    fn lists(&self, at: usize) -> (&[u32], &[u32], &[u32]) {
        let draft = &self.drafts[at];
        let (types, members, uses) = match at.checked_sub(1) {
            Some(before) => {
                let before = &self.drafts[before];
                (before.types_end, before.members_end, before.uses_end)
            }
            None => (0, 0, 0),
        };
        (
            &self.types[types..draft.types_end],
            &self.members[members..draft.members_end],
            &self.uses[uses..draft.uses_end],
        )
    }
}

/// A signature's CRC-32, and where its text is: builder and number.
type Told = (u32, u32, u32);

/// The facts of everything that these have read, and the texts of the signatures
/// by their CRC-32s, in order.
pub(super) fn merge(builders: Vec<Builder>) -> (JarFacts, Vec<u32>, Table) {
    let mut facts = JarFacts::default();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (of, builder) in builders.iter().enumerate() {
        order.extend((0..builder.drafts.len()).map(|at| (of, at)));
        facts.extras.unreadable += builder.unreadable;
    }
    let examples = builders
        .iter()
        .filter_map(|builder| builder.example.clone());
    facts.extras.unreadable_example = examples.min();
    let name_of = |(of, at): &(usize, usize)| builders[*of].drafts[*at].name.as_str();
    order.sort_unstable_by(|a, b| name_of(a).cmp(name_of(b)));
    order.dedup_by(|a, b| name_of(a) == name_of(b));

    let names = names(&builders, order.iter().map(name_of), &mut facts);
    declare(&builders, &order, &names, &mut facts);
    refer(&builders, &order, &names, &mut facts);
    facts.finish();
    let (crcs, texts) = texts(&builders);
    (facts, crcs, texts)
}

/// Numbers all names, and says what number each builder's names get.
fn names<'b>(
    builders: &'b [Builder],
    own: impl Iterator<Item = &'b str>,
    facts: &mut JarFacts,
) -> Vec<Vec<u32>> {
    let mut numbers: Numbered<u64, u32> = Numbered::default();
    for name in own {
        numbers.insert(super::name::hash(name), facts.names.push(&[name]));
    }
    let all = builders.iter().flat_map(|builder| builder.names.iter());
    let mut others: Vec<_> = all
        .filter(|name| !numbers.contains_key(&name.hash))
        .collect();
    others.sort_unstable_by_key(|name| name.text);
    others.dedup_by_key(|name| name.hash);
    for name in others {
        numbers.insert(name.hash, facts.names.push(&[name.text]));
    }
    let of_builder = |builder: &Builder| {
        let names = builder.names.iter();
        names.map(|name| numbers[&name.hash]).collect()
    };
    builders.iter().map(of_builder).collect()
}

/// What the classes are and declare.
fn declare(
    builders: &[Builder],
    order: &[(usize, usize)],
    names: &[Vec<u32>],
    facts: &mut JarFacts,
) {
    let mut numbers: Vec<Vec<Option<u32>>> = builders
        .iter()
        .map(|builder| vec![None; builder.drafts.len()])
        .collect();
    for (number, (of, at)) in order.iter().enumerate() {
        numbers[*of][*at] = Some(number as u32);
        let draft = &builders[*of].drafts[*at];
        let (types, members, _) = builders[*of].lists(*at);
        let classes = &mut facts.classes;
        classes
            .types
            .extend(types.iter().map(|name| names[*of][*name as usize]));
        classes.members.extend(members);
        classes.crcs.push(draft.crc);
        classes.sizes.push(draft.size);
        classes.forms.push(draft.form);
        classes.types_ends.push(classes.types.len() as u32);
        classes.members_ends.push(classes.members.len() as u32);
    }
    for (builder, numbers) in builders.iter().zip(numbers) {
        for (at, method, value) in &builder.answers {
            if let Some(class) = numbers[*at] {
                facts.answers.push(Answer {
                    class,
                    method: method.to_string(),
                    value: value.clone(),
                });
            }
        }
    }
    facts
        .answers
        .sort_by(|a, b| (a.class, &a.method).cmp(&(b.class, &b.method)));
}

/// What they refer to.
fn refer(builders: &[Builder], order: &[(usize, usize)], names: &[Vec<u32>], facts: &mut JarFacts) {
    let renamed = |of: usize, reference: u64| {
        let (owner, crc) = unpair(reference);
        pair(names[of][owner as usize], crc)
    };
    let mut all: Vec<u64> = Vec::new();
    for (of, builder) in builders.iter().enumerate() {
        all.extend(builder.references.iter().map(|one| renamed(of, *one)));
    }
    all.sort_unstable();
    all.dedup();
    let is_inside = |reference: &u64| {
        let (owner, crc) = unpair(*reference);
        let class = facts.class(owner);
        class.is_some_and(|class| class.declares(crc))
    };
    let (inside, outside): (Vec<u64>, Vec<u64>) = all.into_iter().partition(is_inside);
    let references = &mut facts.references;
    references.inside = inside.len() as u32;
    let mut numbers: Numbered<u64, u32> = Numbered::default();
    for reference in inside.into_iter().chain(outside) {
        numbers.insert(reference, references.owners.len() as u32);
        let (owner, crc) = unpair(reference);
        references.owners.push(owner);
        references.signatures.push(crc);
    }
    let renumbered: Vec<Vec<u32>> = builders
        .iter()
        .enumerate()
        .map(|(of, builder)| {
            let references = builder.references.iter();
            let numbers = references.map(|one| numbers[&renamed(of, *one)]);
            numbers.collect()
        })
        .collect();
    for (of, at) in order {
        let (_, _, uses) = builders[*of].lists(*at);
        let classes = &mut facts.classes;
        classes
            .uses
            .extend(uses.iter().map(|one| renumbered[*of][*one as usize]));
        classes.uses_ends.push(classes.uses.len() as u32);
    }
}

/// The texts of all signatures.
fn texts(builders: &[Builder]) -> (Vec<u32>, Table) {
    let mut all: Vec<Told> = Vec::new();
    for (of, builder) in builders.iter().enumerate() {
        let signatures = builder.signatures.iter();
        all.extend(signatures.map(|(crc, number)| (*crc, of as u32, *number)));
    }
    all.sort_unstable();
    all.dedup_by_key(|(crc, ..)| *crc);
    let mut texts = Table::default();
    let mut crcs = Vec::with_capacity(all.len());
    for (crc, of, number) in all {
        crcs.push(crc);
        texts.push(&[builders[of as usize].texts.get(number)]);
    }
    (crcs, texts)
}
