//! What the SQL client and the SQL gateway call, and a JAR that was added to lib/ hides.
//!
//! Their JARs lie in opt/ and come behind lib/ on one class path
//! (`bin/sql-client.sh`, `bin/sql-gateway.sh`).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::finding::{Finding, Severity};
use super::input::{Input, PlacedJar};
use super::linkage::{Lack, calls, lacking};
use super::view::{Found, Scope, Views};
use crate::jar::Name;

/// What a JAR lacks, by owner and signature, and a class that calls it.
type Lost<'v> = BTreeMap<(&'v str, u32), &'v str>;

/// Whether Flink has the class too, in a copy that is never loaded there. What it has
/// nowhere is an optional part's, which nobody starts.
fn is_flinks(views: &Views<'_>) -> impl Fn(Name<'_>) -> bool {
    let hidden = views.lib.hidden.iter();
    let of_base = hidden.filter(|(_, _, other)| views.lib.jars[other.jar as usize].jar.of_base);
    let hidden: HashSet<u64> = of_base.map(|(name, ..)| name.hash).collect();
    move |name| views.tools.own(name).is_some() || hidden.contains(&name.hash)
}

/// A finding for each added JAR and each JAR of opt/ that stumbles over it.
pub fn check(input: &Input, views: &Views<'_>, found: &mut Vec<Finding>) {
    let scope = Scope {
        own: &views.tools,
        parent: Some(&views.lib),
    };
    let is_flinks = is_flinks(views);
    for seen in &views.tools.jars {
        let lacking = lacking(scope, seen);
        let is_lost = |number: u32| lacking.get(number as usize) == Some(&Some(Lack::Member));
        let mut hiding: HashMap<&str, (&PlacedJar, Lost<'_>)> = HashMap::new();
        for class in seen.classes() {
            let used = class.uses_among(is_lost);
            for used in used.filter(|_| scope.is_loaded(seen, class)) {
                if let Found::Class(by, _) = scope.find(used.owner)
                    // What Flink's own JARs lack is Flink's own affair.
                    && !by.jar.of_base
                    && is_flinks(used.owner)
                {
                    let of_jar = hiding.entry(&by.jar.path);
                    let (_, lost) = of_jar.or_insert((by.jar, Lost::default()));
                    let key = (used.owner.text, used.signature);
                    lost.entry(key).or_insert(class.name().text);
                }
            }
        }
        if hiding.is_empty() {
            continue;
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
