//! Resolutions of made-up projects: each ends, its graph makes sense, and it is
//! the same however often, and in whatever order, it is asked for.
#![no_main]

use std::collections::HashMap;
use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use flinkpack::maven::pom::{Activation, RawProfile, Relocation};
use flinkpack::maven::{
    Answer, Context, Exclusion, Gav, RawDependency, RawPom, Request, Resolution,
};
use libfuzzer_sys::fuzz_target;

/// So few names that POMs meet.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const VERSIONS: [&str; 4] = ["1", "2", "3", "2-SNAPSHOT"];
const WANTED: [&str; 12] = [
    "1",
    "2",
    "3",
    "${v}",
    "[1,2]",
    "[2,)",
    "(,2)",
    "[3]",
    "LATEST",
    "RELEASE",
    "2-SNAPSHOT",
    "[2,1",
];
const SCOPES: [&str; 6] = ["compile", "runtime", "provided", "test", "system", "import"];
const VALUES: [&str; 8] = [
    "1",
    "2",
    "${w}",
    "${w}${w}",
    "${v}",
    "${project.version}",
    "a",
    "",
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(project) = Project::of(&mut Unstructured::new(bytes)) else {
        return;
    };
    let first = project.resolve(false);
    assert_eq!(
        first,
        project.resolve(false),
        "another time, another result"
    );
    let early = project.resolve(true);
    // Which of two errors comes first may depend on what is known when.
    if first.is_ok() || early.is_ok() {
        assert_eq!(first, early, "what is known early changes the result");
    }
});

struct Project {
    root: Arc<RawPom>,
    poms: HashMap<Gav, Arc<RawPom>>,
}

impl Project {
    fn of(u: &mut Unstructured<'_>) -> Result<Project> {
        let root = RawPom {
            version: Some("1".into()),
            ..pom(u, "root")?
        };
        let mut poms = HashMap::new();
        while !u.is_empty() && poms.len() < NAMES.len() * VERSIONS.len() {
            let (name, version) = (*u.choose(&NAMES)?, *u.choose(&VERSIONS)?);
            poms.insert(Gav::new("g", name, version), Arc::new(pom(u, name)?));
        }
        Ok(Project {
            root: Arc::new(root),
            poms,
        })
    }

    /// The graph or the error, with everything that is odd.
    fn resolve(&self, early: bool) -> std::result::Result<String, String> {
        let context = Context::linux("amd64", "17.0.1");
        let mut resolution = Resolution::of_pom(self.root.clone(), context);
        if early {
            for (gav, pom) in &self.poms {
                resolution.answer(Request::Pom(gav.clone()), Answer::Pom(pom.clone()));
            }
        }
        flinkpack_fuzz::resolve(resolution, |request, _| self.answer(request))
            .map(|graph| {
                let mut warnings: Vec<String> = graph
                    .warnings
                    .iter()
                    .map(|one| format!("{one:?}"))
                    .collect();
                warnings.sort();
                let nodes = serde_json::to_string(&graph).expect("a graph is written");
                format!("{nodes}\n{}", warnings.join("\n"))
            })
            .map_err(|error| error.to_string())
    }

    fn answer(&self, request: &Request) -> Answer {
        match request {
            Request::Pom(gav) => match self.poms.get(gav) {
                Some(pom) => Answer::Pom(pom.clone()),
                None if &*gav.artifact == "h" => Answer::Malformed("broken".into()),
                None => Answer::Missing,
            },
            Request::Versions { artifact, .. } => {
                let of = self.poms.keys().filter(|gav| gav.artifact == *artifact);
                Answer::Versions(of.map(|gav| gav.version.to_string()).collect())
            }
        }
    }
}

/// Lists are short, and most things are not there.
fn list<T>(
    u: &mut Unstructured<'_>,
    most: u8,
    one: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let length = u.arbitrary::<u8>()? % (most + 1);
    (0..length).map(|_| one(u)).collect()
}

fn some<T>(
    u: &mut Unstructured<'_>,
    one_in: u8,
    one: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match u.arbitrary::<u8>()? % one_in == 1 {
        true => one(u).map(Some),
        false => Ok(None),
    }
}

fn text(u: &mut Unstructured<'_>, of: &[&str]) -> Result<String> {
    u.choose(of).map(|text| (*text).to_string())
}

fn pom(u: &mut Unstructured<'_>, name: &str) -> Result<RawPom> {
    let flags: u8 = u.arbitrary()?;
    let mut pom = RawPom {
        group: Some("g".into()),
        artifact: Some(name.into()),
        dependencies: list(u, 4, dependency)?,
        ..RawPom::default()
    };
    if flags & 1 != 0 {
        pom.managed = list(u, 4, managed)?;
    }
    if flags & 2 != 0 {
        pom.properties = list(u, 3, property)?;
    }
    if flags & 4 != 0 {
        pom.parent = Some(("g".into(), text(u, &NAMES)?, text(u, &WANTED[..6])?));
    }
    if flags & 8 != 0 {
        pom.packaging = Some("pom".into());
    }
    if flags & 48 == 48 {
        pom.relocation = Some(Relocation {
            group: None,
            artifact: some(u, 2, |u| text(u, &NAMES))?,
            version: some(u, 2, |u| text(u, &WANTED[..4]))?,
            message: None,
        });
    }
    if flags & 192 == 192 {
        pom.profiles.push(RawProfile {
            activation: Activation {
                by_default: true,
                ..Activation::default()
            },
            properties: list(u, 2, property)?,
            dependencies: list(u, 2, dependency)?,
            managed: list(u, 2, managed)?,
        });
    }
    if pom.parent.is_none() {
        pom.version = Some("1".into());
    }
    Ok(pom)
}

fn property(u: &mut Unstructured<'_>) -> Result<(String, String)> {
    Ok((text(u, &["v", "w", "x"])?, text(u, &VALUES)?))
}

fn dependency(u: &mut Unstructured<'_>) -> Result<RawDependency> {
    Ok(RawDependency {
        group: "g".into(),
        artifact: text(u, &NAMES)?,
        version: Some(text(u, &WANTED)?),
        kind: some(u, 8, |u| text(u, &["pom", "war", "test-jar", "${w}"]))?,
        classifier: some(u, 16, |u| text(u, &["x", "y"]))?,
        scope: some(u, 4, |u| text(u, &SCOPES))?,
        optional: some(u, 6, |u| text(u, &["true", "${v}"]))?,
        system_path: some(u, 64, |u| text(u, &["/x.jar"]))?,
        exclusions: match some(u, 6, |u| list(u, 2, exclusion))? {
            Some(exclusions) => exclusions,
            None => Vec::new(),
        },
    })
}

fn exclusion(u: &mut Unstructured<'_>) -> Result<Exclusion> {
    Ok(Exclusion {
        group: text(u, &["g", "*"])?.into(),
        artifact: text(u, &["a", "b", "c", "*"])?.into(),
    })
}

/// As often as not a BOM.
fn managed(u: &mut Unstructured<'_>) -> Result<RawDependency> {
    let mut managed = dependency(u)?;
    if u.arbitrary()? {
        managed.kind = Some("pom".into());
        managed.scope = Some("import".into());
    }
    Ok(managed)
}
