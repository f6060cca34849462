//! Laws of every run, on random sets: after an apply the plan is empty, and nothing that is not ours is
//! touched. `TRUEUP_LAWS_SEED` and `TRUEUP_LAWS_RUNS` ask for others or more.

use std::collections::BTreeSet;

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
/// Whose objects stand beside ours: nobody's, another tool's set, and one that looks like ours.
const OTHERS: [&str; 3] = [
    "",
    "applyset.kubernetes.io/part-of: applyset-other-v1",
    "app: ours",
];
const NAMES: u64 = 6;

/// A small generator of numbers: the same ones for the same seed.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn roll(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn asked(name: &str, otherwise: u64) -> u64 {
    let asked = std::env::var(name).ok();
    asked
        .and_then(|number| number.parse().ok())
        .unwrap_or(otherwise)
}

/// A random object of the set, by its number.
fn object(dice: &mut Dice, at: u64) -> String {
    let value = dice.roll(4);
    let name = format!("o{at}");
    match dice.roll(4) {
        0 => format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{v: \"{value}\", k{value}: x}}\n"
        ),
        1 => format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: TAG}}\nstringData: {{v: \"{value}\"}}\n"
        ),
        2 => format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: TAG}}\nspec: {{selector: {{app: a{value}}}, ports: [{{port: 8{value}}}]}}\n"
        ),
        _ => format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: TAG}}\nspec:\n  replicas: {value}\n  \
             selector: {{matchLabels: {{app: a}}}}\n  template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: c, image: i:{value}, env: [{{name: A, value: \"{value}\"}}]}}]}}}}\n"
        ),
    }
}

fn set(dice: &mut Dice) -> String {
    let mut text = NAMESPACE.to_owned();
    for at in 0..NAMES {
        if dice.roll(3) > 0 {
            text += &object(dice, at);
        }
    }
    text
}

/// Objects of others with names that ours have, too, in kinds that ours may not have just then.
async fn others(world: &World) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for (at, labels) in OTHERS.iter().enumerate() {
        let text = format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: other{at}, namespace: TAG, labels: {{{labels}}}}}, data: {{a: b}}}}"
        );
        let live = world.apply_as("somebody", &text).await;
        made.push((
            format!("v1 ConfigMap TAG/other{at}"),
            live.resource_version().to_owned(),
        ));
    }
    made
}

#[test]
fn after_any_run_the_plan_is_empty_and_what_is_not_ours_is_as_it_was() {
    let (seed, runs) = (asked("TRUEUP_LAWS_SEED", 5), asked("TRUEUP_LAWS_RUNS", 8));
    on_every_server(async |mut world| {
        world.policy.recreate = Vec::new();
        world.policy.deletion_budget = Some(trueup::config::reconcile::DeletionBudget {
            count: None,
            percent: Some(100),
        });
        let mut dice = Dice(seed);
        world.converge(&[("app", NAMESPACE)]).await;
        let others = others(&world).await;
        for run in 0..runs {
            let text = set(&mut dice);
            let phases = [("app", &*text)];
            world.converge(&phases).await;
            let about = format!("on {}, seed {seed}, run {run}:\n{text}", world.server);
            // A new process knows nothing, and finds nothing to do either.
            world.restart();
            let plan = world.plan(&phases).await.unwrap();
            assert!(plan.is_empty(), "{about}");
            for (words, version) in &others {
                let live = world
                    .live(words)
                    .await
                    .unwrap_or_else(|| panic!("{words} is gone {about}"));
                assert_eq!(live.resource_version(), version, "{words} {about}");
            }
            let wanted: BTreeSet<String> = plan
                .actions
                .iter()
                .map(|action| action.id().to_string())
                .collect();
            let owned = world.owned(&[
                "v1 ConfigMap",
                "v1 Secret",
                "v1 Service",
                "apps/v1 Deployment",
                "v1 Namespace",
            ]);
            assert_eq!(owned.await, wanted, "{about}");
        }
    });
}
