//! Who set a field: what each step of a build made of it, and where that step is written.
//!
//! A usual build takes no notes. Whoever asks has the kustomization built once more, with notes of what
//! each step left of each object; here one field is followed through them.

use trueup_kustomize::Snapshot;
use trueup_manifest::{Diagnostic, Manifest, is_secret, nearest};
use trueup_yaml::{Document, Kind, Location, NodeId, Schema, emit};

/// A field of an object, as a person writes it: `.spec.template.spec.containers[0].image`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    /// The item of a list in which a field has a value.
    Item(String, String),
}

impl std::str::FromStr for FieldPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('.').unwrap_or(text);
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (inner, after) = inner
                    .split_once(']')
                    .ok_or_else(|| "a `[` is not closed".to_owned())?;
                steps.push(bracket(inner));
                rest = after.strip_prefix('.').unwrap_or(after);
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (key, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                if key.is_empty() {
                    return Err("a part of the path is empty".to_owned());
                }
                steps.push(Step::Key(key.to_owned()));
                rest = after.strip_prefix('.').unwrap_or(after);
            }
        }
        Ok(Self(steps))
    }
}

impl FieldPath {
    /// The last key of the path.
    fn last_key(&self) -> &str {
        let key = |step: &'_ Step| matches!(step, Step::Key(_));
        match self.0.iter().rev().find(|step| key(step)) {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }
}

/// `[0]`, `[name=web]`, or a key that holds dots, quoted or not.
fn bracket(inner: &str) -> Step {
    let bare = inner.trim_matches(['"', '\'']);
    match (bare.parse(), inner.split_once('=')) {
        (Ok(index), _) if bare == inner => Step::Index(index),
        (_, Some((key, value))) if bare == inner => Step::Item(key.to_owned(), value.to_owned()),
        _ => Step::Key(bare.to_owned()),
    }
}

/// What a field came to at some step, and where that was written.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The kustomization that the step is of; none for what the phase did to its objects.
    pub layer: Option<String>,
    /// The value as JSON, masked where it is secret; none where the field was taken away.
    pub value: Option<String>,
    /// Where it was written, or the step that set it.
    pub location: Option<Location>,
    /// The field that stands for the step, such as `images`; none where the value itself was written
    /// down in a resource or a patch.
    pub step: Option<String>,
}

/// What a field came to, the last change first. `history` is the object after each step of its
/// kustomization that changed it.
///
/// # Errors
///
/// A path that leads to nothing in the object, with what comes close.
pub fn blame(
    object: &Manifest,
    history: &[Snapshot],
    path: &FieldPath,
) -> Result<Vec<Setting>, Diagnostic> {
    let last = find(&object.doc, path)
        .map_err(|complaint| complaint.at(object.origin.location.clone()))?;
    let mut settings: Vec<Setting> = Vec::new();
    let mut before: Option<(&Document, NodeId)> = None;
    for Snapshot { step, doc } in history {
        let after = find(doc, path).ok().map(|node| (doc, node));
        if same(before, after) {
            continue;
        }
        let written = after.and_then(|(doc, node)| doc.location(node));
        let kept = before.and_then(|(doc, node)| doc.location(node));
        let own = written.filter(|place| Some(place) != kept.as_ref());
        let made = own.is_none();
        let place = || {
            let place = step.place(path.last_key(), text(before), text(after));
            place.cloned().or_else(|| object.origin.location.clone())
        };
        settings.push(Setting {
            layer: Some(step.layer.to_string()),
            value: after.map(|(doc, node)| shown(object, doc, node, path)),
            location: own.or_else(place),
            step: made.then(|| step.name.clone()),
        });
        before = after;
    }
    let after = Some((&object.doc, last));
    if !same(before, after) {
        let written = object.doc.location(last);
        let of_phase = history.is_empty() && written.is_some();
        settings.push(Setting {
            layer: None,
            value: Some(shown(object, &object.doc, last, path)),
            location: written,
            step: (!of_phase).then(|| "phase".to_owned()),
        });
    }
    settings.reverse();
    Ok(settings)
}

type Value<'d> = Option<(&'d Document, NodeId)>;

fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some((a, at)), Some((b, other))) => a.eq_value(at, b, other),
        _ => false,
    }
}

fn text(value: Value<'_>) -> Option<&str> {
    value.and_then(|(doc, node)| doc.text(node))
}

fn find(doc: &Document, path: &FieldPath) -> Result<NodeId, Diagnostic> {
    let mut node = doc.root();
    for step in &path.0 {
        let next = match step {
            Step::Key(key) => doc.get(node, key),
            Step::Index(index) => doc.item(node, *index),
            Step::Item(key, value) => doc.items(node).find(|item| {
                let field = doc.get(*item, key);
                field.and_then(|field| doc.text(field)) == Some(value)
            }),
        };
        node = next.ok_or_else(|| absent(doc, node, step))?;
    }
    Ok(node)
}

fn absent(doc: &Document, node: NodeId, step: &Step) -> Diagnostic {
    let text = match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => format!("[{index}]"),
        Step::Item(key, value) => format!("[{key}={value}]"),
    };
    let error = Diagnostic::error(
        "blame/no-field",
        format!("the object has no `{text}` there"),
    );
    let names: Vec<&str> = match (doc.kind(node), step) {
        (Kind::Mapping, _) => doc
            .entries(node)
            .filter_map(|(key, _)| doc.text(key))
            .collect(),
        (Kind::Sequence, Step::Item(key, _)) => doc
            .items(node)
            .filter_map(|item| doc.text(doc.get(item, key)?))
            .collect(),
        (Kind::Sequence, _) => {
            return error.help(format!(
                "it is a list of {}: `[0]` is the first",
                doc.len(node)
            ));
        }
        _ => return error.help("the path goes on behind a single value"),
    };
    match nearest(&text, names.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("there is {}", names.join(", "))),
    }
}

/// A value of an object as it was in `doc`.
fn shown(manifest: &Manifest, doc: &Document, node: NodeId, path: &FieldPath) -> String {
    const LONGEST: usize = 200;
    let data =
        matches!(path.0.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    let secret = is_secret(&manifest.gvk().group, manifest.kind());
    if secret && (data || path.0.is_empty()) {
        return "***".to_owned();
    }
    let mut text = String::new();
    // What was rendered can be printed.
    let _ = emit::json(doc, node, Schema::Kyaml, &mut text);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain(['…']).collect();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_written_in_any_usual_form() {
        let key = |key: &str| Step::Key(key.to_owned());
        for (text, steps) in [
            (".spec.replicas", vec![key("spec"), key("replicas")]),
            (
                "spec.c[0].image",
                vec![key("spec"), key("c"), Step::Index(0), key("image")],
            ),
            (
                ".c[name=web]",
                vec![key("c"), Step::Item("name".to_owned(), "web".to_owned())],
            ),
            (
                ".metadata.annotations[\"a.b/c\"]",
                vec![key("metadata"), key("annotations"), key("a.b/c")],
            ),
            (".data.[a.conf]", vec![key("data"), key("a.conf")]),
            (".", vec![]),
        ] {
            assert_eq!(text.parse(), Ok(FieldPath(steps)), "{text}");
        }
        assert!(".spec[0".parse::<FieldPath>().is_err());
        assert!(".a..b".parse::<FieldPath>().is_err());
    }
}
