//! Classes, methods and fields that added JARs refer to and nobody provides.

use std::collections::{BTreeMap, HashMap};

use super::finding::{Finding, Severity};
use super::input::Input;
use super::reach::Reach;
use super::view::{Found, Scope, Seen};

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
                (Lack::Class, Some(steps)) if steps <= NEAR => {
                    let one = absent_near.entry(root(owner)).or_insert((0, user));
                    one.0 += 1;
                }
                (Lack::Member, Some(_)) => {
                    // Large, and seldom needed.
                    let texts = texts.get_or_insert_with(|| {
                        let texts = (input.texts)(&seen.jar.sha256);
                        texts.unwrap_or_default()
                    });
                    let member = super::text::member(owner, texts.get(text));
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
            "{} calls {} that {provider} has not in its version",
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
            "{} has {classes} references to absent classes and {members} to absent methods or fields, none near a factory",
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
        Found::Class(seen, _) => &seen.jar.path,
        _ => "",
    }
}

/// What is lacking, by the references' numbers.
type Lacking = Vec<Option<Lack>>;

fn lacking<'v>(scope: Scope<'v>, seen: &'v Seen<'v>) -> Lacking {
    let mut lacking = vec![None; seen.facts.reference_count()];
    let mut known: HashMap<u32, Option<Found<'v>>> = HashMap::new();
    for used in seen.facts.references() {
        // Most references stay in the JAR, and in the very class they name.
        let own = seen.facts.class(used.owner_number);
        let found = known.entry(used.owner_number).or_insert_with(|| {
            let found = scope.find(used.owner);
            let stays = own.is_some_and(|own| match found {
                Found::Class(_, class) => class.content() == own.content(),
                _ => false,
            });
            (!stays || own.is_none()).then_some(found)
        });
        if let (None, Some(own)) = (&found, own)
            && own.declares(used.signature)
        {
            continue;
        }
        let found = match found {
            Some(found) => *found,
            None => scope.find(used.owner),
        };
        let lack = match found {
            Found::Class(_, class) if !scope.has_member(class, used.signature) => Lack::Member,
            Found::Absent => Lack::Class,
            _ => continue,
        };
        lacking[used.number as usize] = Some(lack);
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
    let mut users: BTreeMap<(&str, u32), (Lack, &str, Option<u8>)> = BTreeMap::new();
    for class in seen.facts.classes() {
        // A copy that is hidden refers to nothing.
        let is_loaded = matches!(
            scope.find(class.name()),
            Found::Class(by, _) if std::ptr::eq(by.facts, seen.facts)
        );
        if !is_loaded {
            continue;
        }
        let mut steps = None;
        for used in class.uses() {
            let Some(Some(lack)) = lacking.get(used.number as usize) else {
                continue;
            };
            let key = (used.owner, used.text);
            let steps = *steps.get_or_insert_with(|| reach.steps(scope, class.name()));
            let new = (*lack, class.name(), steps);
            let old = users.entry(key).or_insert(new);
            let far = |steps: Option<u8>| steps.unwrap_or(u8::MAX);
            if far(steps) < far(old.2) {
                *old = new;
            }
        }
    }
    users
}
