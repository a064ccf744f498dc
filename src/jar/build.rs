//! Facts put together class by class.

use std::io;

use super::class_file::ClassFile;
use super::facts::{Answer, CLASS_ALONE, JarFacts};
use super::name::{Name, Numbered};
use super::signature::Signature;
use super::table::Names;
use super::texts::TextsWriter;

/// A class file as the builder takes it: what takes time is done before, so that many
/// threads can share one builder.
pub(super) struct Prepared<'a> {
    form: u32,
    types: Vec<Name<'a>>,
    /// By CRC-32.
    members: Vec<(u32, Signature<'a>)>,
    uses: Vec<(Name<'a>, u32, Signature<'a>)>,
    classes: Vec<Name<'a>>,
    answers: Vec<(&'static str, Option<&'a str>)>,
}

impl<'a> Prepared<'a> {
    pub(super) fn of(class: ClassFile<'a>) -> Prepared<'a> {
        let members = class.members.into_iter();
        let mut members: Vec<_> = members.map(|one| (one.crc(), one)).collect();
        members.sort_unstable_by_key(|(crc, _)| *crc);
        let uses = class.uses.into_iter();
        Prepared {
            form: u32::from(class.access) << 16 | u32::from(class.major),
            types: class.types.into_iter().map(Name::from).collect(),
            members,
            uses: uses
                .map(|(owner, signature)| (Name::from(owner), signature.crc(), signature))
                .collect(),
            classes: class.classes.into_iter().map(Name::from).collect(),
            answers: class.answers,
        }
    }
}

/// What an entry says of a class: the name that class loaders find it by, and CRC-32
/// and size of its file.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// The entry's number; of two with one name Java takes the later one.
    pub(super) entry: u32,
    pub(super) name: &'a str,
    /// The Java version that it is for, 0 for any.
    pub(super) release: u16,
    pub(super) content: (u32, u32),
}

/// One class so far; its lists go from where those of the class before end.
struct Draft {
    entry: u32,
    name: u32,
    release: u16,
    crc: u32,
    size: u32,
    form: u32,
    types_end: u32,
    members_end: u32,
    uses_end: u32,
}

/// The classes so far; numbers are into its own tables.
pub(super) struct Builder<'w> {
    names: Names,
    texts: TextsWriter<'w>,
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
    /// The first of those that could not, by entry, and why.
    example: Option<(u32, String)>,
}

/// A reference in one number.
fn pair(owner: u32, crc: u32) -> u64 {
    u64::from(owner) << 32 | u64::from(crc)
}

fn unpair(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

impl<'w> Builder<'w> {
    pub(super) fn new(texts: TextsWriter<'w>) -> Builder<'w> {
        Builder {
            names: Names::default(),
            texts,
            references: Vec::new(),
            numbers: Numbered::default(),
            drafts: Vec::new(),
            types: Vec::new(),
            members: Vec::new(),
            uses: Vec::new(),
            answers: Vec::new(),
            unreadable: 0,
            example: None,
        }
    }

    /// Adds a class. An error is of the file that the texts go to.
    pub(super) fn add(&mut self, told: Told<'_>, class: &Prepared<'_>) -> io::Result<()> {
        for name in &class.types {
            self.types.push(self.names.number(*name));
        }
        for (crc, signature) in &class.members {
            self.texts.add(*crc, *signature)?;
            self.members.push(*crc);
        }
        for (owner, crc, signature) in &class.uses {
            if self.refer(*owner, *crc) {
                self.texts.add(*crc, *signature)?;
            }
        }
        for owner in &class.classes {
            self.refer(*owner, CLASS_ALONE);
        }
        let at = self.drafts.len();
        for (method, value) in &class.answers {
            let value = value.map(str::to_string);
            self.answers.push((at, method, value));
        }
        self.draft(told, class.form);
        Ok(())
    }

    /// Adds a reference to the class at hand; answers whether it is the first of its kind.
    fn refer(&mut self, owner: Name<'_>, crc: u32) -> bool {
        let new = self.references.len() as u32;
        let reference = pair(self.names.number(owner), crc);
        let number = *self.numbers.entry(reference).or_insert(new);
        self.uses.push(number);
        if number == new {
            self.references.push(reference);
        }
        number == new
    }

    /// Adds a class that could not be read: its name and content alone.
    pub(super) fn add_unreadable(&mut self, told: Told<'_>, why: &str) {
        self.unreadable += 1;
        let first = self.example.as_ref();
        if first.is_none_or(|(entry, _)| *entry > told.entry) {
            let text = format!("{}: {why}", told.name.replace('/', "."));
            self.example = Some((told.entry, text));
        }
        self.draft(told, 0);
    }

    fn draft(&mut self, told: Told<'_>, form: u32) {
        self.drafts.push(Draft {
            entry: told.entry,
            name: self.names.number(Name::from(told.name)),
            release: told.release,
            crc: told.content.0,
            size: told.content.1,
            form,
            types_end: self.types.len() as u32,
            members_end: self.members.len() as u32,
            uses_end: self.uses.len() as u32,
        });
    }

    /// The lists of a draft.
    fn lists(&self, at: usize) -> (&[u32], &[u32], &[u32]) {
        let (types, members, uses) = match at.checked_sub(1) {
            Some(before) => {
                let before = &self.drafts[before];
                (before.types_end, before.members_end, before.uses_end)
            }
            None => (0, 0, 0),
        };
        let draft = &self.drafts[at];
        (
            &self.types[types as usize..draft.types_end as usize],
            &self.members[members as usize..draft.members_end as usize],
            &self.uses[uses as usize..draft.uses_end as usize],
        )
    }

    /// The facts of everything that was added.
    pub(super) fn finish(mut self) -> io::Result<JarFacts> {
        // What is not needed any more goes before more is made.
        self.texts.finish()?;
        self.numbers = Numbered::default();
        let mut facts = JarFacts::default();
        facts.extras.unreadable = self.unreadable;
        facts.extras.unreadable_example = self.example.take().map(|(_, text)| text);
        let order = self.order();
        let names = self.renumber_names(&order, &mut facts);
        self.declare(&order, &names, &mut facts);
        let references = self.renumber_references(&names, &mut facts);
        for at in &order {
            let (_, _, uses) = self.lists(*at as usize);
            let classes = &mut facts.classes;
            let uses = uses.iter().filter_map(|one| references[*one as usize]);
            classes.uses.extend(uses);
            classes.uses_ends.push(classes.uses.len() as u32);
        }
        facts.finish();
        Ok(facts)
    }

    /// The drafts by name, of those with one name the one that Java takes; those for
    /// newer Java versions behind the others.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.drafts.len() as u32).collect();
        let draft = |at: u32| &self.drafts[at as usize];
        let name = |at: u32| self.names.text(draft(at).name);
        order.sort_unstable_by(|a, b| {
            let (one, other) = (draft(*a), draft(*b));
            let is_usual = (one.release != 0).cmp(&(other.release != 0));
            is_usual
                .then_with(|| name(*a).cmp(name(*b)))
                .then(one.release.cmp(&other.release))
                .then(other.entry.cmp(&one.entry))
        });
        order.dedup_by_key(|at| (draft(*at).release, draft(*at).name));
        order
    }

    /// Numbers the names as the facts have them: own classes, then the others by text.
    /// Answers the new number of each.
    fn renumber_names(&self, order: &[u32], facts: &mut JarFacts) -> Vec<u32> {
        const NONE: u32 = u32::MAX;
        let mut numbers = vec![NONE; self.names.len()];
        for at in order {
            let draft = &self.drafts[*at as usize];
            let number = facts.names.push(&[self.names.text(draft.name)]);
            if draft.release == 0 {
                numbers[draft.name as usize] = number;
            }
        }
        let all = 0..self.names.len() as u32;
        let mut others: Vec<u32> = all.filter(|name| numbers[*name as usize] == NONE).collect();
        others.sort_unstable_by_key(|name| self.names.text(*name));
        for name in others {
            numbers[name as usize] = facts.names.push(&[self.names.text(name)]);
        }
        numbers
    }

    /// What the classes are and declare.
    fn declare(&self, order: &[u32], names: &[u32], facts: &mut JarFacts) {
        let mut numbers: Vec<Option<u32>> = vec![None; self.drafts.len()];
        for (number, at) in order.iter().enumerate() {
            let at = *at as usize;
            numbers[at] = Some(number as u32);
            let draft = &self.drafts[at];
            let (types, members, _) = self.lists(at);
            let classes = &mut facts.classes;
            let types = types.iter().map(|name| names[*name as usize]);
            classes.types.extend(types);
            classes.members.extend(members);
            classes.crcs.push(draft.crc);
            if draft.release != 0 {
                classes.releases.push(u32::from(draft.release));
            }
            classes.sizes.push(draft.size);
            classes.forms.push(draft.form);
            classes.types_ends.push(classes.types.len() as u32);
            classes.members_ends.push(classes.members.len() as u32);
        }
        for (at, method, value) in &self.answers {
            if let Some(class) = numbers[*at] {
                facts.answers.push(Answer {
                    class,
                    method: method.to_string(),
                    value: value.clone(),
                });
            }
        }
        facts
            .answers
            .sort_by(|a, b| (a.class, &a.method).cmp(&(b.class, &b.method)));
    }

    /// Numbers the references as the facts have them: those inside the JAR, then the
    /// others, both by owner. Answers the new number of each; a class of the JAR itself
    /// that is named alone gets none.
    fn renumber_references(&self, names: &[u32], facts: &mut JarFacts) -> Vec<Option<u32>> {
        let renamed = |reference: u64| {
            let (owner, crc) = unpair(reference);
            pair(names[owner as usize], crc)
        };
        let is_outside = |reference: u64| {
            let (owner, crc) = unpair(reference);
            let class = facts.class(owner);
            !class.is_some_and(|class| class.declares(crc))
        };
        let mut order: Vec<(bool, u64, u32)> = (0..)
            .zip(&self.references)
            .map(|(number, reference)| {
                let reference = renamed(*reference);
                (is_outside(reference), reference, number)
            })
            .filter(|(_, reference, _)| {
                let (owner, crc) = unpair(*reference);
                crc != CLASS_ALONE || facts.class(owner).is_none()
            })
            .collect();
        order.sort_unstable();
        let inside = order.partition_point(|(is_outside, ..)| !is_outside);
        facts.references.inside = inside as u32;
        let mut numbers = vec![None; self.references.len()];
        for (number, (_, reference, old)) in order.into_iter().enumerate() {
            let (owner, crc) = unpair(reference);
            facts.references.owners.push(owner);
            facts.references.signatures.push(crc);
            numbers[old as usize] = Some(number as u32);
        }
        numbers
    }
}
