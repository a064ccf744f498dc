//! The answer: a tree of everything that was declared, with what became of it.

use std::collections::HashMap;

use serde::Serialize;

use super::collect::{ListId, Node as Collected, NodeId};
use super::dependency::Expected;
use super::mediate::Mediated;
use super::range::VersionConstraint;
use super::warning::Warning;
use super::{Coordinates, InvalidCoordinates, Key};

/// The answer to a resolution.
#[derive(Clone, Debug, Serialize)]
pub struct Graph {
    /// Every declared dependency where it is declared. What a selected one
    /// needs is listed below it, and only there.
    pub nodes: Vec<Node>,
    /// The root's own dependencies; of a range a node for each version in it.
    pub roots: Vec<usize>,
    /// One node for each dependency that the root declares: of a range the version
    /// that counts, if one of them does.
    #[serde(skip)]
    pub direct: Vec<usize>,
    /// What is odd, and did not stop the resolution.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

/// A declared dependency.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// The group.
    pub group: String,
    /// The artifact.
    pub artifact: String,
    /// The classifier, empty where there is none.
    pub classifier: String,
    /// The file's extension.
    pub extension: String,
    /// The version that this declaration came to, were it alone.
    pub version: String,
    /// Its scope; of a selected one the widest in which it is reached.
    pub scope: String,
    /// Whether the root does not need it to run.
    pub optional: bool,
    /// Whether this is the node that counts.
    pub selected: bool,
    /// Why it counts, or does not, for people.
    pub reason: String,
    /// The selected node that stands for it; itself, if it is selected. In a circle
    /// the one that won may go with what needed it, in Maven as here: then it is a
    /// node that is not selected, and the artifact is nowhere.
    pub winner: usize,
    /// What it needs.
    pub children: Vec<usize>,
    /// Of one of the root's own, and of those right below: what its POM expects
    /// to be there already.
    #[serde(skip)]
    pub expects: Vec<Expected>,
}

impl Node {
    /// Its coordinates, where they are such that a repository can have the file.
    pub fn coordinates(&self) -> Result<Coordinates, InvalidCoordinates> {
        self.coordinate().parse()
    }

    /// `group:artifact:version[:classifier][@extension]`, as its declaration says it.
    pub fn coordinate(&self) -> String {
        Key {
            group: self.group.as_str().into(),
            artifact: self.artifact.as_str().into(),
            classifier: self.classifier.as_str().into(),
            extension: self.extension.as_str().into(),
        }
        .coordinate(&self.version)
    }
}

impl Graph {
    pub(super) fn of(mediated: &Mediated, warnings: Vec<Warning>) -> Graph {
        let mut builder = Builder {
            mediated,
            out: Vec::new(),
            at: HashMap::new(),
            depth_of: HashMap::new(),
        };
        builder.depths();
        let roots = builder.children(0);
        let direct = mediated.graph.direct.iter().filter_map(|range| {
            let nodes = &roots[range.clone()];
            let selected = nodes.iter().find(|at| builder.out[**at].selected);
            selected.or(nodes.last()).copied()
        });
        let direct = direct.collect();
        let mut nodes = builder.out;
        let at = builder.at;
        for (own, node) in nodes.iter_mut().enumerate() {
            // Until here it is the collected node.
            node.winner = at.get(&node.winner).copied().unwrap_or(own);
        }
        Graph {
            nodes,
            roots,
            direct,
            warnings,
        }
    }

    /// The selected nodes in Maven's order: each before what only it needs.
    pub fn selected(&self) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|at| self.nodes[*at].selected)
            .collect()
    }

    /// The way from a root dependency to a node, both included.
    pub fn path(&self, node: usize) -> Vec<usize> {
        let mut parent: HashMap<usize, usize> = HashMap::new();
        for (at, one) in self.nodes.iter().enumerate() {
            for child in &one.children {
                parent.insert(*child, at);
            }
        }
        let mut path = vec![node];
        while let Some(above) = path.last().and_then(|last| parent.get(last)) {
            path.push(*above);
        }
        path.reverse();
        path
    }
}

struct Builder<'a> {
    mediated: &'a Mediated,
    out: Vec<Node>,
    /// Where the selected ones are.
    at: HashMap<NodeId, usize>,
    /// How far from the root the nodes of a list are.
    depth_of: HashMap<ListId, usize>,
}

impl Builder<'_> {
    /// Measured along the winners.
    fn depths(&mut self) {
        let mut work = std::collections::VecDeque::from([(0, 1)]);
        while let Some((list, depth)) = work.pop_front() {
            if self.depth_of.contains_key(&list) {
                continue;
            }
            self.depth_of.insert(list, depth);
            for node in &self.mediated.graph.lists[list] {
                work.push_back((self.mediated.graph.nodes[*node].list, depth + 1));
            }
        }
    }

    fn children(&mut self, list: usize) -> Vec<usize> {
        let mut out = Vec::new();
        for id in self.mediated.declared[list].clone() {
            let conflict = self.mediated.conflicts.of[id];
            // In a circle a node may stay that was in no conflict.
            let winner = self.mediated.winners.get(&conflict).copied().unwrap_or(id);
            let stays = self.mediated.graph.lists[list].contains(&id);
            let selected = stays && winner == id && !self.at.contains_key(&id);
            let at = self.out.len();
            out.push(at);
            let node = self.node(id, winner, selected, list);
            self.out.push(node);
            if selected {
                self.at.insert(id, at);
                let children = self.children(self.mediated.graph.nodes[id].list);
                self.out[at].children = children;
            }
        }
        out
    }

    fn node(&self, id: NodeId, winner: NodeId, selected: bool, list: usize) -> Node {
        let nodes = &self.mediated.graph.nodes;
        let node = &nodes[id];
        let reason = match selected {
            true => self.why(node, list),
            false => self.why_not(node, winner, list),
        };
        Node {
            group: node.key.group.to_string(),
            artifact: node.key.artifact.to_string(),
            classifier: node.key.classifier.to_string(),
            extension: node.key.extension.to_string(),
            version: node.version.as_str().to_string(),
            scope: node.scope.to_string(),
            optional: node.optional,
            selected,
            reason,
            winner,
            children: Vec::new(),
            expects: node.expects.clone(),
        }
    }

    fn why(&self, node: &Collected, list: usize) -> String {
        let mut reasons = Vec::new();
        if list == 0 {
            reasons.push("asked for".to_string());
        }
        reasons.extend(changes(node));
        match reasons.is_empty() {
            true => "needed".to_string(),
            false => reasons.join(", "),
        }
    }

    fn why_not(&self, node: &Collected, winner: NodeId, list: ListId) -> String {
        let is_sibling = self.mediated.declared[list].contains(&winner);
        let winner = &self.mediated.graph.nodes[winner];
        let versions = (node.version.as_str(), winner.version.as_str());
        if node.key != winner.key {
            return format!("{} took its place", winner.key);
        }
        let changes = changes(node);
        let because = match changes.is_empty() {
            true => String::new(),
            false => format!(" ({})", changes.join(", ")),
        };
        if versions.0 == versions.1 {
            return format!("the same{because}");
        }
        // What a list holds is as far as the list; below it is one more.
        let depth = |list| self.depth_of.get(&list).copied().unwrap_or(usize::MAX);
        let own_depth = depth(list);
        let other = depth(winner.list) - 1;
        if node.wanted == winner.wanted && matches!(node.wanted, VersionConstraint::Ranges(_)) {
            return format!("{} is the newest in {}", versions.1, winner.declared);
        }
        let rule = if matches!(winner.wanted, VersionConstraint::Ranges(_)) {
            format!("the range {} asks for it", winner.declared)
        } else if is_sibling {
            "the newer of two side by side".to_string()
        } else if other < own_depth {
            "nearer to the root".to_string()
        } else {
            "declared first".to_string()
        };
        format!("{} wins over {}: {rule}{because}", versions.1, versions.0)
    }
}

/// What changed a declaration before it was weighed against others.
fn changes(node: &Collected) -> Vec<String> {
    let mut out = Vec::new();
    if node.is_version_managed && *node.declared != *node.version.as_str() {
        out.push(match node.declared.is_empty() {
            true => "its version is managed".to_string(),
            false => format!("managed from {}", node.declared),
        });
    } else if matches!(node.wanted, VersionConstraint::Ranges(_)) {
        out.push(format!("in the range {}", node.declared));
    } else if matches!(&*node.declared, "LATEST" | "RELEASE") {
        out.push(format!("{} is this", node.declared));
    }
    if let Some(old) = node.moved_from.first() {
        out.push(format!("moved from {old}"));
    }
    out
}
