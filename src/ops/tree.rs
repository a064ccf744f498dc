//! `flinkpack tree`: where each JAR comes from, and why this version.

use serde::Serialize;

use super::Session;
pub use super::make::graph as of_manifest;
use crate::error::{Error, Result};
use crate::image::Platform;
use crate::maven::{Graph, Node, Root};
use crate::resolve::closure;
use crate::resolve::maven::Coordinate;

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

/// What these coordinates need.
pub async fn of_coordinates(session: &Session, asked: &Asked) -> Result<Graph> {
    let mut root = Root::default();
    for text in &asked.coordinates {
        let coordinate: Coordinate = text.parse()?;
        root.dependencies
            .push(closure::dependency(&coordinate, &asked.exclude)?);
    }
    let maven = session.maven(&[]);
    let context = closure::context(Some(asked.java), &Platform::host());
    closure::closure(maven.get()?, root, context).await
}

/// The tree for people.
pub fn text(graph: &Graph) -> String {
    let mut out = String::new();
    for root in &graph.roots {
        line(graph, *root, "", "", &mut out);
    }
    let selected = graph.selected().len();
    let declared = graph.nodes.len();
    match selected {
        0 => out.push_str("no Maven coordinates\n"),
        _ => out.push_str(&format!(
            "{selected} artifact{} of {declared} declared\n",
            if selected == 1 { "" } else { "s" }
        )),
    }
    out
}

fn line(graph: &Graph, at: usize, first: &str, rest: &str, out: &mut String) {
    let node = &graph.nodes[at];
    let remark = remark(node);
    let text = match node.selected {
        true => format!("{}{remark}", node.coordinate()),
        false => console::style(format!("{}{remark}", node.coordinate()))
            .dim()
            .to_string(),
    };
    out.push_str(&format!("{first}{text}\n"));
    let count = node.children.len();
    for (index, child) in node.children.iter().enumerate() {
        let (first, next) = match index + 1 == count {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        line(
            graph,
            *child,
            &format!("{rest}{first}"),
            &format!("{rest}{next}"),
            out,
        );
    }
}

/// What is worth saying of a node: its scope where it is not the usual one, and
/// why it is, or is not, this version.
fn remark(node: &Node) -> String {
    let mut parts = Vec::new();
    if node.scope != "compile" {
        parts.push(node.scope.clone());
    }
    if node.optional {
        parts.push("optional".to_string());
    }
    if !matches!(node.reason.as_str(), "needed" | "asked for") {
        parts.push(node.reason.clone());
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("  ({})", parts.join("; ")),
    }
}

/// One way to an artifact.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// Coordinates from a root dependency to it.
    pub path: Vec<String>,
    /// Whether this is the one that counts.
    pub selected: bool,
    /// Why it is, or is not.
    pub reason: String,
}

/// Every declaration of an artifact, the one that counts first.
pub fn why(graph: &Graph, name: &str) -> Result<Vec<Way>> {
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
            reason: graph.nodes[at].reason.clone(),
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

/// The ways for people.
pub fn why_text(ways: &[Way]) -> String {
    let mut out = String::new();
    for way in ways {
        let (last, above) = way
            .path
            .split_last()
            .map_or(("", &[][..]), |(last, above)| (last.as_str(), above));
        let sign = if way.selected { "taken" } else { "left" };
        out.push_str(&format!("{sign:<6} {last}  ({})\n", way.reason));
        for one in above.iter().rev() {
            out.push_str(&format!("         needed by {one}\n"));
        }
    }
    out
}
