//! One version of each thing: Maven's conflict resolution.
//!
//! The conflicts are decided one after the other, in their order. For each, the
//! graph is walked from the root, along the winners of what was decided before,
//! and everything that is in this conflict is gathered with its depth and the
//! scopes in which it is reached. Then
//!
//! - the nearest version wins that suits every range; of equals the first. Of
//!   siblings (the versions of one range) the highest.
//! - its scope is the widest in which any of them is reached, unless the root
//!   declares it itself.
//! - it is optional only where all of them are.
//!
//! The others are taken out of the graph, with all that only they need.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::collect::{Collected, ListId, NodeId};
use super::conflict::{ConflictId, Conflicts};
use super::{Error, Key};

/// Nodes that may be visited in all: the walks for the conflicts of a real
/// project visit some millions.
const MAX_VISITS: usize = 400_000_000;

/// Dependencies above each other. Shared lists make longer ways than the
/// collector walked.
const MAX_DEPTH: usize = 800;

/// A graph in which each conflict has one node.
pub(super) struct Mediated {
    pub graph: Collected,
    /// The lists as they were before anything was taken out.
    pub declared: Vec<Vec<NodeId>>,
    pub conflicts: Conflicts,
    /// The winner of each conflict that can be reached.
    pub winners: HashMap<ConflictId, NodeId>,
}

/// A node in conflict, in one list of children.
struct Item {
    list: ListId,
    node: NodeId,
    depth: usize,
    scopes: BTreeSet<Arc<str>>,
    /// Whether it is reached as one that is not optional.
    is_needed: bool,
}

/// How a list of children is reached.
struct Reached {
    depth: usize,
    scopes: BTreeSet<Arc<str>>,
    optional: [bool; 2],
    /// Items in it.
    items: Vec<usize>,
}

/// Decides all conflicts.
pub(super) fn mediate(graph: Collected) -> Result<Mediated, Error> {
    let conflicts = Conflicts::of(&graph);
    let mut circles: HashMap<ConflictId, Vec<usize>> = HashMap::new();
    for (circle, ids) in conflicts.cycles.iter().enumerate() {
        for id in ids {
            circles.entry(*id).or_default().push(circle);
        }
    }
    let mut met = vec![false; conflicts.cycles.len()];
    let declared = graph.lists.clone();
    let mut state = State {
        graph,
        conflicts,
        winners: HashMap::new(),
        decided: HashSet::new(),
        may_be_above: HashSet::new(),
        walk: Walk::default(),
        visits: 0,
    };
    let sorted = state.conflicts.sorted.clone();
    for (at, id) in sorted.iter().enumerate() {
        for circle in circles.get(id).into_iter().flatten() {
            if !std::mem::replace(&mut met[*circle], true) {
                let ids = state.conflicts.cycles[*circle].iter().copied();
                state.may_be_above.extend(ids);
            }
        }
        state.gather(Some(*id), None);
        if state.walk.is_too_deep {
            return Err(Error::TooLarge {
                what: "levels",
                limit: MAX_DEPTH,
                path: Vec::new(),
            });
        }
        if state.visits > MAX_VISITS {
            return Err(Error::TooLarge {
                what: "ways to each other",
                limit: MAX_VISITS,
                path: Vec::new(),
            });
        }
        state.may_be_above.insert(*id);
        if !state.walk.items.is_empty() {
            state.decide(*id)?;
        }
        state.decided.insert(*id);
        // In circles, losers may be left below the last winner.
        if at + 1 == sorted.len()
            && !state.conflicts.cycles.is_empty()
            && let Some(winner) = state.winners.get(id).copied()
        {
            state.gather(None, Some(winner));
        }
    }
    Ok(Mediated {
        graph: state.graph,
        declared,
        conflicts: state.conflicts,
        winners: state.winners,
    })
}

struct State {
    graph: Collected,
    conflicts: Conflicts,
    winners: HashMap<ConflictId, NodeId>,
    decided: HashSet<ConflictId>,
    may_be_above: HashSet<ConflictId>,
    walk: Walk,
    visits: usize,
}

/// What one walk over the graph gathers.
#[derive(Default)]
struct Walk {
    items: Vec<Item>,
    reached: HashMap<ListId, Reached>,
    on_stack: HashSet<ListId>,
    parents: Vec<Parent>,
    is_too_deep: bool,
}

#[derive(Clone)]
struct Parent {
    list: ListId,
    scope: Arc<str>,
    optional: bool,
    /// Whether its list is reached for the first time.
    is_first: bool,
}

impl State {
    /// Walks from the root, or from a node, and gathers what is in `conflict`.
    fn gather(&mut self, conflict: Option<ConflictId>, from: Option<NodeId>) {
        self.walk = Walk::default();
        match from {
            None => {
                if self.push(None, None) {
                    self.children(conflict, 0);
                    self.pop();
                }
            }
            Some(node) => {
                self.visit(node, conflict);
            }
        }
        // Shared lists take the depth of the shortest way to them.
        for item in &mut self.walk.items {
            if let Some(reached) = self.walk.reached.get(&item.list) {
                item.depth = reached.depth + 1;
            }
        }
    }

    fn children(&mut self, conflict: Option<ConflictId>, list: ListId) {
        let mut at = 0;
        while let Some(child) = self.graph.lists[list].get(at).copied() {
            if self.visit(child, conflict) {
                at += 1;
            } else {
                self.graph.lists[list].remove(at);
            }
        }
    }

    /// Answers whether the node may stay: it is no loser.
    fn visit(&mut self, node: NodeId, conflict: Option<ConflictId>) -> bool {
        self.visits += 1;
        let own = self.conflicts.of[node];
        if conflict == Some(own) {
            self.add(node);
            return true;
        }
        if self.winners.get(&own).is_some_and(|winner| *winner != node) {
            return false;
        }
        if self.push(Some(node), Some(own)) {
            self.children(conflict, self.graph.nodes[node].list);
            self.pop();
        }
        true
    }

    fn push(&mut self, node: Option<NodeId>, conflict: Option<ConflictId>) -> bool {
        if conflict.is_some_and(|conflict| !self.may_be_above.contains(&conflict)) {
            return false;
        }
        if self.walk.parents.len() >= MAX_DEPTH {
            self.walk.is_too_deep = true;
            return false;
        }
        let list = node.map_or(0, |node| self.graph.nodes[node].list);
        if !self.walk.on_stack.insert(list) {
            return false;
        }
        let depth = self.walk.parents.len();
        let (scope, optional) = match node {
            None => ("".into(), false),
            Some(node) => (self.scope(node, conflict), self.optional(node, conflict)),
        };
        let mut parent = Parent {
            list,
            scope: scope.clone(),
            optional,
            is_first: true,
        };
        let Some(reached) = self.walk.reached.get_mut(&list) else {
            self.walk.reached.insert(
                list,
                Reached {
                    depth,
                    scopes: BTreeSet::from([scope]),
                    optional: [!optional, optional],
                    items: Vec::new(),
                },
            );
            self.walk.parents.push(parent);
            return true;
        };
        reached.depth = reached.depth.min(depth);
        let new_scope = reached.scopes.insert(scope);
        let new_optional = !std::mem::replace(&mut reached.optional[usize::from(optional)], true);
        if !new_scope && !new_optional {
            self.walk.on_stack.remove(&list);
            return false;
        }
        let items = reached.items.clone();
        parent.is_first = false;
        self.walk.parents.push(parent);
        for item in items {
            let node = self.walk.items[item].node;
            if new_scope {
                let scope = self.scope(node, None);
                self.walk.items[item].scopes.insert(scope);
            }
            if new_optional && !self.optional(node, None) {
                self.walk.items[item].is_needed = true;
            }
        }
        true
    }

    fn pop(&mut self) {
        if let Some(parent) = self.walk.parents.pop() {
            self.walk.on_stack.remove(&parent.list);
        }
    }

    fn add(&mut self, node: NodeId) {
        let Some(parent) = self.walk.parents.last().cloned() else {
            return;
        };
        // A list that is reached again has its items already.
        if !parent.is_first {
            return;
        }
        let item = Item {
            list: parent.list,
            node,
            depth: 0,
            scopes: BTreeSet::from([self.scope(node, None)]),
            is_needed: !self.optional(node, None),
        };
        let at = self.walk.items.len();
        self.walk.items.push(item);
        if let Some(reached) = self.walk.reached.get_mut(&parent.list) {
            reached.items.push(at);
        }
    }

    /// The scope in which a node is reached from the parent on the stack.
    fn scope(&self, node: NodeId, conflict: Option<ConflictId>) -> Arc<str> {
        let one = &self.graph.nodes[node];
        let is_decided = conflict.is_some_and(|conflict| self.decided.contains(&conflict));
        if one.is_scope_managed || is_decided {
            return one.scope.clone();
        }
        match self.walk.parents.last() {
            None => one.scope.clone(),
            Some(parent) => derived(&parent.scope, &one.scope),
        }
    }

    fn optional(&self, node: NodeId, conflict: Option<ConflictId>) -> bool {
        let one = &self.graph.nodes[node];
        let is_decided = conflict.is_some_and(|conflict| self.decided.contains(&conflict));
        if one.optional || one.is_optional_managed || is_decided {
            return one.optional;
        }
        self.walk
            .parents
            .last()
            .is_some_and(|parent| parent.optional)
    }

    fn decide(&mut self, id: ConflictId) -> Result<(), Error> {
        let items = std::mem::take(&mut self.walk.items);
        let winner = self.winner(&items)?;
        let node = items[winner].node;
        let direct = items.iter().find(|item| item.depth <= 1);
        let scope = match &*self.graph.nodes[node].scope {
            "system" => "system".into(),
            _ => match direct {
                Some(item) => self.graph.nodes[item.node].scope.clone(),
                None => widest(items.iter().flat_map(|item| item.scopes.iter())),
            },
        };
        let optional = match direct {
            Some(item) => self.graph.nodes[item.node].optional,
            None => !items.iter().any(|item| item.is_needed),
        };
        self.graph.nodes[node].scope = scope;
        self.graph.nodes[node].optional = optional;
        self.remove_losers(&items, winner);
        self.winners.insert(id, node);
        Ok(())
    }

    fn winner(&self, items: &[Item]) -> Result<usize, Error> {
        let nodes = &self.graph.nodes;
        let mut hard: Vec<NodeId> = Vec::new();
        let mut candidates: Vec<usize> = Vec::new();
        let mut winner: Option<usize> = None;
        let nearer = |one: usize, other: usize| {
            let (one, other) = (&items[one], &items[other]);
            match one.list == other.list {
                true => nodes[one.node].version > nodes[other.node].version,
                false => one.depth < other.depth,
            }
        };
        let suits = |hard: &[NodeId], item: usize| {
            let version = &nodes[items[item].node].version;
            !hard
                .iter()
                .any(|range| nodes[*range].wanted.excludes(version))
        };
        for (at, item) in items.iter().enumerate() {
            let wanted = &nodes[item.node].wanted;
            let is_new = matches!(wanted, super::range::VersionConstraint::Ranges(_))
                && !hard.iter().any(|known| nodes[*known].wanted == *wanted);
            let mut back = false;
            if is_new {
                hard.push(item.node);
                back = winner
                    .is_some_and(|winner| wanted.excludes(&nodes[items[winner].node].version));
            }
            let fits = suits(&hard, at);
            if fits {
                candidates.push(at);
            }
            if back {
                candidates.retain(|candidate| suits(&hard, *candidate));
                winner = None;
                for candidate in &candidates {
                    if winner.is_none_or(|winner| nearer(*candidate, winner)) {
                        winner = Some(*candidate);
                    }
                }
                if winner.is_none() {
                    return Err(self.unsolvable(items));
                }
            } else if fits && winner.is_none_or(|winner| nearer(at, winner)) {
                winner = Some(at);
            }
        }
        winner.ok_or_else(|| self.unsolvable(items))
    }

    fn unsolvable(&self, items: &[Item]) -> Error {
        let nodes = &self.graph.nodes;
        let wanted: BTreeSet<String> = items
            .iter()
            .map(|item| {
                let node = &nodes[item.node];
                let by = nodes.iter().find(|parent| parent.list == item.list);
                let by = match by {
                    Some(parent) if item.list != 0 => {
                        format!("{}:{}", parent.key, parent.version.as_str())
                    }
                    _ => "the project itself".to_string(),
                };
                format!("{} for {by}", node.declared)
            })
            .collect();
        let key: Option<&Arc<Key>> = items.first().map(|item| &nodes[item.node].key);
        Error::Unsolvable {
            artifact: key.map(|key| key.to_string()).unwrap_or_default(),
            wanted: wanted.into_iter().collect(),
        }
    }

    fn remove_losers(&mut self, items: &[Item], winner: usize) {
        let mut at: HashMap<ListId, usize> = HashMap::new();
        let mut last = None;
        for (index, item) in items.iter().enumerate() {
            if index == winner {
                continue;
            }
            if last != Some(item.list) {
                at.insert(item.list, 0);
                last = Some(item.list);
            }
            let from = at.get(&item.list).copied().unwrap_or_default();
            let list = &mut self.graph.lists[item.list];
            if let Some(found) = list.iter().skip(from).position(|node| *node == item.node) {
                list.remove(from + found);
                at.insert(item.list, from + found);
            }
        }
    }
}

/// The scope of what a dependency in `parent` scope declares as `child`.
fn derived(parent: &str, child: &Arc<str>) -> Arc<str> {
    match (parent, &**child) {
        (_, "system" | "test") => child.clone(),
        ("" | "compile", _) => child.clone(),
        ("test" | "runtime", _) => parent.into(),
        ("system" | "provided", _) => "provided".into(),
        _ => "runtime".into(),
    }
}

fn widest<'a>(scopes: impl Iterator<Item = &'a Arc<str>>) -> Arc<str> {
    let mut scopes: BTreeSet<&str> = scopes.map(|scope| &**scope).collect();
    if scopes.len() > 1 {
        scopes.remove("system");
    }
    let one = match scopes.len() {
        1 => scopes.first().copied(),
        _ => ["compile", "runtime", "provided", "test"]
            .into_iter()
            .find(|scope| scopes.contains(scope)),
    };
    one.unwrap_or_default().into()
}
