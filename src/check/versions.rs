//! Versions that do not go together: of Flink, Scala and Java, and of one
//! artifact with itself.

use std::collections::BTreeMap;

use super::finding::{Finding, Severity};
use super::input::{Input, Loader, PlacedJar};
use super::view::{Lookup, Views};
use crate::maven::{JarName, is_jar_of};

/// Looks at every added JAR, and at those that must not meet in lib/.
pub fn check(input: &Input, views: &Views<'_>, found: &mut Vec<Finding>) {
    for jar in &input.jars {
        if !jar.of_base {
            minor(input, jar, found);
            scala(input, jar, found);
            java(input, jar, found);
            logging(input, jar, found);
        }
    }
    let lib: Vec<&PlacedJar> = input
        .jars
        .iter()
        .filter(|jar| jar.loader == Loader::Lib)
        .collect();
    meet(input, &lib, found);
    same_artifact(input, found);
    main_class(input, views, found);
}

/// The artifact and version of a JAR: of its coordinates, else of its file's name.
pub(super) fn name_of(jar: &PlacedJar) -> Option<JarName<'_>> {
    match &jar.coordinates {
        Some(coordinates) => Some(JarName {
            artifact: coordinates.artifact(),
            version: coordinates.version(),
        }),
        None => JarName::of_file(jar.file_name()),
    }
}

/// `1.20` of `3.3.0-1.20`: how external connectors name the Flink they are for.
fn suffix(version: &str) -> Option<&str> {
    let (_, suffix) = version.rsplit_once('-')?;
    let mut numbers = suffix.split('.');
    let all = [numbers.next()?, numbers.next()?];
    let is_minor = numbers.next().is_none()
        && all
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    (is_minor && matches!(all[0], "1" | "2")).then_some(suffix)
}

/// `1.20` of artifacts that have the Flink they are for in their names.
fn named_minor(artifact: &str) -> Option<&str> {
    let named = [
        "iceberg-flink-runtime-",
        "paimon-flink-",
        "flink-doris-connector-",
        "hudi-flink",
    ];
    let rest = named.iter().find_map(|name| artifact.strip_prefix(name))?;
    let minor = rest.strip_suffix("-bundle").unwrap_or(rest);
    let (major, rest) = minor.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    (matches!(major, "1" | "2") && is_number(rest)).then_some(minor)
}

fn minor(input: &Input, jar: &PlacedJar, found: &mut Vec<Finding>) {
    let Some(name) = name_of(jar) else { return };
    let (artifact, _) = name.of_scala();
    let is_flinks = artifact.starts_with("flink-");
    let here = format!("{}.{}", input.flink.major, input.flink.minor);
    let group = jar.coordinates.as_ref().map(|one| one.group());
    let of_version = suffix(name.version).filter(|_| is_flinks);
    let made_for = match of_version.or(named_minor(artifact)) {
        Some(minor) => minor.to_string(),
        // Artifacts of Flink's own build carry Flink's version.
        None if is_flinks && group == Some("org.apache.flink") && is_in_tree(artifact) => {
            let mut numbers = name.version.split('.');
            match (numbers.next(), numbers.next()) {
                (Some(major @ ("1" | "2")), Some(minor)) => format!("{major}.{minor}"),
                _ => return,
            }
        }
        _ => return,
    };
    let is_listed = input.catalogue.entries().any(|entry| {
        let mut releases = entry.releases_for(&here, None);
        releases.any(|release| {
            release.artifact.version == name.version && release.artifact.plain_name() == artifact
        })
    });
    if made_for == here || is_listed {
        return;
    }
    let message = format!(
        "{} is made for Flink {made_for}, and the image has Flink {}",
        jar.path, input.flink
    );
    found.push(Finding::new("FP0201", Severity::Warning, message).jar(jar));
}

fn is_in_tree(artifact: &str) -> bool {
    ["flink-sql-", "flink-connector-", "flink-format", "flink-table-", "flink-avro", "flink-parquet", "flink-orc"]
        .iter()
        .any(|prefix| artifact.starts_with(prefix))
        // CDC has Flink's group and versions of its own.
        && !artifact.contains("-cdc")
}

fn scala(input: &Input, jar: &PlacedJar, found: &mut Vec<Finding>) {
    let Some((_, Some(scala))) = name_of(jar).map(|name| name.of_scala()) else {
        return;
    };
    if scala != input.scala {
        let message = format!(
            "{} is built for Scala {scala}, and the image has Scala {}",
            jar.path, input.scala
        );
        found.push(Finding::new("FP0202", Severity::Warning, message).jar(jar));
    }
}

/// Classes that are too new for the image's Java.
fn java(input: &Input, jar: &PlacedJar, found: &mut Vec<Finding>) {
    let (Some(java), Some(facts)) = (input.java, &jar.facts) else {
        return;
    };
    let newest = java + 44;
    let too_new = |major: u16| u32::from(major) > newest;
    let majors = facts.loaded(java).filter_map(|class| class.major());
    let majors: Vec<u16> = majors.filter(|major| too_new(*major)).collect();
    let Some(most) = majors.iter().max() else {
        return;
    };
    let message = format!(
        "{} of {} classes of {} are made for Java up to {}, and the image has Java {java}",
        majors.len(),
        facts.len(),
        jar.path,
        most - 44
    );
    // Of a few, none may ever be loaded: a JAR may hold variants by version.
    let severity = match majors.len() * 2 > facts.len() {
        true => Severity::Warning,
        false => Severity::Information,
    };
    found.push(Finding::new("FP0203", severity, message).jar(jar));
}

/// What SLF4J 1 finds its binding by.
const BINDING: &str = "org/slf4j/impl/StaticLoggerBinder";

fn logging(input: &Input, jar: &PlacedJar, found: &mut Vec<Finding>) {
    let Some(facts) = &jar.facts else { return };
    if jar.loader != Loader::Lib {
        return;
    }
    let has_binding = |jar: &PlacedJar| {
        let mut facts = jar.facts.iter();
        facts.any(|facts| facts.find(BINDING).is_some())
    };
    let is_logging = ["log4j", "slf4j", "logback", "reload4j"]
        .iter()
        .any(|word| jar.file_name().contains(word));
    if is_logging {
        let mut others = input.jars.iter();
        let other = others.find(|other| {
            other.loader == Loader::Lib && other.path != jar.path && has_binding(other)
        });
        if let (true, Some(other)) = (has_binding(jar), other) {
            let message = format!("{} is an SLF4J binding, and so is {}", jar.path, other.path);
            found.push(
                Finding::new("FP0209", Severity::Warning, message)
                    .jar(jar)
                    .jar(other)
                    .remedy(
                        "leave the added one out (`exclude`, `drop`): Flink's own binding is there",
                    ),
            );
        }
        return;
    }
    let known = [
        (BINDING, "an SLF4J binding"),
        ("org/apache/logging/log4j/core/LoggerContext", "Log4j 2"),
        ("org/apache/log4j/Logger", "Log4j 1"),
        ("ch/qos/logback/classic/Logger", "Logback"),
    ];
    let held: Vec<String> = known
        .iter()
        .filter(|(class, _)| facts.find(class).is_some())
        .map(|(_, what)| what.to_string())
        .collect();
    if !held.is_empty() {
        let message = format!("{} bundles {}", jar.path, held.join(" and "));
        found.push(Finding::new("FP0209", Severity::Warning, message).jar(jar));
    }
}

/// JARs of which lib/ may have one only.
fn meet(input: &Input, lib: &[&PlacedJar], found: &mut Vec<Finding>) {
    let of = |artifact: &str| -> Vec<&PlacedJar> {
        let jars = lib.iter().copied();
        jars.filter(|jar| is_jar_of(jar.file_name(), artifact))
            .collect()
    };
    let mut tell = |code: &str, severity, jars: &[&PlacedJar], what: &str| {
        let mut finding = Finding::new(code, severity, what);
        for jar in jars {
            finding = finding.jar(jar);
        }
        found.push(finding);
    };
    let dists = of("flink-dist");
    if dists.len() > 1 {
        tell(
            "FP0206",
            Severity::Error,
            &dists,
            "lib/ has two flink-dist JARs",
        );
    }
    let planners = [
        of("flink-table-planner"),
        of("flink-table-planner-blink"),
        of("flink-table-planner-loader"),
    ]
    .concat();
    // Up to 1.13 both planners belonged in lib/.
    if planners.len() > 1 && input.flink.at_least(1, 15) {
        tell(
            "FP0207",
            Severity::Error,
            &planners,
            "lib/ has two planners",
        );
    }
    let reporters: Vec<&PlacedJar> = lib
        .iter()
        .copied()
        .filter(|jar| {
            jar.file_name().starts_with("flink-metrics-")
                && !jar.file_name().starts_with("flink-metrics-core")
        })
        .collect();
    if !reporters.is_empty() && input.flink.at_least(1, 12) {
        tell(
            "FP0208",
            Severity::Warning,
            &reporters,
            "metrics reporters are in lib/",
        );
    }
}

/// Two versions of one artifact, or its fat and its thin JAR, in one class loader.
fn same_artifact(input: &Input, found: &mut Vec<Finding>) {
    let mut by_name: BTreeMap<(&Loader, String), Vec<&PlacedJar>> = BTreeMap::new();
    for jar in &input.jars {
        if let Some(name) = name_of(jar) {
            let (artifact, _) = name.of_scala();
            let name = artifact.replace("-sql-connector-", "-connector-");
            by_name.entry((&jar.loader, name)).or_default().push(jar);
        }
    }
    for ((_, name), jars) in by_name {
        if jars.len() < 2 || jars.iter().all(|jar| jar.of_base) || name == "flink-dist" {
            continue;
        }
        let is_fat = |jar: &&&PlacedJar| jar.file_name().contains("-sql-connector-");
        let fat = jars.iter().filter(is_fat).count();
        let paths: Vec<&str> = jars.iter().map(|jar| jar.path.as_str()).collect();
        let classifiers = || {
            // Natives and tests lie beside the JAR they belong to.
            let versions = jars.iter().map(|jar| name_of(jar).map(|name| name.version));
            let mut all: Vec<Option<&str>> = versions.collect();
            all.sort();
            all.dedup();
            all.len() == 1
        };
        let (code, message) = if fat > 0 && fat < jars.len() {
            (
                "FP0204",
                format!(
                    "{name} is there with its dependencies and without them: {}",
                    paths.join(", ")
                ),
            )
        } else if classifiers() {
            continue;
        } else {
            (
                "FP0205",
                format!("{name} is there in several versions: {}", paths.join(", ")),
            )
        };
        let mut finding = Finding::new(code, Severity::Warning, message);
        for jar in jars {
            finding = finding.jar(jar);
        }
        found.push(finding);
    }
}

/// The main class of the job: that it is there, loads, and is not too new.
fn main_class(input: &Input, views: &Views<'_>, found: &mut Vec<Finding>) {
    let (Some(main), Some(_)) = (&input.main_class, &views.user) else {
        return;
    };
    let Some(scope) = views.all().find(|scope| scope.own.loader == Loader::User) else {
        return;
    };
    match scope.find(main.replace('.', "/").as_str()) {
        Lookup::Absent => {
            let message = format!("no JAR has the job's main class {main}");
            found.push(Finding::new("FP0306", Severity::Error, message));
        }
        Lookup::Class(seen, class) => {
            if let Some(missing) = scope.absent_type(class) {
                let missing = missing.replace('/', ".");
                let message = format!("{main} extends {missing}, which no JAR has");
                found.push(Finding::new("FP0302", Severity::Error, message).jar(seen.jar));
            }
            let newest = input.java.map(|java| java + 44);
            if let (Some(major), Some(newest)) = (class.major(), newest)
                && u32::from(major) > newest
            {
                let message = format!(
                    "{main} is made for Java {}, and the image has Java {}",
                    major - 44,
                    newest - 44
                );
                found.push(Finding::new("FP0203", Severity::Error, message).jar(seen.jar));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_table_format_has_flinks_minor() {
        for (artifact, minor) in [
            ("iceberg-flink-runtime-1.20", Some("1.20")),
            ("hudi-flink1.13-bundle", Some("1.13")),
            ("hudi-flink-bundle", None),
            ("flink-sql-connector-hbase-2.2", None),
        ] {
            assert_eq!(named_minor(artifact), minor, "{artifact}");
        }
    }

    #[test]
    fn the_suffix_of_an_external_connector_is_flinks_minor() {
        assert_eq!(suffix("3.3.0-1.20"), Some("1.20"));
        assert_eq!(suffix("4.0.0-2.0"), Some("2.0"));
        for other in ["1.17.2", "3.0-SNAPSHOT", "42.7.4", "1.0-jre", "2.8.3-10.0"] {
            assert_eq!(suffix(other), None, "{other}");
        }
    }
}
