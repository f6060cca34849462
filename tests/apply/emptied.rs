//! Lists and maps of custom resources that Git empties or drops.

use serde_json::Value;

use crate::harness::{World, json, on_every_server, outline};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const CRD: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: racks.TAG.demo.dev}
spec:
  group: TAG.demo.dev
  names: {kind: Rack, plural: racks}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                slots:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: {type: object, required: [name], properties: {name: {type: string}, unit: {type: integer}}}
                tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                plain: {type: array, items: {type: string}}
                words: {type: object, additionalProperties: {type: string}}
                deep:
                  type: object
                  properties:
                    slots:
                      type: array
                      x-kubernetes-list-type: map
                      x-kubernetes-list-map-keys: [name]
                      items: {type: object, required: [name], properties: {name: {type: string}}}
";
const RACK: &str = "TAG.demo.dev/v1 Rack TAG/rack";

fn rack(spec: &str) -> String {
    format!(
        "---\napiVersion: TAG.demo.dev/v1\nkind: Rack\nmetadata: {{name: rack, namespace: TAG}}\nspec: {spec}\n"
    )
}

async fn spec(world: &World) -> Value {
    let live = world.live(RACK).await.unwrap();
    live.value()["spec"].clone()
}

/// Whether two specs say the same to a server, to which an empty list may be as good as none.
fn plain(spec: &Value) -> Value {
    let Value::Object(fields) = spec else {
        return spec.clone();
    };
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let fields = fields
        .iter()
        .map(|(key, value)| (key.clone(), plain(value)));
    fields.filter(|(_, value)| !is_empty(value)).collect()
}

#[test]
fn what_git_empties_or_drops_of_a_custom_resource_is_emptied() {
    const FULL: &str = "{slots: [{name: a, unit: 1}, {name: b}], tags: [x, q], plain: [p], words: {k: v}, deep: {slots: [{name: c}]}}";
    on_every_server(async |world| {
        let ground = NAMESPACE.to_owned() + CRD;
        for next in [
            "{slots: [], tags: [x, q], plain: [p], words: {k: v}}",
            "{slots: [{name: a, unit: 1}], tags: [], plain: [], words: {}}",
            "{slots: [], tags: [], plain: [], words: {}, deep: {slots: []}}",
            "{slots: [{name: b}], tags: [q], deep: {}}",
            "{tags: [x]}",
            "{}",
        ] {
            world
                .converge(&[("pre", &ground), ("app", &rack(FULL))])
                .await;
            let wanted = rack(next);
            let phases = [("pre", ground.as_str()), ("app", wanted.as_str())];
            let plan = world.plan(&phases).await.unwrap();
            let blocked = plan
                .actions
                .iter()
                .find_map(|action| action.blocked.as_ref());
            assert!(
                blocked.is_none(),
                "{next} on {}: {}",
                world.server,
                blocked.unwrap()
            );
            assert_ne!(outline(&plan), "", "{next} on {}", world.server);
            let report = world.converge(&phases).await;
            assert_eq!(
                report.counts.configured, 1,
                "{next} on {}:\n{report}",
                world.server
            );
            let desired = world.desired(&[("app", &wanted)]);
            let expected = plain(&json(&desired.phases[0].manifests[0].doc)["spec"]);
            assert_eq!(
                plain(&spec(&world).await),
                expected,
                "{next} on {}",
                world.server
            );
            world.writes();
            world.converge(&phases).await;
            assert_eq!(world.writes(), [""; 0], "{next} on {}", world.server);
        }
    });
}

#[test]
fn items_of_others_stay_in_a_list_that_git_empties() {
    on_every_server(async |world| {
        let ground = NAMESPACE.to_owned() + CRD;
        let full = rack("{slots: [{name: a}], tags: [x]}");
        world.converge(&[("pre", &ground), ("app", &full)]).await;
        let theirs = rack("{slots: [{name: z}], tags: [zz]}")
            .trim_start_matches("---\n")
            .to_owned();
        world.apply_as("other", &theirs).await;
        let phases = [
            ("pre", ground.as_str()),
            ("app", &*rack("{slots: [], tags: []}")),
        ];
        world.converge(&phases).await;
        assert_eq!(
            spec(&world).await,
            serde_json::json!({"slots": [{"name": "z"}], "tags": ["zz"]}),
            "on {}",
            world.server
        );
        world.writes();
        world.converge(&phases).await;
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}
