//! Who set a field: the places it had in each kustomization on the way to an object.
//!
//! Nothing is recorded while a build runs. Every value knows where it was written, and the kustomizations
//! that led to an object can each be built by themselves: what differs from one to the next was set
//! between them.

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

/// `[0]`, `[name=web]`, or a key that holds dots, quoted or not.
fn bracket(inner: &str) -> Step {
    let bare = inner.trim_matches(['"', '\'']);
    match (bare.parse(), inner.split_once('=')) {
        (Ok(index), _) if bare == inner => Step::Index(index),
        (_, Some((key, value))) if bare == inner => Step::Item(key.to_owned(), value.to_owned()),
        _ => Step::Key(bare.to_owned()),
    }
}

/// What a field was at some step, and where that was written.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The kustomization or phase after which it was so.
    pub layer: String,
    /// The value as JSON, masked where it is secret; none where the field was not there.
    pub value: Option<String>,
    /// Where it was written; none for what a generator or transformer made.
    pub location: Option<Location>,
}

/// What a field came to, the last change first. `layers` are an object as each kustomization on the way
/// to it builds it, outermost first.
///
/// # Errors
///
/// A path that leads to nothing in the outermost layer, with what comes close.
pub fn blame(layers: &[(String, &Manifest)], path: &FieldPath) -> Result<Vec<Setting>, Diagnostic> {
    let mut settings: Vec<Setting> = Vec::new();
    for (depth, (layer, manifest)) in layers.iter().enumerate() {
        let found = find(&manifest.doc, path);
        if depth == 0
            && let Err(complaint) = found
        {
            return Err(complaint.at(manifest.origin.location.clone()));
        }
        let node = found.ok();
        let setting = Setting {
            layer: layer.clone(),
            value: node.map(|node| shown(manifest, node, path)),
            location: node.and_then(|node| manifest.doc.location(node)),
        };
        // The innermost layer in which it is as it came out is the one that set it.
        match settings.last_mut() {
            Some(last) if last.value == setting.value && setting.value.is_some() => *last = setting,
            _ => settings.push(setting),
        }
    }
    while settings.last().is_some_and(|last| last.value.is_none()) {
        settings.pop();
    }
    Ok(settings)
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

fn shown(manifest: &Manifest, node: NodeId, path: &FieldPath) -> String {
    const LONGEST: usize = 200;
    let data =
        matches!(path.0.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    let secret = is_secret(&manifest.gvk().group, manifest.kind());
    if secret && (data || path.0.is_empty()) {
        return "***".to_owned();
    }
    let mut text = String::new();
    // What was rendered can be printed.
    let _ = emit::json(&manifest.doc, node, Schema::Kyaml, &mut text);
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
