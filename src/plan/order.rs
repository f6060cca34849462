//! The order of actions: a linear extension of the graph of needs and phases, in waves.

use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    action::{Edge, Gate},
    graph::Candidate,
    object::Object,
    rank::{is_last, rank},
};
use crate::render::DesiredPhase;

/// An order that keeps every edge.
#[derive(Debug)]
pub(super) struct Order {
    /// The edges that hold.
    pub edges: Vec<Edge>,
    /// For each edge whether its waiting may not be shortened.
    strong: Vec<bool>,
    /// For each phase the waves of its objects.
    pub waves: Vec<Vec<Vec<usize>>>,
    /// For each phase the phases it needs.
    pub depends_on: Vec<Vec<usize>>,
    /// For each object whether it goes after everything else of its phase.
    pub last: Vec<bool>,
    /// What is worth saying and stops nothing.
    pub warnings: Vec<Diagnostic>,
}

impl Order {
    /// A phase that doesn't wait for its objects makes nobody else wait for them either, save where
    /// the kind or an annotation needs it.
    pub(super) fn do_not_wait_where_phases_do_not(
        &mut self,
        objects: &[Object],
        phases: &[DesiredPhase],
    ) {
        for (edge, strong) in self.edges.iter_mut().zip(&self.strong) {
            let phase = objects
                .get(edge.before)
                .and_then(|object| phases.get(object.phase));
            if !strong && phase.is_some_and(|phase| !phase.wait) {
                edge.gate = Gate::Applied;
            }
        }
    }
}

/// Orders the objects of all phases. A loop that nothing can break is an error that names it.
pub(super) fn order(
    objects: &[Object],
    phases: &[DesiredPhase],
    mut candidates: Vec<Candidate>,
) -> Result<Order, Diagnostics> {
    let depends_on = phase_indices(phases)?;
    let ancestors = ancestors(phases, &depends_on)?;
    let mut warnings = Vec::new();
    let problems = against_phases(objects, phases, &ancestors, &mut candidates, &mut warnings);
    problems.into_result(())?;
    let last = last(objects, &candidates);
    loop {
        let graph = Graph::of(objects, &depends_on, &candidates, &last);
        let Some(loop_) = graph.find_loop() else {
            break;
        };
        let weak = candidates.iter().position(|candidate| {
            !candidate.strong && loop_.contains(candidate.edge.before, candidate.edge.after)
        });
        match weak {
            Some(at) => drop(candidates.swap_remove(at)),
            None => return Err(loop_.diagnostic(objects, phases).into()),
        }
    }
    let (edges, strong): (Vec<Edge>, Vec<bool>) = candidates
        .into_iter()
        .map(|candidate| (candidate.edge, candidate.strong))
        .unzip();
    let waves = waves(objects, phases.len(), &edges, &last);
    Ok(Order {
        edges,
        strong,
        waves,
        depends_on,
        last,
        warnings,
    })
}

/// Which objects go after everything else of their phase: those of such kinds that nothing needs.
fn last(objects: &[Object], candidates: &[Candidate]) -> Vec<bool> {
    let mut last: Vec<bool> = objects
        .iter()
        .map(|object| is_last(&object.target.resource.kind))
        .collect();
    for candidate in candidates.iter().filter(|candidate| candidate.strong) {
        if let Some(last) = last.get_mut(candidate.edge.before) {
            *last = false;
        }
    }
    last
}

fn phase_indices(phases: &[DesiredPhase]) -> Result<Vec<Vec<usize>>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut all = Vec::with_capacity(phases.len());
    for phase in phases {
        let mut indices = Vec::new();
        for name in &phase.depends_on {
            match phases.iter().position(|other| other.name == *name) {
                Some(at) => indices.push(at),
                None => problems.push(Diagnostic::error(
                    "plan/phase",
                    format!(
                        "phase `{}` depends on `{name}`, which there is none of",
                        phase.name
                    ),
                )),
            }
        }
        all.push(indices);
    }
    problems.into_result(all)
}

/// For each phase all phases that are done before it starts.
fn ancestors(
    phases: &[DesiredPhase],
    depends_on: &[Vec<usize>],
) -> Result<Vec<Vec<bool>>, Diagnostics> {
    let mut all = Vec::with_capacity(phases.len());
    for (start, phase) in phases.iter().enumerate() {
        let mut seen = vec![false; phases.len()];
        let mut open = depends_on.get(start).cloned().unwrap_or_default();
        while let Some(at) = open.pop() {
            if at == start {
                let message = format!("phase `{}` depends on itself", phase.name);
                return Err(Diagnostic::error("plan/phase-loop", message)
                    .help("remove one `dependsOn` of the loop")
                    .into());
            }
            match seen.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(depends_on.get(at).into_iter().flatten());
        }
        all.push(seen);
    }
    Ok(all)
}

/// Takes out the edges that the order of phases decides: those it implies, and those it makes
/// impossible, which are errors where an object cannot exist without the other.
fn against_phases(
    objects: &[Object],
    phases: &[DesiredPhase],
    ancestors: &[Vec<bool>],
    candidates: &mut Vec<Candidate>,
    warnings: &mut Vec<Diagnostic>,
) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let goes_before = |first: usize, then: usize| {
        ancestors
            .get(then)
            .and_then(|all| all.get(first))
            .copied()
            .unwrap_or_default()
    };
    candidates.retain(|Candidate { edge, strong }| {
        let (Some(before), Some(after)) = (objects.get(edge.before), objects.get(edge.after))
        else {
            return false;
        };
        if goes_before(before.phase, after.phase) {
            // A phase may be over before all its objects are healthy.
            return *strong && edge.gate == Gate::Healthy;
        }
        if !goes_before(after.phase, before.phase) {
            return true;
        }
        let name = |at: usize| {
            phases
                .get(at)
                .map(|phase| phase.name.as_str())
                .unwrap_or_default()
        };
        let message = format!(
            "`{}` in phase `{}` needs `{}` ({}), which comes only later, in phase `{}`",
            after.id(),
            name(after.phase),
            before.id(),
            edge.why,
            name(before.phase)
        );
        let help = format!(
            "move one of the two, or change `dependsOn` of `{}`",
            name(after.phase)
        );
        if *strong {
            problems.push(after.error("plan/phase-order", message).help(help));
        } else {
            warnings.push(after.warning("plan/phase-order", message).help(help));
        }
        false
    });
    problems
}

/// Objects and, after them, the start and the end of each phase and the point where its last objects
/// may start.
struct Graph {
    objects: usize,
    nodes: usize,
    /// Which node needs which.
    needs: Lists,
    /// Which node is needed by which.
    dependents: Lists,
}

impl Graph {
    fn of(
        objects: &[Object],
        depends_on: &[Vec<usize>],
        candidates: &[Candidate],
        lasts: &[bool],
    ) -> Self {
        let count = objects.len();
        let (start, last, end) = (
            |p: usize| count + 3 * p,
            |p: usize| count + 3 * p + 1,
            |p: usize| count + 3 * p + 2,
        );
        let mut needs = Vec::with_capacity(2 * count + candidates.len() + 3 * depends_on.len());
        for (phase, others) in depends_on.iter().enumerate() {
            needs.extend(others.iter().map(|other| (start(phase), end(*other))));
            needs.push((last(phase), start(phase)));
            needs.push((end(phase), last(phase)));
        }
        for (at, (object, is_last)) in objects.iter().zip(lasts).enumerate() {
            let (from, to) = if *is_last {
                (last(object.phase), end(object.phase))
            } else {
                (start(object.phase), last(object.phase))
            };
            needs.push((at, from));
            needs.push((to, at));
        }
        let edges = candidates.iter().map(|candidate| &candidate.edge);
        needs.extend(edges.map(|edge| (edge.after, edge.before)));
        let nodes = count + 3 * depends_on.len();
        let dependents = Lists::of(nodes, needs.iter().map(|(node, need)| (*need, *node)));
        Self {
            objects: count,
            nodes,
            needs: Lists::of(nodes, needs.iter().copied()),
            dependents,
        }
    }

    /// A loop, if there is one. Every node that waits for one in a loop is walked back along its
    /// needs until a node comes up again.
    fn find_loop(&self) -> Option<Loop> {
        let mut missing: Vec<usize> = (0..self.nodes).map(|node| self.needs.len(node)).collect();
        self.dependents.release(&mut missing, |_, _| {});
        let is_stuck = |node: &usize| missing.get(*node).is_some_and(|count| *count > 0);
        let mut node = (0..self.nodes).find(|node| is_stuck(node))?;
        let mut way = Vec::new();
        while !way.contains(&node) {
            way.push(node);
            let needs = self.needs.of_node(node);
            node = needs.iter().copied().find(|need| is_stuck(need))?;
        }
        let start = way.iter().position(|other| *other == node)?;
        Some(Loop {
            nodes: way.split_off(start),
            objects: self.objects,
        })
    }
}

/// Nodes of which each needs the next, and the last the first.
struct Loop {
    nodes: Vec<usize>,
    objects: usize,
}

impl Loop {
    fn contains(&self, before: usize, after: usize) -> bool {
        let place = self.nodes.iter().position(|node| *node == after);
        place.is_some_and(|place| {
            let next = self.nodes.get(place + 1).or_else(|| self.nodes.first());
            next == Some(&before)
        })
    }

    fn diagnostic(&self, objects: &[Object], phases: &[DesiredPhase]) -> Diagnostic {
        let mut names: Vec<String> = Vec::new();
        for node in &self.nodes {
            let name = if let Some(object) = objects.get(*node) {
                format!("`{}`", object.id())
            } else {
                let phase = phases.get((node - self.objects) / 3);
                format!(
                    "phase `{}`",
                    phase.map(|phase| phase.name.as_str()).unwrap_or_default()
                )
            };
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        names.extend(names.first().cloned());
        let mut diagnostic = Diagnostic::error(
            "plan/loop",
            format!("objects need one another in a loop: {}", names.join(" → ")),
        )
        .help("remove one `config.kubernetes.io/depends-on` or `dependsOn` of the loop");
        for object in self.nodes.iter().filter_map(|node| objects.get(*node)) {
            diagnostic =
                diagnostic.label(object.origin.location.clone(), format!("`{}`", object.id()));
        }
        diagnostic
    }
}

/// The waves of each phase: what needs nothing of its phase, then what needs only that, and so on.
fn waves(objects: &[Object], phases: usize, edges: &[Edge], last: &[bool]) -> Vec<Vec<Vec<usize>>> {
    let levels = levels(objects, edges);
    let mut deepest = vec![0; phases];
    for ((object, level), last) in objects.iter().zip(&levels).zip(last) {
        if let Some(deepest) = deepest.get_mut(object.phase)
            && !last
        {
            *deepest = (*deepest).max(level + 1);
        }
    }
    let mut waves: Vec<Vec<Vec<usize>>> = vec![Vec::new(); phases];
    for (at, ((object, level), last)) in objects.iter().zip(&levels).zip(last).enumerate() {
        let first_last = deepest.get(object.phase).copied().unwrap_or_default();
        let level = if *last { first_last + level } else { *level };
        let Some(phase) = waves.get_mut(object.phase) else {
            continue;
        };
        if phase.len() <= level {
            phase.resize(level + 1, Vec::new());
        }
        if let Some(wave) = phase.get_mut(level) {
            wave.push(at);
        }
    }
    for phase in &mut waves {
        phase.retain(|wave| !wave.is_empty());
        for wave in phase {
            wave.sort_by_cached_key(|at| objects.get(*at).map(sort_key));
        }
    }
    waves
}

/// Where the graph leaves the order open, kind, namespace and name decide.
fn sort_key(object: &Object) -> (usize, &str, &str, &str) {
    let target = &object.target;
    let kind = target.resource.kind.as_str();
    (rank(kind), kind, &target.namespace, &target.name)
}

/// The length of the longest chain of needs inside its phase that leads to each object.
fn levels(objects: &[Object], edges: &[Edge]) -> Vec<usize> {
    let phase = |at: usize| objects.get(at).map(|object| object.phase);
    let inside = edges
        .iter()
        .filter(|edge| phase(edge.before) == phase(edge.after));
    let mut missing = vec![0_usize; objects.len()];
    for edge in inside.clone() {
        if let Some(count) = missing.get_mut(edge.after) {
            *count += 1;
        }
    }
    let dependents = Lists::of(objects.len(), inside.map(|edge| (edge.before, edge.after)));
    let mut levels = vec![0_usize; objects.len()];
    dependents.release(&mut missing, |at, other| {
        let level = levels.get(at).copied().unwrap_or_default() + 1;
        if let Some(own) = levels.get_mut(other) {
            *own = (*own).max(level);
        }
    });
    levels
}

/// For each node a list of others, all in one piece of memory.
struct Lists {
    /// Where the list of each node begins, and the end of the last.
    starts: Vec<usize>,
    others: Vec<usize>,
}

impl Lists {
    /// From pairs of a node and another one of its list, which keep their order.
    fn of(nodes: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0_usize; nodes + 1];
        for (node, _) in pairs.clone() {
            if let Some(count) = starts.get_mut(node + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut others = vec![0_usize; sum];
        for (node, other) in pairs {
            if let Some(next) = next.get_mut(node)
                && let Some(slot) = others.get_mut(*next)
            {
                *slot = other;
                *next += 1;
            }
        }
        Self { starts, others }
    }

    fn of_node(&self, node: usize) -> &[usize] {
        let at = |node: usize| self.starts.get(node).copied().unwrap_or_default();
        self.others.get(at(node)..at(node + 1)).unwrap_or_default()
    }

    fn len(&self, node: usize) -> usize {
        self.of_node(node).len()
    }

    /// Takes the nodes that miss nothing, one by one, and from each of their lists what it missed of them, until no
    /// such node is left; `each` is told of both. What still misses something then is in a loop or behind one.
    fn release(&self, missing: &mut [usize], mut each: impl FnMut(usize, usize)) {
        let mut free: Vec<usize> = (0..missing.len())
            .filter(|node| missing.get(*node) == Some(&0))
            .collect();
        while let Some(node) = free.pop() {
            for other in self.of_node(node) {
                each(node, *other);
                if let Some(count) = missing.get_mut(*other) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(*other);
                    }
                }
            }
        }
    }
}
