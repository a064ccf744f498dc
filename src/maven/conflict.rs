//! Which nodes stand for the same thing, and in which order they are decided.
//!
//! Nodes of one key are in conflict, whatever their versions; a relocation makes
//! one of two keys. A conflict is decided after all that may lie above it, so
//! that what a loser needs no longer counts: the keys are sorted topologically.
//! Where they form a circle, the one nearest to the root comes first.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::Key;
use super::collect::{Collected, NodeId};

/// A conflict: index of a group of keys.
pub(super) type ConflictId = usize;

/// All conflicts.
pub(super) struct Conflicts {
    /// The conflict of each node.
    pub of: Vec<ConflictId>,
    /// Decided in this order.
    pub sorted: Vec<ConflictId>,
    /// Circles of conflicts.
    pub cycles: Vec<BTreeSet<ConflictId>>,
}

impl Conflicts {
    pub fn of(graph: &Collected) -> Conflicts {
        let of = groups(graph);
        let (ids, order) = relations(graph, &of);
        let mut sorter = Sorter { ids, order };
        let sorted = sorter.sort();
        let cycles = match sorted.1 {
            true => sorter.cycles(),
            false => Vec::new(),
        };
        Conflicts {
            of,
            sorted: sorted.0,
            cycles,
        }
    }
}

/// Numbers the groups of keys, in the order in which the graph is walked.
fn groups(graph: &Collected) -> Vec<ConflictId> {
    struct Group {
        keys: HashSet<Arc<Key>>,
        index: usize,
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut of_key: HashMap<Arc<Key>, usize> = HashMap::new();
    walk(graph, |id| {
        let node = &graph.nodes[id];
        let mut keys: HashSet<Arc<Key>> = node.moved_from.iter().cloned().collect();
        keys.insert(node.key.clone());
        let mut met: Vec<usize> = keys
            .iter()
            .filter_map(|key| of_key.get(key).copied())
            .collect();
        met.sort_unstable();
        met.dedup();
        if let [one] = met[..]
            && keys.is_subset(&groups[one].keys)
        {
            return;
        }
        for group in met {
            keys.extend(groups[group].keys.iter().cloned());
        }
        let index = groups.len();
        for key in &keys {
            of_key.insert(key.clone(), index);
        }
        groups.push(Group { keys, index });
    });
    let of = |node: &super::collect::Node| groups[of_key[&node.key]].index;
    graph.nodes.iter().map(of).collect()
}

/// Calls `visit` for each node once, parents first.
fn walk(graph: &Collected, mut visit: impl FnMut(NodeId)) {
    let mut seen = vec![false; graph.nodes.len()];
    let mut stack: Vec<NodeId> = graph.lists[0].iter().rev().copied().collect();
    while let Some(id) = stack.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        visit(id);
        stack.extend(graph.lists[graph.nodes[id].list].iter().rev());
    }
}

struct Id {
    below: Vec<ConflictId>,
    above: usize,
    depth: usize,
}

/// What lies below what, each conflict with its smallest depth, and the
/// conflicts in the order in which they were met.
fn relations(graph: &Collected, of: &[ConflictId]) -> (HashMap<ConflictId, Id>, Vec<ConflictId>) {
    let mut ids: HashMap<ConflictId, Id> = HashMap::new();
    let mut order = Vec::new();
    let mut edges: HashSet<(ConflictId, ConflictId)> = HashSet::new();
    let mut seen = vec![false; graph.nodes.len()];
    // Node, position in its children, depth of the children.
    let mut stack: Vec<(Option<NodeId>, usize, usize)> = vec![(None, 0, 1)];
    while let Some((node, at, depth)) = stack.pop() {
        let list = node.map_or(0, |node| graph.nodes[node].list);
        let Some(child) = graph.lists[list].get(at).copied() else {
            continue;
        };
        stack.push((node, at + 1, depth));
        let conflict = of[child];
        match ids.get(&conflict) {
            None => {
                order.push(conflict);
                ids.insert(
                    conflict,
                    Id {
                        below: Vec::new(),
                        above: 0,
                        depth,
                    },
                );
            }
            Some(_) => pull_up(&mut ids, conflict, depth),
        }
        if let Some(parent) = node.map(|node| of[node]) {
            let below = &mut ids.entry(parent).or_insert(Id {
                below: Vec::new(),
                above: 0,
                depth,
            });
            if edges.insert((parent, conflict)) {
                below.below.push(conflict);
                if let Some(id) = ids.get_mut(&conflict) {
                    id.above += 1;
                }
            }
        }
        if !std::mem::replace(&mut seen[child], true) {
            stack.push((Some(child), 0, depth + 1));
        }
    }
    (ids, order)
}

fn pull_up(ids: &mut HashMap<ConflictId, Id>, conflict: ConflictId, depth: usize) {
    let mut work = vec![(conflict, depth)];
    while let Some((conflict, depth)) = work.pop() {
        if let Some(id) = ids.get_mut(&conflict)
            && depth < id.depth
        {
            id.depth = depth;
            work.extend(id.below.iter().map(|below| (*below, depth + 1)));
        }
    }
}

struct Sorter {
    ids: HashMap<ConflictId, Id>,
    order: Vec<ConflictId>,
}

impl Sorter {
    /// The order, and whether there are circles.
    fn sort(&mut self) -> (Vec<ConflictId>, bool) {
        let mut above: HashMap<ConflictId, usize> =
            self.ids.iter().map(|(id, one)| (*id, one.above)).collect();
        let mut sorted = Vec::with_capacity(self.order.len());
        let mut queue: Vec<ConflictId> = Vec::new();
        for id in &self.order {
            if above[id] == 0 {
                self.enqueue(&mut queue, *id);
            }
        }
        self.drain(&mut queue, &mut above, &mut sorted);
        let cyclic = sorted.len() < self.order.len();
        while sorted.len() < self.order.len() {
            let mut nearest: Option<ConflictId> = None;
            for id in self.order.iter().filter(|id| above[id] > 0) {
                let better = nearest.is_none_or(|nearest| {
                    let (one, other) = (self.ids[id].depth, self.ids[&nearest].depth);
                    one < other || (one == other && above[id] < above[&nearest])
                });
                if better {
                    nearest = Some(*id);
                }
            }
            let Some(nearest) = nearest else { break };
            above.insert(nearest, 0);
            queue.push(nearest);
            self.drain(&mut queue, &mut above, &mut sorted);
        }
        (sorted, cyclic)
    }

    /// The nearest come first; of equals the first.
    fn enqueue(&self, queue: &mut Vec<ConflictId>, id: ConflictId) {
        let depth = self.ids[&id].depth;
        let at = queue.partition_point(|other| self.ids[other].depth <= depth);
        queue.insert(at, id);
    }

    fn drain(
        &self,
        queue: &mut Vec<ConflictId>,
        above: &mut HashMap<ConflictId, usize>,
        sorted: &mut Vec<ConflictId>,
    ) {
        while !queue.is_empty() {
            let id = queue.remove(0);
            sorted.push(id);
            let mut below = self.ids[&id].below.clone();
            in_hash_order(&mut below);
            for child in below {
                // One that was put first to break a circle is past counting.
                let Some(count) = above.get_mut(&child).filter(|count| **count > 0) else {
                    continue;
                };
                *count -= 1;
                if *count == 0 {
                    self.enqueue(queue, child);
                }
            }
        }
    }

    fn cycles(&self) -> Vec<BTreeSet<ConflictId>> {
        let mut found: BTreeSet<BTreeSet<ConflictId>> = BTreeSet::new();
        let mut visited: HashSet<ConflictId> = HashSet::new();
        for start in &self.order {
            if visited.contains(start) {
                continue;
            }
            let mut path: Vec<ConflictId> = Vec::new();
            // Each on the way, with those below it that are still to be walked.
            let mut stack: Vec<std::vec::IntoIter<ConflictId>> = vec![vec![*start].into_iter()];
            while let Some(next) = stack.last_mut().map(Iterator::next) {
                let Some(id) = next else {
                    stack.pop();
                    path.pop();
                    continue;
                };
                if let Some(begin) = path.iter().position(|one| *one == id) {
                    found.insert(path[begin..].iter().copied().collect());
                } else if visited.insert(id) {
                    path.push(id);
                    let mut below = self.ids[&id].below.clone();
                    in_hash_order(&mut below);
                    stack.push(below.into_iter());
                }
            }
        }
        found.into_iter().collect()
    }
}

/// The order in which Maven's resolver meets the keys below a key, which are in
/// a hash table there: by their number modulo the table's size. It shows only
/// where circles leave a choice.
fn in_hash_order(ids: &mut [ConflictId]) {
    let mut size = 16;
    while ids.len() * 4 > size * 3 {
        size *= 2;
    }
    ids.sort_by_key(|id| (id ^ (id >> 16)) & (size - 1));
}
