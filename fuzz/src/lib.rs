//! What several targets need.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use flinkpack::maven::{Answer, Error, Graph, Next, Request, Resolution};

/// A folder of this process, deleted by nobody: a fuzzer does not end, it is ended.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("flinkpack-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

/// A path for a file that is read by its path.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// A file with this content.
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = path(name);
    std::fs::write(&path, content).expect("a file is written");
    path
}

/// Runs a resolution to its end. It must not ask for what it was told.
pub fn resolve(
    mut resolution: Resolution,
    answer: impl Fn(&Request, usize) -> Answer,
) -> Result<Graph, Error> {
    let mut told: HashSet<Request> = HashSet::new();
    loop {
        match resolution.advance()? {
            Next::Done(graph) => {
                check(&graph);
                return Ok(*graph);
            }
            Next::Needs(needs) => {
                assert!(!needs.is_empty(), "it needs nothing, and is not done");
                for need in needs {
                    let answer = answer(&need, told.len());
                    assert!(told.insert(need.clone()), "it asks again for {need:?}");
                    resolution.answer(need, answer);
                }
            }
        }
    }
}

/// What holds of every graph.
fn check(graph: &Graph) {
    let mut selected = HashSet::new();
    let mut listed = vec![false; graph.nodes.len()];
    let children = graph.nodes.iter().flat_map(|node| &node.children);
    for child in graph.roots.iter().chain(children) {
        let known = std::mem::replace(&mut listed[*child], true);
        assert!(!known, "node {child} is listed twice");
    }
    assert!(listed.iter().all(|listed| *listed), "a node is in no list");
    for (at, node) in graph.nodes.iter().enumerate() {
        let winner = &graph.nodes[node.winner];
        // In a circle the one that won may go with what needed it: then none counts.
        let is_lost = node.winner == at && !node.selected;
        assert!(!node.selected || node.winner == at, "who stands for {at}?");
        assert!(winner.selected || is_lost, "{at} is left to a loser");
        if node.selected {
            let key = (
                &node.group,
                &node.artifact,
                &node.classifier,
                &node.extension,
            );
            assert!(selected.insert(key), "two of {}", node.coordinate());
        } else {
            assert!(node.children.is_empty(), "a loser needs something");
        }
        let path = graph.path(at);
        assert_eq!(path.last(), Some(&at));
        assert!(graph.roots.contains(&path[0]));
    }
    for at in &graph.direct {
        assert!(graph.roots.contains(at), "{at} is declared by nobody");
    }
}
