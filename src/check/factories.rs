//! Factories: that those which are named exist and load, and that each
//! identifier has one.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Severity};
use super::identifiers;
use super::input::{Input, Loader, PlacedJar};
use super::view::{Lookup, Scope, Seen};
use crate::jar::Class;

/// What tables, formats and catalogs are found by.
const FACTORY: &str = "org.apache.flink.table.factories.Factory";

/// One factory of a view.
struct Factory<'v> {
    seen: &'v Seen<'v>,
    class: Class<'v>,
    identifier: Option<&'v str>,
    /// The kinds of factory that it is.
    kinds: BTreeSet<&'v str>,
}

/// Looks at the factories of one class loader.
pub fn check(input: &Input, scope: Scope<'_>, found: &mut Vec<Finding>) {
    let named: Vec<(String, String, String)> = input
        .sql
        .iter()
        .flat_map(|(path, text)| {
            let named = identifiers::named(text).into_iter();
            named.map(|(key, value)| (path.clone(), key, value))
        })
        .collect();
    let is_named = |identifier: Option<&str>| {
        let mut named = named.iter();
        named.any(|(_, key, value)| key != "path" && Some(value.as_str()) == identifier)
    };
    let mut factories: Vec<Factory<'_>> = Vec::new();
    for seen in &scope.own.jars {
        for service in &seen.facts.extras.services {
            if !service.interface.starts_with("org.apache.flink.") {
                continue;
            }
            for provider in &service.providers {
                let name = provider.replace('.', "/");
                match scope.find(name.as_str()) {
                    Lookup::Class(by, class) => {
                        let factory = factory(scope, by, class);
                        if !seen.jar.of_base {
                            let by_name = is_named(factory.identifier);
                            loads(
                                input,
                                scope,
                                seen,
                                &factory,
                                &service.interface,
                                by_name,
                                found,
                            );
                        }
                        if service.interface == FACTORY {
                            factories.push(factory);
                        }
                    }
                    Lookup::Absent if !seen.jar.of_base => {
                        found.push(absent(seen, &service.interface, provider));
                    }
                    _ => {}
                }
            }
        }
        lost_services(scope, seen, found);
    }
    factories.sort_by_key(|factory| factory.class.name().text);
    factories.dedup_by_key(|factory| factory.class.name().text);
    twice(&factories, &is_named, found);
    if scope.own.loader == Loader::Lib {
        nobody(input, &factories, &named, found);
    }
}

fn absent(seen: &Seen<'_>, interface: &str, provider: &str) -> Finding {
    let severity = match interface {
        // ServiceLoader gives up over it, for every table of every job.
        FACTORY => Severity::Error,
        _ => Severity::Warning,
    };
    let message = format!(
        "META-INF/services/{interface} in {} names {provider}, and no JAR has that class",
        seen.jar.path
    );
    Finding::new("FP0301", severity, message).jar(seen.jar)
}

fn factory<'v>(scope: Scope<'v>, seen: &'v Seen<'v>, class: Class<'v>) -> Factory<'v> {
    let types = scope.types(class);
    // The nearest class that says it.
    let mut identifier = class.answer("factoryIdentifier");
    for name in &types {
        if identifier.is_some() {
            break;
        }
        if let Lookup::Class(_, class) = scope.find(*name) {
            identifier = class.answer("factoryIdentifier");
        }
    }
    let kinds = types.into_iter().filter(|name| {
        let simple = name.strip_prefix("org/apache/flink/table/factories/");
        simple.is_some_and(|simple| {
            !matches!(
                simple,
                "Factory"
                    | "TableFactory"
                    | "DynamicTableFactory"
                    // A bulk format and a record format may share a name.
                    | "FormatFactory"
                    | "DecodingFormatFactory"
                    | "EncodingFormatFactory"
            )
        }) && matches!(scope.find(*name), Lookup::Class(_, class) if class.is_interface())
    });
    Factory {
        seen,
        class,
        identifier: identifier.flatten(),
        kinds: kinds.collect(),
    }
}

fn loads(
    input: &Input,
    scope: Scope<'_>,
    seen: &Seen<'_>,
    factory: &Factory<'_>,
    interface: &str,
    is_named: bool,
    found: &mut Vec<Finding>,
) {
    let class = factory.class;
    let name = class.name().text.replace('/', ".");
    if let Some(missing) = scope.absent_type(class) {
        let severity = match is_named {
            true => Severity::Error,
            false => Severity::Warning,
        };
        let missing = missing.replace('/', ".");
        let message = format!(
            "{name} in {} extends {missing}, which no JAR has",
            seen.jar.path
        );
        let happens = format!("{name} cannot be loaded: NoClassDefFoundError: {missing}");
        found.push(
            Finding::new("FP0302", severity, message)
                .jar(seen.jar)
                .happens(happens),
        );
    }
    let newest = input.java.map(|java| java + 44);
    if let (Some(major), Some(newest)) = (class.major(), newest)
        && u32::from(major) > newest
    {
        let message = format!(
            "{name} of {} ({interface}) is made for Java {}, and the image has Java {}",
            seen.jar.path,
            major - 44,
            newest - 44
        );
        found.push(Finding::new("FP0203", Severity::Error, message).jar(seen.jar));
    }
}

/// A JAR with factories and no services file at all has lost it.
fn lost_services(scope: Scope<'_>, seen: &Seen<'_>, found: &mut Vec<Finding>) {
    let mut services = seen.facts.extras.services.iter();
    if seen.jar.of_base || services.any(|service| service.interface == FACTORY) {
        return;
    }
    let mut lost = Vec::new();
    for answer in &seen.facts.answers {
        let Some(class) = seen.facts.class(answer.class) else {
            continue;
        };
        let is_named = || {
            let name = class.name().text.replace('/', ".");
            let mut jars = scope.own.jars.iter();
            jars.any(|jar| {
                let mut services = jar.facts.extras.services.iter();
                services.any(|service| service.providers.contains(&name))
            })
        };
        if let (Some(identifier), "factoryIdentifier") = (&answer.value, answer.method.as_str())
            && scope
                .types(class)
                .contains(&"org/apache/flink/table/factories/Factory")
            && !is_named()
        {
            lost.push(format!(
                "{} ({identifier})",
                class.name().text.replace('/', ".")
            ));
        }
    }
    // One may be there for several versions of Java.
    lost.sort();
    lost.dedup();
    if !lost.is_empty() {
        let message = format!(
            "{} has factories, and no META-INF/services/{FACTORY}",
            seen.jar.path
        );
        found.push(
            Finding::new("FP0305", Severity::Warning, message)
                .jar(seen.jar)
                .details(lost, 6),
        );
    }
}

/// Two factories of one kind with one identifier.
fn twice(
    factories: &[Factory<'_>],
    is_named: &dyn Fn(Option<&str>) -> bool,
    found: &mut Vec<Finding>,
) {
    let mut by_identifier: BTreeMap<&str, Vec<&Factory<'_>>> = BTreeMap::new();
    for factory in factories {
        if let Some(identifier) = factory.identifier {
            by_identifier.entry(identifier).or_default().push(factory);
        }
    }
    for (identifier, all) in by_identifier {
        let pairs = all
            .iter()
            .enumerate()
            .flat_map(|(at, one)| all[at + 1..].iter().map(move |other| (*one, *other)));
        for (one, other) in pairs {
            let both_of_base = one.seen.jar.of_base && other.seen.jar.of_base;
            if both_of_base || one.kinds.is_disjoint(&other.kinds) {
                continue;
            }
            let severity = match is_named(Some(identifier)) {
                true => Severity::Error,
                false => Severity::Warning,
            };
            let message = format!(
                "two factories answer to '{identifier}': {} and {}",
                one.class.name().text.replace('/', "."),
                other.class.name().text.replace('/', ".")
            );
            let happens = format!(
                "a table or catalog with '{identifier}' fails: ValidationException: Multiple factories for identifier '{identifier}'"
            );
            found.push(
                Finding::new("FP0303", severity, message)
                    .jar(one.seen.jar)
                    .jar(other.seen.jar)
                    .happens(happens),
            );
        }
    }
}

/// Identifiers that are named and that nobody provides.
fn nobody(
    input: &Input,
    factories: &[Factory<'_>],
    named: &[(String, String, String)],
    found: &mut Vec<Finding>,
) {
    let has = |identifier: &str| {
        let mut all = factories.iter();
        all.any(|factory| factory.identifier == Some(identifier))
    };
    // Without factories of Flink's own this is no Flink that can be judged.
    let are_known = !factories.is_empty() && factories.iter().all(|one| one.identifier.is_some());
    // Where a JAR was not read, it may be the one that has it.
    let is_partial = |jar: &PlacedJar| jar.loader == Loader::Lib && jar.facts.is_none();
    if input.jars.iter().any(is_partial) {
        return;
    }
    let mut told = BTreeSet::new();
    for (path, key, value) in named {
        let is_name = value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if key == "path" || !is_name || has(value) || !told.insert(value) || factories.is_empty() {
            continue;
        }
        // The job's own JARs may bring it, or those that SQL adds.
        let has_user = input.jars.iter().any(|jar| jar.loader == Loader::User);
        let adds_jars = input.sql.iter().any(|(_, text)| {
            let text = text.to_ascii_uppercase();
            text.contains("ADD JAR") || text.contains("USING JAR")
        });
        let severity = match are_known && !has_user && !adds_jars && key == "connector" {
            true => Severity::Error,
            false => Severity::Warning,
        };
        let message = format!("{path} names the {key} '{value}', and no JAR in lib/ provides it");
        found.push(Finding::new("FP0304", severity, message));
    }
    for wanted in &input.connectors {
        let provided = wanted.identifiers.iter().any(|identifier| has(identifier));
        if wanted.identifiers.is_empty() || provided || !are_known {
            continue;
        }
        let message = format!(
            "no factory in lib/ answers to {}, which [connectors] {} should bring",
            wanted
                .identifiers
                .iter()
                .map(|identifier| format!("'{identifier}'"))
                .collect::<Vec<_>>()
                .join(" or "),
            wanted.name
        );
        found.push(Finding::new("FP0304", Severity::Warning, message));
    }
}
