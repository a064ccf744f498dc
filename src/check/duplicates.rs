//! Classes that are there twice: which copy is loaded, and what the other one
//! had that is called.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::finding::{Finding, Severity};
use super::input::{Input, Loader};
use super::view::{ClassAt, Scope, Seen, View};
use crate::jar::{Name, Numbered};

/// What two JARs of one class loader share.
#[derive(Default)]
struct Pair<'v> {
    identical: usize,
    differing: Vec<(Name<'v>, ClassAt, ClassAt)>,
}

/// Classes that differ, in packages, most first.
fn packages<'v>(names: impl Iterator<Item = &'v str>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let package = name.rsplit_once('/').map_or("", |(package, _)| package);
        *counts.entry(package.replace('/', ".")).or_default() += 1;
    }
    let mut all: Vec<(String, usize)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.into_iter()
        .map(|(package, count)| format!("{package}: {}", classes(count)))
        .collect()
}

fn classes(count: usize) -> String {
    match count {
        1 => "1 class".to_string(),
        _ => format!("{count} classes"),
    }
}

/// Copies among the JARs of one class loader.
pub fn check(input: &Input, scope: Scope<'_>, found: &mut Vec<Finding>) {
    let view = scope.own;
    let mut pairs: BTreeMap<(u32, u32), Pair<'_>> = BTreeMap::new();
    for (name, first, other) in &view.hidden {
        let of = |place: &ClassAt| &view.jars[place.jar as usize];
        if of(first).jar.of_base && of(other).jar.of_base {
            continue;
        }
        let pair = pairs.entry((first.jar, other.jar)).or_default();
        let content = |place: &ClassAt| view.class(*place).map(|class| class.content());
        match content(first) == content(other) {
            true => pair.identical += 1,
            false => pair.differing.push((*name, *first, *other)),
        }
    }
    let lost = lost_members(scope, pairs.values().flat_map(|pair| &pair.differing));
    let called = called(view, &lost);
    for ((first, other), pair) in &pairs {
        let (wins, loses) = (&view.jars[*first as usize], &view.jars[*other as usize]);
        if pair.differing.is_empty() {
            let message = format!(
                "{} are in {} and, the same bytes, in {}",
                classes(pair.identical),
                wins.jar.path,
                loses.jar.path
            );
            found.push(
                Finding::new("FP0103", Severity::Information, message)
                    .jar(wins.jar)
                    .jar(loses.jar),
            );
            continue;
        }
        let first_wins = match view.loader {
            Loader::Lib => "hides",
            // The order is that in which the file system lists the folder.
            _ => "may hide",
        };
        let lacking: Vec<&Call<'_>> = called
            .iter()
            .filter(|call| call.pair == (*first, *other))
            .collect();
        if lacking.is_empty() {
            let message = format!(
                "{} {first_wins} other versions of {} of {}",
                wins.jar.path,
                classes(pair.differing.len()),
                loses.jar.path
            );
            let names = pair.differing.iter().map(|(name, ..)| name.text);
            found.push(
                Finding::new("FP0101", Severity::Warning, message)
                    .jar(wins.jar)
                    .jar(loses.jar)
                    .details(packages(names), 4),
            );
            continue;
        }
        found.push(lacking_finding(
            input, scope, wins, loses, pair, &lacking, first_wins,
        ));
    }
}

fn lacking_finding(
    input: &Input,
    scope: Scope<'_>,
    wins: &Seen<'_>,
    loses: &Seen<'_>,
    pair: &Pair<'_>,
    lacking: &[&Call<'_>],
    first_wins: &str,
) -> Finding {
    let mut owners: Vec<&str> = lacking.iter().map(|call| call.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let mut callers: Vec<&str> = lacking
        .iter()
        .map(|call| scope.own.jars[call.by as usize].jar.path.as_str())
        .collect();
    callers.sort_unstable();
    callers.dedup();
    let message = format!(
        "{} {first_wins} other versions of {} of {}; {} {} what is called by {}",
        wins.jar.path,
        classes(pair.differing.len()),
        loses.jar.path,
        owners.len(),
        if owners.len() == 1 { "lacks" } else { "lack" },
        callers.join(", ")
    );
    let mut texts = HashMap::new();
    let details = lacking.iter().map(|call| {
        let texts = texts
            .entry(call.by)
            .or_insert_with(|| (input.texts)(&scope.own.jars[call.by as usize].jar.sha256));
        let text = texts.as_ref().and_then(|texts| texts.get(call.signature));
        (call.owner, text.unwrap_or_default(), call.user)
    });
    Finding::new("FP0102", Severity::Warning, message)
        .jar(wins.jar)
        .jar(loses.jar)
        .details(super::linkage::calls(details), 6)
}

/// Members that only a hidden copy has, by the hash of its class's name.
type Lost = Numbered<u64, Vec<LostMember>>;

/// Its signature's CRC-32, and the pair of JARs between which it was lost.
type LostMember = (u32, (u32, u32));

/// A call of such a member.
struct Call<'v> {
    pair: (u32, u32),
    owner: &'v str,
    by: u32,
    signature: u32,
    /// A class of `by` that does so.
    user: &'v str,
}

fn lost_members<'v>(
    scope: Scope<'v>,
    differing: impl Iterator<Item = &'v (Name<'v>, ClassAt, ClassAt)>,
) -> Lost {
    let mut lost = Lost::default();
    for (name, first, other) in differing {
        let (Some(wins), Some(loses)) = (scope.own.class(*first), scope.own.class(*other)) else {
            continue;
        };
        // One that cannot be read says nothing of what it has.
        if wins.major().is_none() || loses.major().is_none() {
            continue;
        }
        for signature in loses.members() {
            if !scope.has_member(wins, *signature) {
                let of_class = lost.entry(name.hash).or_default();
                of_class.push((*signature, (first.jar, other.jar)));
            }
        }
    }
    lost
}

fn called<'v>(view: &'v View<'v>, lost: &Lost) -> Vec<Call<'v>> {
    let mut calls = Vec::new();
    if lost.is_empty() {
        return calls;
    }
    for (by, seen) in view.jars.iter().enumerate() {
        let by = by as u32;
        let mut wanted: Numbered<u32, Vec<(u32, u32)>> = Numbered::default();
        for (owner, name) in seen.facts.names().enumerate() {
            let Some(members) = lost.get(&name.hash) else {
                continue;
            };
            for used in seen.facts.references_to(owner as u32) {
                for (_, pair) in members.iter().filter(|(one, _)| *one == used.signature) {
                    wanted.entry(used.number).or_default().push(*pair);
                }
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let is_wanted: Vec<bool> = (0..seen.facts.reference_count() as u32)
            .map(|number| wanted.contains_key(&number))
            .collect();
        for class in seen.classes() {
            for used in class.uses_among(|number| is_wanted.get(number as usize) == Some(&true)) {
                let place = ClassAt {
                    jar: by,
                    class: class.number(),
                };
                // A copy that is hidden itself calls nothing.
                if view.own(class.name()) != Some(place) {
                    break;
                }
                for pair in wanted.remove(&used.number).unwrap_or_default() {
                    calls.push(Call {
                        pair,
                        owner: used.owner.text,
                        by,
                        signature: used.signature,
                        user: class.name().text,
                    });
                }
            }
        }
    }
    calls
}

/// Copies in lib/ and in usrlib/.
pub fn between(lib: &View<'_>, user: &View<'_>, found: &mut Vec<Finding>) {
    let mut shadowed: BTreeMap<(u32, u32), Vec<&str>> = BTreeMap::new();
    for (at, seen) in user.jars.iter().enumerate() {
        let mut names: HashSet<&str> = HashSet::new();
        for class in seen.classes() {
            let Some(place) = lib.own(class.name()) else {
                continue;
            };
            let same = lib.class(place).map(|other| other.content()) == Some(class.content());
            let name = class.name().text;
            if !same && user.is_parent_first(name) && names.insert(name) {
                let of_pair = shadowed.entry((place.jar, at as u32)).or_default();
                of_pair.push(name);
            }
        }
    }
    for ((first, other), names) in shadowed {
        let (wins, loses) = (&lib.jars[first as usize], &user.jars[other as usize]);
        let message = format!(
            "{} hides other versions of {} of {}, since they are loaded parent-first",
            wins.jar.path,
            classes(names.len()),
            loses.jar.path
        );
        found.push(
            Finding::new("FP0104", Severity::Warning, message)
                .jar(wins.jar)
                .jar(loses.jar)
                .details(packages(names.into_iter()), 4),
        );
    }
}
