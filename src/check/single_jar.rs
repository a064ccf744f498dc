//! What is odd about single JARs.

use super::finding::{Finding, Severity};
use super::input::{Input, Loader, PlacedJar};
use crate::jar::{Extras, JarFacts};

/// Looks at each added JAR by itself.
pub fn check(input: &Input, found: &mut Vec<Finding>) {
    for jar in input.jars.iter().filter(|jar| !jar.of_base) {
        let Some(facts) = &jar.facts else { continue };
        let extras = &facts.extras;
        if extras.unreadable > 0 {
            let message = match extras.unreadable {
                1 => format!("a class file of {} cannot be read", jar.path),
                count => format!("{count} class files of {} cannot be read", jar.path),
            };
            found.push(
                Finding::new("FP0701", Severity::Information, message)
                    .jar(jar)
                    .details(extras.unreadable_example.clone(), 1),
            );
        }
        if !extras.collisions.is_empty() {
            let message = format!("{} has classes whose names differ by case alone", jar.path);
            found.push(
                Finding::new("FP0702", Severity::Information, message)
                    .jar(jar)
                    .details(extras.collisions.iter().cloned(), 5),
            );
        }
        unused_versions(jar, facts, found);
        nested(jar, extras, found);
        if let Some(problem) = &extras.broken_signature {
            let message = format!("{} was changed after it was signed", jar.path);
            found.push(
                Finding::new("FP0704", Severity::Error, message)
                    .jar(jar)
                    .details([format!("java.lang.SecurityException: {problem}")], 1),
            );
        }
    }
}

fn unused_versions(jar: &PlacedJar, facts: &JarFacts, found: &mut Vec<Finding>) {
    if facts.extras.multi_release || facts.versioned().next().is_none() {
        return;
    }
    let message = format!(
        "{} has classes for newer Java versions, and no Multi-Release in its manifest",
        jar.path
    );
    let names = facts.versioned();
    let names = names.map(|(release, class)| {
        let name = class.name().text.replace('/', ".");
        format!("Java {release}: {name}")
    });
    found.push(
        Finding::new("FP0703", Severity::Information, message)
            .jar(jar)
            .details(names, 4),
    );
}

fn nested(jar: &PlacedJar, extras: &Extras, found: &mut Vec<Finding>) {
    if extras.nested.is_empty() {
        return;
    }
    // `flink run` unpacks those in the lib/ of a job's JAR, so somebody has put
    // them there to be used.
    let is_wanted = |name: &&String| jar.loader == Loader::User && name.starts_with("lib/");
    let wanted = extras.nested.iter().filter(is_wanted).count();
    let severity = match wanted {
        0 => Severity::Information,
        _ => Severity::Warning,
    };
    let message = match extras.nested.len() {
        1 => format!("{} has a JAR in it", jar.path),
        count => format!("{} has {count} JARs in it", jar.path),
    };
    found.push(
        Finding::new("FP0706", severity, message)
            .jar(jar)
            .details(extras.nested.iter().cloned(), 4),
    );
}
