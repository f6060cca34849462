//! Which node of a plan may start: pure bookkeeping of needs, apart from all requests.
//!
//! A node is an action, or one of three points of a phase: its start, the point where its last
//! objects may start, and its end. Nothing here knows what an action does.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use crate::plan::{Gate, Plan};

/// A node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// An action, by its index.
    Action(usize),
    /// A phase begins.
    Start(usize),
    /// Everything of a phase but its last objects is applied.
    Last(usize),
    /// A phase is over.
    End(usize),
}

/// One node waits for another.
#[derive(Clone, Copy, Debug)]
struct Dependent {
    node: usize,
    gate: Gate,
    /// Whether the failure of the one is the end of the other.
    binding: bool,
}

/// What has to happen before each node, and what already has.
#[derive(Debug)]
pub(super) struct Nodes {
    actions: usize,
    missing: Vec<usize>,
    dependents: Vec<Vec<Dependent>>,
    over: Vec<bool>,
    /// Ready nodes by their place in the plan.
    ready: BinaryHeap<Reverse<(usize, usize)>>,
    places: Vec<usize>,
}

impl Nodes {
    pub(super) fn of(plan: &Plan) -> Self {
        let actions = plan.actions.len();
        let count = actions + 3 * plan.phases.len();
        let mut nodes = Self {
            actions,
            missing: vec![0; count],
            dependents: vec![Vec::new(); count],
            over: vec![false; count],
            ready: BinaryHeap::new(),
            places: places(plan, count),
        };
        for (phase, planned) in plan.phases.iter().enumerate() {
            let [start, last, end] = [Node::Start(phase), Node::Last(phase), Node::End(phase)];
            for other in &planned.depends_on {
                nodes.need(start, Node::End(*other), Gate::Healthy, true);
            }
            nodes.need(last, start, Gate::Applied, true);
            nodes.need(end, last, Gate::Applied, false);
        }
        for (at, action) in plan.actions.iter().enumerate() {
            let phase = action.phase;
            let wait = plan.phases.get(phase).is_some_and(|phase| phase.wait);
            let gate = if wait { Gate::Healthy } else { Gate::Applied };
            let action_node = Node::Action(at);
            if action.last {
                nodes.need(action_node, Node::Last(phase), Gate::Applied, true);
            } else {
                nodes.need(action_node, Node::Start(phase), Gate::Applied, true);
                nodes.need(Node::Last(phase), action_node, Gate::Applied, false);
            }
            nodes.need(Node::End(phase), action_node, gate, false);
        }
        for edge in &plan.edges {
            nodes.need(
                Node::Action(edge.after),
                Node::Action(edge.before),
                edge.gate,
                true,
            );
        }
        for node in 0..count {
            nodes.start_if_free(node);
        }
        nodes
    }

    fn index(&self, node: Node) -> usize {
        match node {
            Node::Action(at) => at,
            Node::Start(phase) => self.actions + 3 * phase,
            Node::Last(phase) => self.actions + 3 * phase + 1,
            Node::End(phase) => self.actions + 3 * phase + 2,
        }
    }

    fn node(&self, index: usize) -> Node {
        match index.checked_sub(self.actions) {
            None => Node::Action(index),
            Some(rest) => match rest % 3 {
                0 => Node::Start(rest / 3),
                1 => Node::Last(rest / 3),
                _ => Node::End(rest / 3),
            },
        }
    }

    fn need(&mut self, node: Node, other: Node, gate: Gate, binding: bool) {
        let (node, other) = (self.index(node), self.index(other));
        if let (Some(missing), Some(dependents)) =
            (self.missing.get_mut(node), self.dependents.get_mut(other))
        {
            *missing += 1;
            dependents.push(Dependent {
                node,
                gate,
                binding,
            });
        }
    }

    fn start_if_free(&mut self, node: usize) {
        let is_free = self.missing.get(node) == Some(&0) && self.over.get(node) == Some(&false);
        if is_free {
            let place = self.places.get(node).copied().unwrap_or_default();
            self.ready.push(Reverse((place, node)));
        }
    }

    /// The next node that may start, the first one in the plan's order: a point of a phase, or, where
    /// they are wanted, too, an action.
    pub(super) fn next(&mut self, actions_too: bool) -> Option<Node> {
        // Points of phases have the first place of all, so that no action hides one.
        let Reverse((_, index)) = *self.ready.peek()?;
        let node = self.node(index);
        if matches!(node, Node::Action(_)) && !actions_too {
            return None;
        }
        self.ready.pop();
        Some(node)
    }

    /// Whether something waits for an object to be healthy.
    pub(super) fn wants_health(&self, node: Node) -> bool {
        let dependents = self.dependents.get(self.index(node));
        dependents.is_some_and(|all| all.iter().any(|dependent| dependent.gate == Gate::Healthy))
    }

    /// A gate of a node is passed.
    pub(super) fn pass(&mut self, node: Node, gate: Gate) {
        let index = self.index(node);
        let open: Vec<usize> = self
            .dependents
            .get(index)
            .into_iter()
            .flatten()
            .filter(|dependent| dependent.gate == gate)
            .map(|dependent| dependent.node)
            .collect();
        for dependent in open {
            self.one_less(dependent);
        }
    }

    fn one_less(&mut self, node: usize) {
        if let Some(missing) = self.missing.get_mut(node) {
            *missing = missing.saturating_sub(1);
        }
        self.start_if_free(node);
    }

    /// A node failed before it passed `gates`. Gives the nodes that will never start because of it, in
    /// the order in which they were found, each with the node it waited for.
    pub(super) fn fail(&mut self, node: Node, gates: &[Gate]) -> Vec<(Node, Node)> {
        let mut skipped = Vec::new();
        let mut open = vec![(self.index(node), gates.to_vec())];
        while let Some((index, gates)) = open.pop() {
            let dependents = self.dependents.get(index).cloned().unwrap_or_default();
            for dependent in dependents
                .iter()
                .filter(|dependent| gates.contains(&dependent.gate))
            {
                if !dependent.binding {
                    self.one_less(dependent.node);
                    continue;
                }
                match self.over.get_mut(dependent.node) {
                    Some(over) if !*over => *over = true,
                    _ => continue,
                }
                skipped.push((self.node(dependent.node), self.node(index)));
                open.push((dependent.node, vec![Gate::Applied, Gate::Healthy]));
            }
        }
        skipped
    }
}

/// The place of each node: that of its wave.
fn places(plan: &Plan, count: usize) -> Vec<usize> {
    let mut places = vec![0; count];
    let mut by_action = HashMap::new();
    let waves = plan
        .phases
        .iter()
        .flat_map(|phase| phase.waves.iter().flatten());
    for (place, action) in waves.enumerate() {
        by_action.insert(*action, place + 1);
    }
    for (node, place) in places.iter_mut().enumerate() {
        // Points of phases cost nothing and go first.
        *place = by_action.get(&node).copied().unwrap_or_default();
    }
    places
}
