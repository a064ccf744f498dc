//! What Maven coordinates need: the resolution of [`crate::maven`], with POMs and
//! versions out of the user's repositories.

use std::collections::HashSet;

use futures_util::StreamExt;

use crate::error::{Error, Reason, Result};
use crate::image::Platform;
use crate::maven::Coordinates;
use crate::maven::{
    self, Answer, Context, Exclusion, Gav, Graph, Next, RawDependency, Request, Resolution, Root,
    Warning,
};
use crate::repository::{Maven, Pom};

/// POMs that are asked for at once. Repositories limit clients that ask more.
const PARALLEL: usize = 24;

/// Resolves these dependencies together, in their order, as those of one project.
/// Of what is `alone` no POM is read.
pub async fn closure(
    maven: &Maven,
    root: Root,
    context: Context,
    alone: &HashSet<Gav>,
) -> Result<Graph> {
    let mut resolution = Resolution::new(root, context);
    loop {
        let needs = match resolution.advance().map_err(|error| told(maven, error))? {
            Next::Done(graph) => {
                for warning in &graph.warnings {
                    match warning {
                        Warning::MissingPom { gav, .. } if alone.contains(gav) => {}
                        warning => {
                            tell(maven, warning).map_err(|error| maven.hint_declared(error))?
                        }
                    }
                }
                return Ok(*graph);
            }
            Next::Needs(needs) => needs,
        };
        let mut answers = futures_util::stream::iter(needs)
            .map(|need| async move {
                let answer = match &need {
                    Request::Pom(gav) if alone.contains(gav) => Ok(Answer::Missing),
                    need => answer(maven, need).await,
                };
                (need, answer)
            })
            .buffer_unordered(PARALLEL);
        while let Some((need, answer)) = answers.next().await {
            resolution.answer(need, answer?);
        }
    }
}

async fn answer(maven: &Maven, request: &Request) -> Result<Answer> {
    match request {
        Request::Pom(gav) => {
            // Nothing in a repository has such a name.
            let Ok(coordinate) = Coordinates::jar(&gav.group, &gav.artifact, &gav.version) else {
                return Ok(Answer::Missing);
            };
            Ok(match maven.pom(&coordinate).await? {
                Some(Pom::Read(pom)) => Answer::Pom(pom),
                Some(Pom::Malformed(why)) => Answer::Malformed(why),
                None => Answer::Missing,
            })
        }
        Request::Versions { group, artifact } => {
            Ok(Answer::Versions(maven.versions(group, artifact).await?))
        }
    }
}

/// The dependency that a coordinate is, without what it must not bring.
pub fn dependency(coordinate: &Coordinates, exclude: &[String]) -> Result<RawDependency> {
    let exclusions = exclude.iter().map(|text| match text.split_once(':') {
        Some((group, artifact)) if !artifact.contains(':') => Ok(Exclusion {
            group: group.into(),
            artifact: artifact.into(),
        }),
        _ => Err(Error::usage(format!("`{text}` excludes nothing"))
            .hint("write `group:artifact`; `*` stands for every name")),
    });
    Ok(RawDependency {
        group: coordinate.group().to_string(),
        artifact: coordinate.artifact().to_string(),
        version: Some(coordinate.version().to_string()),
        kind: (coordinate.extension() != "jar").then(|| coordinate.extension().to_string()),
        classifier: coordinate.classifier().map(str::to_string),
        exclusions: exclusions.collect::<Result<_>>()?,
        ..RawDependency::default()
    })
}

/// What the root manages: coordinates, of which those of POMs are BOMs.
pub fn managed(all: &[Coordinates]) -> Result<Vec<RawDependency>> {
    let one = |coordinates: &Coordinates| -> Result<RawDependency> {
        let mut managed = dependency(coordinates, &[])?;
        if coordinates.extension() == "pom" {
            managed.scope = Some("import".to_string());
        }
        Ok(managed)
    };
    all.iter().map(one).collect()
}

/// What POMs' profiles see: the image's system and Java, not this machine's.
pub fn context(java: Option<u32>, platform: &Platform) -> Context {
    let arch = match platform.architecture.as_str() {
        "arm64" => "aarch64",
        other => other,
    };
    let java = match java {
        Some(8) => "1.8.0".to_string(),
        Some(java) => format!("{java}.0.1"),
        None => String::new(),
    };
    Context::linux(arch, &java)
}

fn told(maven: &Maven, error: maven::Error) -> Error {
    use maven::Error as E;
    let hint = match &error {
        E::MissingModel { .. } => {
            "is its repository missing? [maven] repositories of flinkpack.toml, or settings.xml, name more"
        }
        E::NoVersion { .. } => {
            "another repository may have it; a managed version in [maven] takes the range's place"
        }
        E::Unsolvable { .. } => {
            "exclude the dependency where it is not needed, or name one version of it yourself"
        }
        E::RelocationCycle { .. } => "name the artifact by its newest coordinate",
        E::BadRange { .. } | E::Root { .. } => "correct the version",
        E::TooLarge { .. } => "exclude what is not needed",
    };
    let is_missing = matches!(error, E::MissingModel { .. } | E::NoVersion { .. });
    let error = Error::new(error.to_string())
        .doing("resolving dependencies")
        .hint(hint);
    match is_missing {
        true => maven.hint_declared(error),
        false => error,
    }
}

fn tell(maven: &Maven, warning: &Warning) -> Result<()> {
    match warning {
        Warning::MissingPom { gav, is_direct } if *is_direct => {
            return Err(Error::new(format!("{gav} is in no repository"))
                .doing("resolving dependencies")
                .because(Reason::NotFound)
                .hint(
                    "is the coordinate right? `transitive = false` takes a JAR that has no POM",
                ));
        }
        Warning::MissingPom { gav, .. } => maven.report().warn(format!(
            "{gav} has no POM in any repository: nothing is known of what it needs{}",
            maven.note_of_declared()
        )),
        Warning::InvalidPom { gav, why } => {
            let why = why.strip_prefix(&format!("{gav}: ")).unwrap_or(why);
            maven.report().warn(format!(
                "the POM of {gav} is not usable, so what it needs is left out, as Maven does: {why}"
            ));
        }
    }
    Ok(())
}
