//! What is odd about single JARs.

use super::finding::{Finding, Severity};
use super::input::Input;

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
    }
}
