//! POMs that nobody wrote in good faith: what they ask for ends, and soon.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;

fn needs(name: &str) -> RawDependency {
    RawDependency {
        group: "g".into(),
        artifact: name.into(),
        version: Some("1".into()),
        ..RawDependency::default()
    }
}

fn imports(name: &str) -> RawDependency {
    RawDependency {
        kind: Some("pom".into()),
        scope: Some("import".into()),
        ..needs(name)
    }
}

/// A POM by its artifact, in all versions but `gone`.
fn resolve(root: Root, poms: &HashMap<String, RawPom>) -> Result<Graph, Error> {
    let mut resolution = Resolution::new(root, Context::linux("amd64", "17"));
    loop {
        let needs = match resolution.advance()? {
            Next::Done(graph) => return Ok(*graph),
            Next::Needs(needs) => needs,
        };
        for need in needs {
            let answer = match &need {
                Request::Pom(gav) => match poms.get(&*gav.artifact) {
                    Some(pom) if &*gav.version != "gone" => Answer::Pom(Arc::new(pom.clone())),
                    _ => Answer::Missing,
                },
                Request::Versions { .. } => Answer::Versions(Vec::new()),
            };
            resolution.answer(need, answer);
        }
    }
}

fn pom(name: &str) -> RawPom {
    RawPom {
        group: Some("g".into()),
        artifact: Some(name.into()),
        version: Some("1".into()),
        ..RawPom::default()
    }
}

fn root(name: &str) -> Root {
    Root {
        dependencies: vec![needs(name)],
        ..Root::default()
    }
}

fn why(graph: &Graph) -> String {
    format!("{:?}", graph.warnings)
}

#[test]
fn values_that_come_to_nothing_are_not_filled_in_for_ever() {
    let mut one = pom("a");
    for at in 0..30 {
        let next = format!("${{p{}}}", at + 1);
        one.properties.push((format!("p{at}"), next.repeat(4)));
    }
    one.properties.push(("p30".into(), String::new()));
    let graph = resolve(root("a"), &HashMap::from([("a".into(), one)])).unwrap();
    assert!(why(&graph).contains("without end"), "{}", why(&graph));
}

#[test]
fn a_pom_has_the_same_problem_each_time() {
    let mut one = pom("a");
    for name in ["d", "b", "c", "e"] {
        one.properties.push((name.into(), format!("${{{name}}}")));
    }
    let poms = HashMap::from([("a".into(), one)]);
    for _ in 0..20 {
        let graph = resolve(root("a"), &poms).unwrap();
        assert!(why(&graph).contains("${b} leads to itself"));
    }
}

#[test]
fn boms_that_import_each_other_twice_are_read_once() {
    for last in [pom("b60"), RawPom::default()] {
        let mut poms = HashMap::from([("a".to_string(), pom("a")), ("b60".into(), last)]);
        poms.get_mut("a").unwrap().managed = vec![imports("b0")];
        for at in 0..60 {
            let name = format!("b{at}");
            let next = imports(&format!("b{}", at + 1));
            let bom = RawPom {
                managed: vec![next.clone(), next],
                ..pom(&name)
            };
            poms.insert(name, bom);
        }
        resolve(root("a"), &poms).unwrap();
    }
}

#[test]
fn boms_in_a_circle_are_read_once() {
    let mut poms = HashMap::new();
    for at in 0..40 {
        let name = format!("b{at}");
        let bom = RawPom {
            managed: [1, 2, 3]
                .map(|step| imports(&format!("b{}", (at + step) % 40)))
                .into(),
            dependencies: vec![needs("x")],
            ..pom(&name)
        };
        poms.insert(name, bom);
    }
    let graph = resolve(root("b0"), &poms).unwrap();
    assert!(why(&graph).contains("leads back"), "{}", why(&graph));
}

#[test]
fn imports_go_so_deep_and_no_deeper() {
    let mut poms = HashMap::new();
    for at in 0..900 {
        let name = format!("b{at}");
        let bom = RawPom {
            managed: vec![imports(&format!("b{}", at + 1))],
            ..pom(&name)
        };
        poms.insert(name, bom);
    }
    let graph = resolve(root("b0"), &poms).unwrap();
    assert!(why(&graph).contains("100 imports"), "{}", why(&graph));
}

#[test]
fn relocations_and_management_that_lead_back_are_a_circle() {
    let moved = |name: &str, version: &str, to: (&str, &str)| {
        let mut pom = pom(name);
        pom.version = Some(version.into());
        pom.relocation = Some(pom::Relocation {
            artifact: Some(to.0.into()),
            version: Some(to.1.into()),
            ..pom::Relocation::default()
        });
        pom
    };
    let poms = HashMap::from([
        (("x", "1"), {
            let mut pom = pom("x");
            pom.dependencies = vec![needs("a")];
            pom
        }),
        (("a", "1"), moved("a", "1", ("b", "1"))),
        (("b", "1"), pom("b")),
        (("b", "2"), moved("b", "2", ("a", "3"))),
        (("a", "3"), pom("a")),
    ]);
    let version = |name: &str, version: &str| RawDependency {
        version: Some(version.into()),
        ..needs(name)
    };
    let root = Root {
        dependencies: vec![needs("x")],
        managed: vec![version("a", "1"), version("b", "2")],
    };
    let mut resolution = Resolution::new(root, Context::linux("amd64", "17"));
    let error = loop {
        match resolution.advance() {
            Err(error) => break error,
            Ok(Next::Done(graph)) => panic!("{graph:?}"),
            Ok(Next::Needs(needs)) => {
                for need in needs {
                    let Request::Pom(gav) = &need else { continue };
                    let pom = poms[&(&*gav.artifact, &*gav.version)].clone();
                    resolution.answer(need, Answer::Pom(Arc::new(pom)));
                }
            }
        }
    };
    assert!(error.to_string().contains("in a circle"), "{error}");
}

/// The collector walks each chain once, since the next one ends where the last
/// began. What has no POM at their ends makes a circle of all, so that they are
/// undecided together; and the other scope of the root's own makes the way
/// through all of them a new one.
#[test]
fn chains_behind_each_other_are_too_deep() {
    const LAST: usize = 7;
    const LENGTH: usize = 300;
    let mut poms = HashMap::new();
    let mut first = pom("first");
    for chain in 0..=LAST {
        first.dependencies.push(needs(&format!("c{chain}-0")));
        for at in 0..LENGTH {
            let name = format!("c{chain}-{at}");
            let mut one = pom(&name);
            if at + 1 < LENGTH {
                let next = format!("c{chain}-{}", at + 1);
                one.dependencies.push(needs(&next));
            } else {
                one.dependencies.push(RawDependency {
                    version: Some("gone".into()),
                    ..needs(&format!("c{LAST}-0"))
                });
                if chain > 0 {
                    let before = format!("c{}-0", chain - 1);
                    one.dependencies.push(needs(&before));
                }
            }
            poms.insert(name, one);
        }
    }
    poms.insert("first".into(), first);
    let root = Root {
        dependencies: vec![
            RawDependency {
                scope: Some("runtime".into()),
                ..needs("first")
            },
            needs(&format!("c{LAST}-0")),
            needs("c0-0"),
        ],
        ..Root::default()
    };
    let selected = resolve(root, &poms).map(|graph| graph.selected().len());
    let error = selected.unwrap_err();
    assert!(error.to_string().contains("levels"), "{error}");
}

#[test]
fn an_element_has_so_many_attributes_and_no_more() {
    let attributes: String = (0..100_000).map(|at| format!(" a{at}=''")).collect();
    let error = pom::parse(format!("<project{attributes}/>").as_bytes()).unwrap_err();
    assert!(error.contains("200 attributes"), "{error}");
}
