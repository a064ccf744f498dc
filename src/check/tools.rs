//! What the SQL client and the SQL gateway call, and a JAR that was added to lib/ hides.
//!
//! Their JARs lie in opt/ and come behind lib/ on one class path
//! (`bin/sql-client.sh`, `bin/sql-gateway.sh`).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::finding::{Finding, Severity};
use super::input::{Input, PlacedJar};
use super::linkage::calls;
use super::view::{ClassAt, Lookup, Scope, Seen, Views};

/// What a JAR lacks, by owner and signature, and a class that calls it.
type Lost<'v> = BTreeMap<(&'v str, u32), &'v str>;

/// The classes that an added JAR has in lib/ in front of a copy of Flink's, by the hashes
/// of their names. What Flink has nowhere is an optional part's, which nobody starts.
fn hidden(views: &Views<'_>) -> HashSet<u64> {
    let lib = &views.lib;
    let is_added = |place: ClassAt| !lib.jars[place.jar as usize].jar.of_base;
    let in_lib = lib.hidden.iter();
    let in_lib = in_lib.filter(|(_, first, other)| is_added(*first) && !is_added(*other));
    let behind = views.tools.jars.iter().flat_map(Seen::classes);
    let behind = behind.map(|class| class.name());
    let behind = behind.filter(|name| lib.own(*name).is_some_and(is_added));
    let names = in_lib.map(|(name, ..)| *name).chain(behind);
    names.map(|name| name.hash).collect()
}

/// A finding for each added JAR and each JAR of opt/ that stumbles over it.
pub fn check(input: &Input, views: &Views<'_>, found: &mut Vec<Finding>) {
    let hidden = hidden(views);
    if hidden.is_empty() {
        return;
    }
    let scope = Scope {
        own: &views.tools,
        parent: Some(&views.lib),
    };
    for seen in &views.tools.jars {
        let mut lacking: HashMap<u32, &PlacedJar> = HashMap::new();
        for (owner, name) in seen.facts.names().enumerate() {
            if hidden.contains(&name.hash)
                && let Lookup::Class(by, class) = scope.find(name)
            {
                let used = seen.facts.references_to(owner as u32);
                let used = used.filter(|used| used.is_of_member());
                let used = used.filter(|used| !scope.has_member(class, used.signature));
                lacking.extend(used.map(|used| (used.number, by.jar)));
            }
        }
        if lacking.is_empty() {
            continue;
        }
        let mut hiding: HashMap<&str, (&PlacedJar, Lost<'_>)> = HashMap::new();
        // A copy that is hidden itself calls nothing.
        for class in seen.classes().filter(|class| scope.is_loaded(seen, *class)) {
            for used in class.uses_among(|number| lacking.contains_key(&number)) {
                let jar = lacking[&used.number];
                let (_, lost) = hiding.entry(&jar.path).or_insert((jar, Lost::default()));
                let key = (used.owner.text, used.signature);
                lost.entry(key).or_insert(class.name().text);
            }
        }
        let texts = (input.texts)(&seen.jar.sha256);
        for (jar, lost) in hiding.into_values() {
            let details = lost.iter().map(|((owner, signature), user)| {
                let text = texts.as_ref().and_then(|texts| texts.get(*signature));
                (*owner, text.unwrap_or_default(), *user)
            });
            let message = format!(
                "{} hides other versions of classes that {} calls, and lacks {} that it calls there",
                jar.path,
                seen.jar.path,
                match lost.len() {
                    1 => "a method or field".to_string(),
                    count => format!("{count} methods or fields"),
                },
            );
            found.push(
                Finding::new("FP0105", Severity::Warning, message)
                    .jar(jar)
                    .jar(seen.jar)
                    .details(calls(details), 6),
            );
        }
    }
}
