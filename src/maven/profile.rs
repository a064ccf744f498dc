//! Which profiles of a POM count, for the machine that the image is.

use std::collections::HashMap;

use super::pom::{Activation, Os, RawPom, RawProfile};

/// What profiles and expressions may ask for.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// System properties, such as `java.version` and `os.arch`; environment
    /// variables under `env.NAME`.
    pub properties: HashMap<String, String>,
}

impl Context {
    /// Linux on this architecture (`amd64`, `aarch64`), with this Java
    /// (`17`, `1.8.0_392`).
    pub fn linux(arch: &str, java: &str) -> Context {
        let mut properties = HashMap::new();
        for (name, value) in [
            ("java.version", java),
            ("java.specification.version", java),
            ("java.home", "/opt/java"),
            ("os.name", "Linux"),
            ("os.arch", arch),
            ("os.version", "5"),
            ("file.separator", "/"),
            ("path.separator", ":"),
            ("line.separator", "\n"),
        ] {
            properties.insert(name.to_string(), value.to_string());
        }
        Context { properties }
    }

    fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }
}

/// The profiles that count, in order: those whose conditions all hold; where
/// there is none, those that are active by default.
pub(super) fn active<'a>(pom: &'a RawPom, context: &Context) -> Vec<&'a RawProfile> {
    let holds = |profile: &&RawProfile| profile.activation.holds(context);
    let named: Vec<_> = pom.profiles.iter().filter(holds).collect();
    if !named.is_empty() {
        return named;
    }
    let by_default = |profile: &&RawProfile| profile.activation.by_default;
    pom.profiles.iter().filter(by_default).collect()
}

impl Activation {
    /// Whether there are conditions, and all hold. Of files none exists.
    pub fn holds(&self, context: &Context) -> bool {
        holds(self, context)
    }
}

fn holds(activation: &Activation, context: &Context) -> bool {
    let conditions = [
        activation.jdk.as_ref().map(|jdk| {
            let java = context.property("java.version").unwrap_or_default();
            jdk_holds(jdk, java)
        }),
        activation.os.as_ref().map(|os| os_holds(os, context)),
        activation
            .property
            .as_ref()
            .map(|(name, value)| property_holds(name, value.as_deref(), context)),
        activation
            .file
            .as_ref()
            .map(|(exists, missing)| match (exists, missing) {
                // Nothing of the machine that builds is in the image: no file of a
                // POM's project exists. Paths need its folder, which there is not.
                (None, Some(path)) => !path.contains("${basedir}"),
                _ => false,
            }),
    ];
    conditions.iter().any(Option::is_some) && conditions.into_iter().flatten().all(|holds| holds)
}

fn jdk_holds(jdk: &str, java: &str) -> bool {
    if let Some(other) = jdk.strip_prefix('!') {
        return !java.starts_with(other);
    }
    if !jdk.starts_with(['[', '(']) {
        return java.starts_with(jdk);
    }
    // Maven compares three numbers, and reads a range as bounds in a row.
    let mut bounds: Vec<(Vec<u64>, bool, bool)> = jdk
        .split(',')
        .map(|bound| {
            let text = bound.trim_matches(['[', ']', '(', ')']).trim();
            (numbers(text), bound.contains(['[', ']']), text.is_empty())
        })
        .collect();
    if bounds.len() < 2 {
        bounds.push((vec![99_999_999, 0, 0], false, false));
    }
    let java = numbers(java);
    let order = |(bound, closed, is_open_end): &(Vec<u64>, bool, bool), left: bool| {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (java.cmp(bound), left) {
            _ if *is_open_end && left => Greater,
            _ if *is_open_end => Less,
            (Equal, _) if *closed => Equal,
            (Equal, true) => Less,
            (Equal, false) => Greater,
            (other, _) => other,
        }
    };
    match order(&bounds[0], true) {
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => order(&bounds[1], false).is_le(),
    }
}

/// The first three numbers of a version.
fn numbers(text: &str) -> Vec<u64> {
    let text: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'))
        .collect();
    let mut numbers: Vec<u64> = text
        .split(['.', '-', '_'])
        .map(|part| part.parse().unwrap_or(0))
        .take(3)
        .collect();
    numbers.resize(3, 0);
    numbers
}

fn os_holds(os: &Os, context: &Context) -> bool {
    let property = |name: &str| context.property(name).unwrap_or_default().to_lowercase();
    let family = |wanted: &str| match wanted {
        "unix" => true,
        wanted => property("os.name").contains(wanted),
    };
    let is = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| match wanted {
        None => true,
        Some(wanted) => match wanted.strip_prefix('!') {
            Some(other) => !test(&other.to_lowercase()),
            None => test(&wanted.to_lowercase()),
        },
    };
    let any = os.name.is_some() || os.family.is_some() || os.arch.is_some() || os.version.is_some();
    any && is(&os.family, &family)
        && is(&os.name, &|wanted| wanted == property("os.name"))
        && is(&os.arch, &|wanted| wanted == property("os.arch"))
        && is(&os.version, &|wanted| wanted == property("os.version"))
}

fn property_holds(name: &str, value: Option<&str>, context: &Context) -> bool {
    let (absent, name) = match name.strip_prefix('!') {
        Some(name) => (true, name),
        None => (false, name),
    };
    if name.is_empty() {
        return false;
    }
    let found = context.property(name);
    match value {
        Some(value) => match value.strip_prefix('!') {
            Some(other) => found != Some(other),
            None => found == Some(value),
        },
        None => found.is_some_and(|found| !found.is_empty()) != absent,
    }
}
