//! `flinkpack tree`: where each JAR comes from, and why this version.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::image::Platform;
use crate::manifest::Manifest;
use crate::maven::Coordinates;
use crate::maven::{Graph, Node, Root};
use crate::ops::Session;
use crate::ops::project::inputs::Request;
use crate::ops::project::resolved;
use crate::resolve::closure;

/// Coordinates that were given on the command line.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The coordinates, resolved together in this order.
    pub coordinates: Vec<String>,
    /// `group:artifact` patterns of what is left out.
    pub exclude: Vec<String>,
    /// The Java that profiles see.
    pub java: u32,
}

/// A graph, and what becomes of it.
pub struct Tree {
    /// The graph.
    pub graph: Graph,
    /// Nodes that go into the image.
    pub taken: HashSet<usize>,
    /// The JAR of the base that has a node, as a path under FLINK_HOME.
    pub provided: BTreeMap<usize, String>,
    /// Nodes that the manifest drops.
    dropped: Vec<usize>,
}

/// What a manifest's coordinates need, on its base.
pub async fn of_manifest(session: &Session, request: &Request) -> Result<Tree> {
    let (graph, chosen) = resolved::graph(session, request).await?;
    for warning in &chosen.warnings {
        session.report.warn(warning);
    }
    let provided = chosen.provided.into_iter().map(|one| (one.node, one.by));
    Ok(Tree {
        graph,
        taken: chosen.taken,
        provided: provided.collect(),
        dropped: chosen.dropped,
    })
}

/// What these coordinates need, whatever a base has. The repositories are those
/// of the manifest, where there is one.
pub async fn of_coordinates(session: &Session, request: &Request, asked: &Asked) -> Result<Tree> {
    let mut root = Root::default();
    for text in &asked.coordinates {
        let coordinate: Coordinates = text.parse()?;
        root.dependencies
            .push(closure::dependency(&coordinate, &asked.exclude)?);
    }
    let repositories = match request.manifest.exists() {
        true => {
            Manifest::read(&request.manifest)?
                .content
                .maven
                .repositories
        }
        false => Vec::new(),
    };
    let maven = session.maven(&repositories);
    let context = closure::context(Some(asked.java), &Platform::host());
    let graph = closure::closure(maven.get()?, root, context, &HashSet::new()).await?;
    Ok(Tree {
        taken: graph.selected().into_iter().collect(),
        graph,
        provided: BTreeMap::new(),
        dropped: Vec::new(),
    })
}

impl Tree {
    /// Why a node that is selected does not go into the image.
    pub fn why_not(&self, at: usize) -> Option<String> {
        if let Some(by) = self.provided.get(&at) {
            return Some(format!("the base has it in {by}"));
        }
        if self.dropped.contains(&at) {
            return Some("dropped by [maven]".to_string());
        }
        let is_left = self.graph.nodes[at].selected && !self.taken.contains(&at);
        is_left.then(|| "left out with what needs it".to_string())
    }
}

/// One way to an artifact.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// Coordinates from a root dependency to it.
    pub path: Vec<String>,
    /// Whether this is the one that counts.
    pub selected: bool,
    /// Whether it goes into the image.
    pub taken: bool,
    /// Why it is, or is not.
    pub reason: String,
}

/// Every declaration of an artifact, the one that counts first.
pub fn why(tree: &Tree, name: &str) -> Result<Vec<Way>> {
    let graph = &tree.graph;
    let is_it = |node: &Node| match name.split_once(':') {
        Some((group, artifact)) => node.group == group && node.artifact == artifact,
        None => node.artifact == name,
    };
    let mut ways: Vec<Way> = (0..graph.nodes.len())
        .filter(|at| is_it(&graph.nodes[*at]))
        .map(|at| Way {
            path: graph
                .path(at)
                .into_iter()
                .map(|at| graph.nodes[at].coordinate())
                .collect(),
            selected: graph.nodes[at].selected,
            taken: tree.taken.contains(&at),
            reason: match tree.why_not(at) {
                Some(why_not) => why_not,
                None => graph.nodes[at].reason.clone(),
            },
        })
        .collect();
    ways.sort_by_key(|way| !way.selected);
    if !ways.is_empty() {
        return Ok(ways);
    }
    let names = graph.nodes.iter().map(|node| node.artifact.as_str());
    let error = Error::new(format!("nothing needs `{name}`"));
    Err(match crate::manifest::nearest_name(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`flinkpack tree` shows everything that is needed"),
    })
}
