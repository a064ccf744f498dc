//! Classes, methods and fields that added JARs refer to and nobody provides.

use std::collections::BTreeMap;

use super::finding::{Finding, Severity};
use super::input::Input;
use super::reach::Reach;
use super::view::{Lookup, Scope, Seen};
use crate::jar::{CLASS_ALONE, Reference};

/// Steps from a factory within which a missing class is likely to be met.
const NEAR: u8 = 3;

/// Why a reference leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Lack {
    Class,
    Member,
}

/// References of one JAR that lead nowhere.
pub fn check(input: &Input, scope: Scope<'_>, reach: &Reach, found: &mut Vec<Finding>) {
    for seen in &scope.own.jars {
        if seen.jar.of_base {
            continue;
        }
        let lacking = lacking(scope, seen);
        if lacking.iter().all(Option::is_none) {
            continue;
        }
        let mut near: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut absent_near: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut far = (0, 0, Vec::new());
        let mut texts = None;
        for ((owner, text), (lack, user, steps)) in used_by(scope, reach, seen, &lacking) {
            match (lack, steps) {
                // Casts and literals alone are mostly of optional features.
                (Lack::Class, Some(steps)) if steps <= NEAR && text != CLASS_ALONE => {
                    let one = absent_near.entry(root(owner)).or_insert((0, user));
                    one.0 += 1;
                }
                (Lack::Member, Some(_)) => {
                    let texts = texts.get_or_insert_with(|| (input.texts)(&seen.jar.sha256));
                    let text = texts.as_ref().and_then(|texts| texts.get(text));
                    let member = super::text::member(owner, &text.unwrap_or_default());
                    near.entry(provider(scope, owner))
                        .or_default()
                        .push(format!("{member}, called by {}", user.replace('/', ".")));
                }
                (Lack::Class, _) => {
                    far.0 += 1;
                    far.2.push(root(owner).replace('/', "."));
                }
                (Lack::Member, None) => far.1 += 1,
            }
        }
        tell(seen, near, absent_near, far, found);
    }
}

type Near<'v> = BTreeMap<&'v str, Vec<String>>;

fn tell(
    seen: &Seen<'_>,
    near: Near<'_>,
    absent_near: BTreeMap<&str, (usize, &str)>,
    far: (usize, usize, Vec<String>),
    found: &mut Vec<Finding>,
) {
    if !absent_near.is_empty() {
        let message = format!(
            "{} refers to classes of {} that are in no JAR it can see",
            seen.jar.path,
            listed(absent_near.keys().map(|name| name.replace('/', ".")))
        );
        let details = absent_near.iter().map(|(package, (count, user))| {
            format!(
                "{}: {}, one by {}",
                package.replace('/', "."),
                match count {
                    1 => "1 reference".to_string(),
                    _ => format!("{count} references"),
                },
                user.replace('/', ".")
            )
        });
        found.push(
            Finding::new("FP0601", Severity::Warning, message)
                .jar(seen.jar)
                .details(details, 6),
        );
    }
    for (provider, mut members) in near {
        members.sort();
        let message = format!(
            "{} calls {} that the version of {provider} does not have",
            seen.jar.path,
            match members.len() {
                1 => "a method or field".to_string(),
                count => format!("{count} methods or fields"),
            }
        );
        found.push(
            Finding::new("FP0602", Severity::Warning, message)
                .jar(seen.jar)
                .path(provider)
                .details(members, 6),
        );
    }
    let (classes, members, mut packages) = far;
    if classes + members > 0 {
        packages.sort();
        packages.dedup();
        let message = format!(
            "{} has {classes} references to absent classes and {members} to absent methods or fields, far from factories or in casts alone",
            seen.jar.path
        );
        found.push(
            Finding::new("FP0603", Severity::Information, message)
                .jar(seen.jar)
                .details(packages, 8),
        );
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.len() {
        0..=3 => names.join(", "),
        count => format!("{}, {}, and {} more", names[0], names[1], count - 2),
    }
}

/// `a.B.c(int), called by d.E` of each owner, signature and user; calls from elsewhere
/// say more than those inside of one library, and come first.
pub(super) fn calls<'v>(
    calls: impl Iterator<Item = (&'v str, String, &'v str)>,
) -> impl Iterator<Item = String> {
    let texts = calls.map(|(owner, signature, user)| {
        let member = super::text::member(owner, &signature);
        let text = format!("{member}, called by {}", user.replace('/', "."));
        (root(owner) == root(user), text)
    });
    let mut texts: Vec<(bool, String)> = texts.collect();
    texts.sort();
    texts.dedup();
    texts.into_iter().map(|(_, text)| text)
}

/// The first three parts of a package: about what one artifact has.
pub(super) fn root(class: &str) -> &str {
    let package = class.rsplit_once('/').map_or("", |(package, _)| package);
    match package.match_indices('/').nth(2) {
        Some((at, _)) => &package[..at],
        None => package,
    }
}

fn provider<'v>(scope: Scope<'v>, owner: &str) -> &'v str {
    match scope.find(owner) {
        Lookup::Class(seen, _) => &seen.jar.path,
        _ => "",
    }
}

/// What is lacking, by the references' numbers.
type Lacking = Vec<Option<Lack>>;

fn lacking<'v>(scope: Scope<'v>, seen: &'v Seen<'v>) -> Lacking {
    let mut lacking = vec![None; seen.facts.reference_count()];
    let mut note = |used: Reference<'_>, found: Lookup<'v>| {
        let lack = match found {
            Lookup::Class(..) if !used.is_of_member() => return,
            Lookup::Class(_, class) if !scope.has_member(class, used.signature) => Lack::Member,
            Lookup::Absent => Lack::Class,
            _ => return,
        };
        lacking[used.number as usize] = Some(lack);
    };
    let mut last: Option<(u32, Lookup<'v>)> = None;
    for used in seen.facts.outward() {
        let found = match last {
            Some((owner, found)) if owner == used.owner_number => found,
            _ => scope.find(used.owner),
        };
        last = Some((used.owner_number, found));
        note(used, found);
    }
    // What a class declares itself is there, unless another copy of it wins.
    for class in seen.facts.classes() {
        let found = scope.find(class.name());
        if !matches!(found, Lookup::Class(_, other) if other.content() == class.content()) {
            let uses = seen.facts.inward(class);
            uses.for_each(|used| note(used, found));
        }
    }
    lacking
}

/// For each lacking reference: who uses it nearest to a factory, and how near.
fn used_by<'v>(
    scope: Scope<'v>,
    reach: &Reach,
    seen: &'v Seen<'v>,
    lacking: &Lacking,
) -> BTreeMap<(&'v str, u32), (Lack, &'v str, Option<u8>)> {
    let lacks = |number: u32| lacking.get(number as usize).copied().flatten();
    let mut users: BTreeMap<(&str, u32), (Lack, &str, Option<u8>)> = BTreeMap::new();
    for class in seen.classes() {
        // A copy that is hidden refers to nothing.
        if !scope.is_loaded(seen, class) {
            continue;
        }
        let mut steps = None;
        for used in class.uses_among(|number| lacks(number).is_some()) {
            let Some(lack) = lacks(used.number) else {
                continue;
            };
            let key = (used.owner.text, used.signature);
            let steps = *steps.get_or_insert_with(|| reach.steps(scope, class.name()));
            let new = (lack, class.name().text, steps);
            let old = users.entry(key).or_insert(new);
            let far = |steps: Option<u8>| steps.unwrap_or(u8::MAX);
            if far(steps) < far(old.2) {
                *old = new;
            }
        }
    }
    users
}
