//! Packages of which one JAR is signed and another is not: the JVM wants all
//! classes of a package, in one class loader, to be signed alike.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Severity};
use super::view::{ClassAt, View};

/// Looks at one class loader.
pub fn check(view: &View<'_>, found: &mut Vec<Finding>) {
    let is_signed = |at: usize| view.jars[at].facts.extras.signed;
    if !(0..view.jars.len()).any(is_signed) {
        return;
    }
    let packages = |signed: bool| {
        let mut packages: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (at, seen) in view.jars.iter().enumerate() {
            if is_signed(at) != signed {
                continue;
            }
            for class in seen.classes() {
                let name = class.name().text;
                let place = ClassAt {
                    jar: at as u32,
                    class: class.number(),
                };
                // A copy that is hidden is never loaded.
                if let (Some((package, _)), true) =
                    (name.rsplit_once('/'), view.own(class.name()) == Some(place))
                {
                    packages.entry(package).or_default().insert(at);
                }
            }
        }
        packages
    };
    let unsigned = packages(false);
    let mut pairs: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for (package, jars) in packages(true) {
        let others = unsigned.get(package).into_iter().flatten();
        for (signed, other) in others.flat_map(|other| jars.iter().map(move |jar| (*jar, *other))) {
            let of_pair = pairs.entry((signed, other)).or_default();
            of_pair.push(package.replace('/', "."));
        }
    }
    for ((signed, other), names) in pairs {
        let (signed, other) = (view.jars[signed].jar, view.jars[other].jar);
        let message = format!(
            "{} is signed, and {} has classes of the same packages and is not",
            signed.path, other.path
        );
        found.push(
            Finding::new("FP0705", Severity::Warning, message)
                .jar(signed)
                .jar(other)
                .details(names, 4),
        );
    }
}
