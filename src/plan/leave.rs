//! Leaves fields to the managers that own them, where the environment's policy is to do so.
//!
//! A field is contested when somebody else owns it and its live value is not ours. It is taken out of
//! what we apply, so that an autoscaler, say, keeps the replicas it set although Git names a number.

use serde_json::{Map, Value};
use trueup_yaml::NodeId;

use super::{
    compare::Reading,
    inventory::FIELD_MANAGER,
    object::Object,
    path::{Path, Trail},
    view::{Node, Shape, View},
};
use crate::cluster::Live;

impl Object {
    /// Takes the contested fields out of the object and notes their paths.
    pub fn leave_contested(&mut self, live: &Live) {
        let mut contested = Contested {
            found: Vec::new(),
            reading: self.reading(),
        };
        for fields in others(live) {
            contested.map(self.root(), live.value(), fields, &Trail::ROOT);
        }
        for (path, parent, key) in contested.found {
            if self.doc.remove(parent, &key).is_some() {
                self.left.push(path);
            }
        }
    }

    fn reading(&self) -> Reading {
        let root = self.root();
        Reading::of(root.text_at(&["apiVersion"]), root.text_at(&["kind"]))
    }
}

/// The fields of everybody else, without those of the status, which is written apart.
fn others(live: &Live) -> impl Iterator<Item = &Map<String, Value>> {
    let entries = live
        .at(&["metadata", "managedFields"])
        .and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        // An autoscaler writes through `scale`, and what it owns by that is a field of the object itself.
        let is_of_object = matches!(text("subresource"), "" | "scale");
        let is_other = text("manager") != FIELD_MANAGER && is_of_object;
        if is_other {
            entry.get("fieldsV1")?.as_object()
        } else {
            None
        }
    })
}

struct Contested {
    found: Vec<(Path, NodeId, String)>,
    reading: Reading,
}

impl Contested {
    fn map(
        &mut self,
        desired: Node<'_>,
        live: &Value,
        fields: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        for (field, children) in fields {
            let Some(key) = field.strip_prefix("f:") else {
                continue;
            };
            let (Some(value), Some(there)) = (desired.get(key), live.get(key)) else {
                continue;
            };
            let here = trail.key(key);
            let children = children.as_object();
            let is_leaf = children.is_none_or(|children| children.keys().all(|key| key == "."));
            match (value.shape(), children) {
                (Shape::Map, Some(children)) if !is_leaf => self.map(value, there, children, &here),
                (Shape::List, Some(children)) if !is_leaf => {
                    self.list(value, there, children, &here);
                }
                (Shape::Map, _) if value.len() == 0 => {}
                _ if self.reading.same(value, Some(there), &here) => {}
                _ => self
                    .found
                    .push((here.to_path(), desired.id(), key.to_owned())),
            }
        }
    }

    /// Only the fields of items can be contested: each manager adds items of its own.
    fn list(
        &mut self,
        desired: Node<'_>,
        live: &Value,
        items: &Map<String, Value>,
        trail: &Trail<'_>,
    ) {
        for (item, children) in items {
            let keys = item
                .strip_prefix("k:")
                .and_then(|keys| serde_json::from_str(keys).ok());
            let (Some(Value::Object(keys)), Some(children)) = (keys, children.as_object()) else {
                continue;
            };
            let ours = desired
                .items()
                .find(|item| super::compare::carries(*item, &keys));
            let theirs = live
                .items()
                .find(|item| super::compare::carries(*item, &keys));
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                self.map(ours, theirs, children, &trail.item(&keys));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::plan::tests::world::{desired, objects};

    use super::*;

    #[test]
    fn a_field_that_somebody_else_owns_with_another_value_is_left_to_them() {
        let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: web}
spec:
  replicas: 2
  paused: true
  template: {spec: {containers: [{name: api, image: a:1}]}}
";
        let mut object = objects(&desired(&[("app", text)])).unwrap().items.remove(0);
        let live = Live::new(json!({
            "metadata": {"managedFields": [
                {"manager": "trueup", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                {"manager": "autoscaler", "operation": "Update", "fieldsV1": {"f:spec": {
                    "f:replicas": {}, "f:paused": {},
                    "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}, "f:name": {}}}}},
                }}},
                {"manager": "kubelet", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {"f:paused": {}}}},
            ]},
            "spec": {
                "replicas": 7, "paused": true,
                "template": {"spec": {"containers": [{"name": "api", "image": "a:2"}]}},
            },
        }));
        object.leave_contested(&live);
        let left: Vec<String> = object.left.iter().map(ToString::to_string).collect();
        assert_eq!(
            left,
            [
                "spec.replicas",
                "spec.template.spec.containers[name=api].image"
            ]
        );
        let body: Value = serde_json::from_slice(&object.body().unwrap()).unwrap();
        assert_eq!(body["spec"]["paused"], true);
        assert!(body["spec"].get("replicas").is_none());
        assert_eq!(
            body["spec"]["template"]["spec"]["containers"],
            json!([{"name": "api"}])
        );
    }
}
