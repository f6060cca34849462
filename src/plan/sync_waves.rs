//! The order that objects name by a number: waves of Argo CD, and hooks of Helm and their weights.
//!
//! Numbers order the objects of one phase, where at least one of them has one. They yield to what the
//! objects say of one another: no number can put an object before its namespace.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    action::{Edge, Gate},
    graph::Candidate,
    object::Object,
    view::View,
};

const WAVE: &str = "argocd.argoproj.io/sync-wave";
const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
const HELM_HOOK: &str = "helm.sh/hook";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
/// The annotations that name a place in the order.
pub(super) const ANNOTATIONS: [&str; 4] = [WAVE, ARGO_HOOK, HELM_HOOK, HELM_WEIGHT];
/// From how many edges between two waves on one object stands for its wave.
const MOST: usize = 4_000;

/// The place that an object's annotations give it: before, among or after the others of its phase, and
/// the number there. None without such an annotation.
fn place(object: &Object) -> Option<(i8, i64)> {
    if !object.is_ordered {
        return None;
    }
    let annotations = object.root().at(&["metadata", "annotations"])?;
    let text = |key: &str| annotations.get(key).and_then(View::text);
    let hooks = text(HELM_HOOK).or_else(|| text(ARGO_HOOK));
    let number = text(HELM_WEIGHT).or_else(|| text(WAVE));
    if hooks.is_none() && number.is_none() {
        return None;
    }
    let is_any = |names: &[&str]| {
        let mut words = hooks.unwrap_or_default().split(',').map(str::trim);
        words.any(|word| names.contains(&word))
    };
    let stage = if is_any(&["pre-install", "pre-upgrade", "PreSync"]) {
        -1
    } else {
        i8::from(is_any(&["post-install", "post-upgrade", "PostSync"]))
    };
    // What is no number counts as none, as with both tools.
    let number = number.and_then(|number| number.trim().parse().ok());
    Some((stage, number.unwrap_or_default()))
}

/// The edges between the waves of each phase.
pub(super) fn edges(objects: &[Object]) -> Vec<Candidate> {
    let places: Vec<Option<(i8, i64)>> = objects.iter().map(place).collect();
    if places.iter().all(Option::is_none) {
        return Vec::new();
    }
    let mut phases: BTreeMap<usize, BTreeMap<(i8, i64), Vec<usize>>> = BTreeMap::new();
    for (at, (object, place)) in objects.iter().zip(places).enumerate() {
        let waves = phases.entry(object.phase).or_default();
        waves.entry(place.unwrap_or_default()).or_default().push(at);
    }
    let mut found = Vec::new();
    for waves in phases.values() {
        for (one, next) in waves.values().zip(waves.values().skip(1)) {
            between(one, next, &mut found);
        }
    }
    found
}

/// Everything of one wave before everything of the next.
fn between(one: &[usize], next: &[usize], found: &mut Vec<Candidate>) {
    let mut need = |before: &usize, after: &usize, gate| {
        let (before, after) = (*before, *after);
        let edge = Edge {
            before,
            after,
            gate,
            why: Cow::Borrowed("its wave comes first"),
        };
        let strong = false;
        found.push(Candidate { edge, strong });
    };
    let is_small = one.len().saturating_mul(next.len()) <= MOST;
    for before in one {
        let direct = if is_small {
            next
        } else {
            next.get(..1).unwrap_or_default()
        };
        for after in direct {
            need(before, after, Gate::Healthy);
        }
    }
    if let ([first, others @ ..], false) = (next, is_small) {
        for after in others {
            need(first, after, Gate::Applied);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::world::plan;

    fn map(name: &str, annotations: &str) -> String {
        format!(
            "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: n, annotations: {{{annotations}}}}}}}\n"
        )
    }

    fn order(objects: &[String]) -> Vec<String> {
        let plan = plan(&[("all", &objects.concat())]).unwrap();
        let waves = plan.phases[0].waves.iter().flatten();
        waves
            .map(|at| plan.actions[*at].target.name.clone())
            .collect()
    }

    #[test]
    fn waves_hooks_and_weights_order_the_objects_of_a_phase() {
        let wave = |number: &str| format!("argocd.argoproj.io/sync-wave: \"{number}\"");
        let hook = |hook: &str, weight: &str| {
            format!("helm.sh/hook: \"{hook}\", helm.sh/hook-weight: \"{weight}\"")
        };
        for (objects, expected) in [
            (
                vec![map("c", &wave("2")), map("a", &wave("-1")), map("b", "")],
                vec!["a", "b", "c"],
            ),
            (
                vec![
                    map("d", &hook("post-install,post-upgrade", "-5")),
                    map("c", ""),
                    map("b", &hook("pre-install", "10")),
                    map("a", &hook("pre-install", "-10")),
                ],
                vec!["a", "b", "c", "d"],
            ),
            (
                vec![map("b", "argocd.argoproj.io/hook: PostSync"), map("z", "")],
                vec!["z", "b"],
            ),
            // What is no number is none.
            (vec![map("b", &wave("x")), map("a", "")], vec!["a", "b"]),
        ] {
            assert_eq!(order(&objects), expected);
        }
    }

    #[test]
    fn no_wave_puts_an_object_before_its_namespace() {
        let namespace = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: n}}\n".to_owned();
        let early = map("a", "argocd.argoproj.io/sync-wave: \"-5\"");
        assert_eq!(order(&[early, namespace]), ["n", "a"]);
    }

    #[test]
    fn many_objects_in_two_waves_need_few_edges() {
        let wave = |number: usize| format!("argocd.argoproj.io/sync-wave: \"{number}\"");
        let objects: Vec<String> = (0..400)
            .map(|at| map(&format!("c{at:03}"), &wave(1 - at % 2)))
            .collect();
        let text = objects.concat();
        let plan = plan(&[("all", &text)]).unwrap();
        assert!(plan.edges.len() < 500, "{}", plan.edges.len());
        let waves = &plan.phases[0].waves;
        assert_eq!(waves[0].len(), 200);
    }
}
