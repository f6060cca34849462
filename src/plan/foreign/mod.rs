//! Patches on objects that belong to somebody else: what they come to on the live object, and how they
//! are undone.
//!
//! A patch is resolved against the object as it would be without it, to the fields that it sets. These
//! are applied under a field manager of the environment's own, so that doing it again changes nothing,
//! and what was added goes when the declaration does. Values that a patch overwrites are kept in an
//! annotation of the object, in the same request, and put back in the end.

mod fields;
mod split;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use trueup_manifest::{Diagnostic, Origin, is_secret};

use self::split::Split;
use super::{
    action::{Action, ActionKind, Body, Change},
    compare::{Difference, DifferenceKind, compare},
    diff,
    inventory::{ApplySet, PART_OF},
    judge::find,
    mask::Key,
    view::Node,
};
use crate::{
    cluster::{Live, Target},
    config::{ForeignPatch, JsonOp, JsonOperation, PatchChange},
    render::Hidden,
};

/// An object of somebody else's, with what is declared to be patched on it.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The object.
    pub target: Target,
    /// The patches, in their order; none where they are to be undone.
    pub patches: Vec<ForeignPatch>,
    /// The live object.
    pub live: Live,
}

impl Foreign {
    /// Whether the object is not as its patches make it.
    pub fn is_undone(&self, applyset: &ApplySet) -> bool {
        let action = action(self, 0, applyset, Key::default());
        action.blocked.is_none() && action.kind.is_change()
    }
}

/// What is special about an action on an object of somebody else's.
#[derive(Clone, Debug, Default)]
pub struct ForeignStep {
    /// The field manager of the patches.
    pub manager: String,
    /// The operations of a JSON patch that put overwritten values back, to be done first.
    pub restore: Vec<Value>,
}

/// The field manager of an environment's patches.
fn manager(applyset: &ApplySet) -> String {
    format!("trueup-patches-{}", applyset.parent())
}

/// Where values that an environment's patches have overwritten are kept on the object.
fn annotation(applyset: &ApplySet) -> String {
    format!("overwritten.trueup.dev/{}", applyset.parent())
}

/// The action that a patched object needs.
pub(super) fn action(foreign: &Foreign, phase: usize, applyset: &ApplySet, key: Key) -> Action {
    let target = &foreign.target;
    let place = foreign
        .patches
        .first()
        .and_then(|patch| patch.location.clone());
    let mut action = Action {
        target: target.clone(),
        api_version: target.resource.api_version(),
        phase,
        kind: ActionKind::None,
        last: false,
        hook: false,
        awaits: None,
        why: "it is patched as declared".into(),
        changes: Vec::new(),
        left: Vec::new(),
        migration: None,
        origin: place.map(Origin::at).unwrap_or_default(),
        blocked: None,
        body: Body::default(),
        whole: None,
        live: Some(foreign.live.clone()),
        foreign: None,
        hidden: Hidden::default(),
    };
    match resolve(foreign, applyset) {
        Err(problem) => {
            action.kind = ActionKind::Patch;
            action.why = "it cannot be patched".into();
            action.blocked = Some(problem);
        }
        Ok(resolved) => resolved.settle(&mut action, foreign, applyset, key),
    }
    action
}

/// What the patches of an object come to.
struct Resolved {
    /// What is applied: the fields that they set.
    body: Value,
    /// Whether there are any.
    sets_something: bool,
    restore: Vec<Value>,
}

fn resolve(foreign: &Foreign, applyset: &ApplySet) -> Result<Resolved, Diagnostic> {
    let live = foreign.live.value();
    let split = Split::of(&foreign.live);
    let (manager, annotation) = (manager(applyset), annotation(applyset));
    let originals: Option<Value> = foreign
        .live
        .annotation(&annotation)
        .and_then(|text| serde_json::from_str(text).ok());
    let mut base = live.clone();
    let own = foreign
        .live
        .applied_by(&manager)
        .and_then(|entry| entry.get("fieldsV1")?.as_object());
    if let Some(own) = own {
        fields::strip(&mut base, own, &[]);
    }
    if let Some(originals) = &originals {
        fields::fill(&mut base, originals, &split);
    }
    let mut patched = base.clone();
    for patch in &foreign.patches {
        apply(patch, &mut patched, &split)?;
    }
    let problem = |message: String, help: &str| {
        let place = foreign
            .patches
            .first()
            .and_then(|patch| patch.location.clone());
        Diagnostic::error("plan/patch", message)
            .at(place)
            .help(help)
    };
    let id = foreign.target.id();
    if foreign.live.label(PART_OF) == Some(applyset.id()) {
        return Err(problem(
            format!("`{id}` is an object of this environment"),
            "change it where it is defined: a kustomization patches what it renders",
        ));
    }
    let set = fields::set_by(Some(&base), &patched, &split, "").map_err(|removes| {
        problem(
            format!(
                "a patch on `{id}` takes `{}` away",
                removes.0.trim_start_matches('.')
            ),
            "set it to another value: taking fields of other owners away is not built yet",
        )
    })?;
    let overwritten = set
        .as_ref()
        .and_then(|set| fields::overwritten(&base, set, &split));
    if overwritten.is_some() && is_secret(&id.group, &id.kind) {
        return Err(problem(
            format!("a patch on `{id}` overwrites a value of a Secret"),
            "the value would have to be kept to be put back: add keys, or own the Secret",
        ));
    }
    let mut restore = Vec::new();
    if let Some(originals) = &originals {
        fields::restore(live, originals, set.as_ref(), &split, "", &mut restore);
        if restore
            .iter()
            .all(|operation| operation.get("op").is_some_and(|op| op == "test"))
        {
            restore.clear();
        }
    }
    let sets_something = set.is_some();
    let mut body = set.unwrap_or_else(|| json!({}));
    let kept = overwritten.map(|overwritten| (annotation, overwritten.to_string()));
    fields::overlay(&mut body, &head(&foreign.target, kept), &Split::nobody());
    Ok(Resolved {
        body,
        sets_something,
        restore,
    })
}

/// What names an object, with an annotation.
fn head(target: &Target, annotation: Option<(String, String)>) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), target.name.as_str().into());
    if !target.namespace.is_empty() {
        metadata.insert("namespace".to_owned(), target.namespace.as_str().into());
    }
    if let Some((name, value)) = annotation {
        metadata.insert("annotations".to_owned(), json!({name: value}));
    }
    json!({
        "apiVersion": target.resource.api_version(),
        "kind": target.resource.kind,
        "metadata": metadata,
    })
}

impl Resolved {
    fn settle(self, action: &mut Action, foreign: &Foreign, applyset: &ApplySet, key: Key) {
        let manager = manager(applyset);
        let is_undone = foreign.patches.is_empty();
        let is_known = foreign.live.applied_by(&manager).is_some();
        let has_status = foreign.target.resource.has_status;
        let found = if self.sets_something || is_known {
            compare(&self.body, &foreign.live, &manager, has_status)
        } else {
            Vec::new()
        };
        if found.is_empty() && self.restore.is_empty() {
            return;
        }
        action.kind = ActionKind::Patch;
        action.why = match (is_undone, is_known) {
            (true, _) => "its patch is no longer declared, and is undone".into(),
            (false, false) => "it is patched for the first time".into(),
            (false, true) => "its patched fields differ".into(),
        };
        action.changes = self.changes(&found, foreign, &annotation(applyset), key);
        action.body = Body::new(self.body.to_string().into(), key);
        action.foreign = Some(ForeignStep {
            manager,
            restore: self.restore,
        });
    }

    fn changes(
        &self,
        found: &[Difference],
        foreign: &Foreign,
        annotation: &str,
        key: Key,
    ) -> Vec<Change> {
        let id = foreign.target.id();
        let live = foreign.live.value();
        // Without an entry of ours the comparison says no more than that all of it is to be set.
        if found
            .iter()
            .any(|difference| difference.kind == DifferenceKind::Ownership)
        {
            let mut after = live.clone();
            fields::overlay(&mut after, &self.body, &Split::of(&foreign.live));
            if let Some(Value::Object(annotations)) = after.pointer_mut("/metadata/annotations") {
                annotations.remove(annotation);
            }
            let has_status = foreign.target.resource.has_status;
            return diff::changes(&id, live, &after, has_status, key);
        }
        let shown = found
            .iter()
            .filter(|difference| difference.path.key(2) != annotation);
        shown
            .map(|difference| {
                let after = match difference.kind {
                    DifferenceKind::Surplus => None,
                    _ => find(&self.body, &difference.path).cloned(),
                };
                let before = find(live, &difference.path).cloned();
                diff::change(&id, &difference.path, before, after, key)
            })
            .collect()
    }
}

/// Applies one patch to a value.
fn apply(patch: &ForeignPatch, value: &mut Value, split: &Split<'_>) -> Result<(), Diagnostic> {
    match &patch.change {
        PatchChange::Json(operations) => {
            let operations = Value::Array(operations.iter().map(operation).collect());
            let problem = |message: String| {
                Diagnostic::error("plan/patch", message)
                    .at(patch.location.clone())
                    .help("look at the object with `kubectl get -o yaml`: it is patched as it would be without the patch")
            };
            let parsed: json_patch::Patch = serde_json::from_value(operations)
                .map_err(|error| problem(format!("the patch makes no sense: {error}")))?;
            json_patch::patch(value, &parsed)
                .map_err(|error| problem(format!("the patch does not fit the object: {error}")))?;
        }
        PatchChange::Merge(doc) => json_patch::merge(value, &Node::root(&doc.value).to_json()),
        PatchChange::Apply(doc) => {
            let fields = Node::root(&doc.value).to_json();
            if has_directive(&fields) {
                return Err(Diagnostic::error(
                    "plan/patch",
                    "directives such as `$patch` are not built yet in patches on objects of others",
                )
                .at(doc.location.clone())
                .help("set fields without them, or use `json`"));
            }
            fields::overlay(value, &fields, split);
        }
    }
    Ok(())
}

fn operation(operation: &JsonOperation) -> Value {
    let op = match operation.op {
        JsonOp::Add => "add",
        JsonOp::Remove => "remove",
        JsonOp::Replace => "replace",
        JsonOp::Move => "move",
        JsonOp::Copy => "copy",
        JsonOp::Test => "test",
    };
    let mut fields = Map::new();
    fields.insert("op".to_owned(), op.into());
    fields.insert("path".to_owned(), operation.path.value.as_str().into());
    if let Some(from) = &operation.from {
        fields.insert("from".to_owned(), from.value.as_str().into());
    }
    if let Some(value) = &operation.value {
        fields.insert("value".to_owned(), Node::root(&value.value).to_json());
    }
    Value::Object(fields)
}

/// Whether a strategic merge patch says more than which fields to set.
fn has_directive(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.starts_with('$') || has_directive(value)),
        Value::Array(items) => items.iter().any(has_directive),
        _ => false,
    }
}
