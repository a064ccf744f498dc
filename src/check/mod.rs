//! What would break at run time, found from what is in an image: pure functions
//! of the JARs' facts, their places and the configuration.
//!
//! [`run`] looks at everything and answers [`Finding`]s; [`crate::rules`] says what each
//! code means. An error is what certainly fails once the part is used; what may
//! fail is a warning; the rest is information.

mod allow;
mod drivers;
mod duplicates;
mod factories;
mod filesystems;
mod finding;
mod identifiers;
pub mod input;
#[cfg(test)]
mod jar_tests;
mod jdk;
mod linkage;
mod reach;
mod sarif;
mod secrets;
mod signed;
mod single_jar;
#[cfg(test)]
mod tests;
mod text;
mod tools;
mod versions;
mod view;

pub use allow::{Allow, apply as allow};
pub use finding::{Finding, Severity};
pub use input::{Input, Literal, Loader, NamedConnector, PlacedJar};
pub use sarif::sarif;
pub use secrets::{is_text_worth_reading, secret};
pub use text::{counts, explained, page, text};

/// Changes when the same input gives other findings: what was found is kept.
pub const VERSION: u32 = 7;

/// Everything that is to be said of an image: errors first, then by code and
/// file.
pub fn run(input: &Input) -> Vec<Finding> {
    let views = view::Views::of(input);
    let mut found = Vec::new();
    for view in views.all() {
        let reach = reach::Reach::of(input, view);
        duplicates::check(input, view, &mut found);
        factories::check(input, view, &mut found);
        signed::check(view.own, &mut found);
        linkage::check(input, view, &reach, &mut found);
    }
    if let Some(user) = &views.user {
        duplicates::between(&views.lib, user, &mut found);
    }
    tools::check(input, &views, &mut found);
    versions::check(input, &views, &mut found);
    filesystems::check(input, &mut found);
    drivers::check(input, &mut found);
    secrets::check(input, &mut found);
    single_jar::check(input, &mut found);
    found.sort_by(|a, b| {
        (a.severity, &a.code, &a.jars, &a.message).cmp(&(b.severity, &b.code, &b.jars, &b.message))
    });
    found.dedup();
    found
}
