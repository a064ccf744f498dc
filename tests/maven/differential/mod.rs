//! The resolver against Maven's own, over thousands of random repositories.

mod generate;
mod oracle;
mod real;

use std::sync::Arc;

use flinkpack::maven::{Answer, Context, Graph, Next, Request, Resolution, Version, pom};

use generate::{Random, Repository, generate};
use oracle::{Oracle, answers_of};

/// Graphs in one run.
const GRAPHS: usize = 2100;

#[test]
fn random_graphs_resolve_as_maven_resolves_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut repository = Repository::default();
    let roots: Vec<String> = (0..GRAPHS)
        .map(|seed| generate(seed, &mut repository))
        .collect();
    oracle::write(&repository, folder.path());
    let told = answers_of(Oracle::start(folder.path()).ask(&roots));
    let (mut failed, mut nodes, mut wrong) = (0, 0, Vec::new());
    for root in &roots {
        let maven = &told[root];
        let own = resolve(root, &repository);
        let maven_failed = maven.last().is_some_and(|line| line.starts_with('!'));
        let same = match &own {
            Ok(lines) => !maven_failed && lines == maven,
            Err(_) => maven_failed,
        };
        failed += usize::from(maven_failed);
        nodes += maven.len();
        if !same {
            wrong.push(format!("{root}\n  maven: {maven:#?}\n  own: {own:#?}"));
        }
    }
    assert!(failed > 20 && failed < GRAPHS / 4, "{failed} fail in Maven");
    assert!(
        nodes > GRAPHS * 3,
        "the graphs are too small: {nodes} nodes"
    );
    assert!(
        wrong.is_empty(),
        "{} of {GRAPHS} differ, such as\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}

/// Lines as the oracle's, or why not.
fn resolve(root: &str, repository: &Repository) -> Result<Vec<String>, String> {
    let raw = pom::parse(repository.poms[root].as_bytes())?;
    let context = Context::linux("amd64", "17.0.2");
    let mut resolution = Resolution::of_pom(Arc::new(raw), context);
    loop {
        match resolution.advance().map_err(|error| error.to_string())? {
            Next::Done(graph) => return Ok(lines(&graph)),
            Next::Needs(needs) => {
                for need in needs {
                    let answer = match &need {
                        Request::Pom(gav) => match repository.poms.get(&gav.to_string()) {
                            Some(text) => match pom::parse(text.as_bytes()) {
                                Ok(pom) => Answer::Pom(Arc::new(pom)),
                                Err(why) => Answer::Malformed(why),
                            },
                            None => Answer::Missing,
                        },
                        Request::Versions { group, artifact } => {
                            let known = repository.versions.get(&format!("{group}:{artifact}"));
                            Answer::Versions(known.cloned().unwrap_or_default())
                        }
                    };
                    resolution.answer(need, answer);
                }
            }
        }
    }
}

/// A graph as the oracle shows one.
fn lines(graph: &Graph) -> Vec<String> {
    let line = |at: usize| {
        let node = &graph.nodes[at];
        format!(
            "{}:{}:{}:{}:{}:{}:{}",
            node.group,
            node.artifact,
            node.extension,
            node.classifier,
            node.version,
            node.scope,
            node.optional
        )
    };
    graph.selected().into_iter().map(line).collect()
}

#[test]
fn versions_are_ordered_as_maven_orders_them() {
    let mut random = Random::new(7);
    let parts = [
        "1",
        "0",
        "00",
        "01",
        "10",
        "2",
        "alpha",
        "beta",
        "m",
        "a1",
        "b2",
        "rc",
        "SNAPSHOT",
        "ga",
        "final",
        "sp",
        "xyz",
        "Jre",
        "min",
        "max",
        "12345678901234",
        "1a",
        "x9",
    ];
    let signs = [".", "-", "_", "", "+", "..", ".-"];
    let mut text = || {
        let mut text = String::new();
        for at in 0..1 + random.below(5) {
            if at > 0 {
                text.push_str(signs[random.below(signs.len())]);
            }
            text.push_str(parts[random.below(parts.len())]);
        }
        text
    };
    let pairs: Vec<(String, String)> = (0..20_000).map(|_| (text(), text())).collect();
    let questions: Vec<String> = pairs
        .iter()
        .map(|(a, b)| format!("VERSIONS {a} {b}"))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let told = Oracle::start(folder.path()).ask(&questions);
    assert_eq!(told.len(), pairs.len());
    for ((a, b), order) in pairs.iter().zip(told) {
        let own = Version::new(a).cmp(&Version::new(b)) as i32;
        assert_eq!(own.to_string(), order, "{a} and {b}");
    }
}
