//! What needs what, and why.

use crate::error::Result;
use crate::ops::tree::{Tree, Way};

/// For people.
pub fn text(tree: &Tree) -> String {
    let mut out = String::new();
    for root in &tree.graph.roots {
        line(tree, *root, "", "", &mut out);
    }
    let declared = tree.graph.nodes.len();
    if declared == 0 {
        return "no Maven coordinates\n".to_string();
    }
    let taken = tree.taken.len();
    let provided = match tree.provided.len() {
        0 => String::new(),
        count => format!(", {count} that the base has"),
    };
    out.push_str(&format!(
        "{taken} artifact{} of {declared} declared{provided}\n",
        if taken == 1 { "" } else { "s" }
    ));
    out
}

/// For programs: the graph, each node with what becomes of it.
pub fn json(tree: &Tree) -> Result<serde_json::Value> {
    let mut value = serde_json::to_value(&tree.graph)?;
    let nodes = value
        .get_mut("nodes")
        .and_then(|nodes| nodes.as_array_mut());
    for (at, node) in nodes.into_iter().flatten().enumerate() {
        node["taken"] = tree.taken.contains(&at).into();
        if let Some(by) = tree.provided.get(&at) {
            node["provided_by"] = by.as_str().into();
        }
    }
    Ok(value)
}

fn line(tree: &Tree, at: usize, first: &str, rest: &str, out: &mut String) {
    let node = &tree.graph.nodes[at];
    let text = format!("{}{}", node.coordinate(), remark(tree, at));
    let text = match tree.taken.contains(&at) {
        true => text,
        false => console::style(text).dim().to_string(),
    };
    out.push_str(&format!("{first}{text}\n"));
    let count = node.children.len();
    for (index, child) in node.children.iter().enumerate() {
        let (first, next) = match index + 1 == count {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        let (first, next) = (format!("{rest}{first}"), format!("{rest}{next}"));
        line(tree, *child, &first, &next, out);
    }
}

/// What is worth saying of a node: its scope where it is not the usual one,
/// why it is, or is not, this version, and why it is not taken.
fn remark(tree: &Tree, at: usize) -> String {
    let node = &tree.graph.nodes[at];
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
    parts.extend(tree.why_not(at));
    match parts.is_empty() {
        true => String::new(),
        false => format!("  ({})", parts.join("; ")),
    }
}

/// The ways to an artifact, for people.
pub fn ways(all: &[Way]) -> String {
    let mut out = String::new();
    for way in all {
        let (last, above) = way
            .path
            .split_last()
            .map_or(("", &[][..]), |(last, above)| (last.as_str(), above));
        let sign = if way.taken { "taken" } else { "left" };
        out.push_str(&format!("{sign:<6} {last}  ({})\n", way.reason));
        for one in above.iter().rev() {
            out.push_str(&format!("         needed by {one}\n"));
        }
    }
    out
}
