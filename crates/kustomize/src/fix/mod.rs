//! Rewrites the deprecated fields of a kustomization file, as `kustomize edit fix` would, with its
//! comments and its order kept.
//!
//! Flows in: the text of a kustomization file. Flows out: the text with successors in place of
//! deprecated fields, or what a person has to rewrite. It changes lines and prints nothing anew; what
//! it gives may build differently where fields that worked at different steps become one, so whoever
//! writes it down builds both first.

mod inner;
mod lines;
#[cfg(test)]
mod tests;
mod vars;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId, ParseOptions, Source, Style};

use self::lines::Fields;
pub use self::{lines::Item, vars::replacements_for_vars};
use crate::load::DEPRECATED;

/// What a kustomization file becomes.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// The new text; none where there is nothing to rewrite.
    pub text: Option<String>,
    /// Deprecated fields that a person has to rewrite.
    pub left: Vec<Diagnostic>,
}

/// Rewrites a kustomization file. `is_file` says whether a path written in it leads to a file: an item
/// of `patchesStrategicMerge` is a path or a patch. `vars` are the items of `replacements` that do what
/// its `vars` do ([`replacements_for_vars`]), or why those are left.
///
/// # Errors
///
/// What is no YAML, or no mapping.
pub fn fix(
    source: &Source,
    is_file: &dyn Fn(&str) -> bool,
    vars: &Result<Vec<Item>, String>,
) -> Result<Fixed, Diagnostics> {
    let doc = parse(source)?;
    let root = doc.root();
    let used: Vec<(&str, &str)> = DEPRECATED
        .iter()
        .filter(|(field, _)| doc.get(root, field).is_some())
        .copied()
        .collect();
    let with_env = ["configMapGenerator", "secretGenerator"]
        .into_iter()
        .any(|field| {
            let list = doc.get(root, field);
            let mut items = list.into_iter().flat_map(|list| doc.items(list));
            items.any(|item| doc.get(item, "env").is_some())
        });
    if used.is_empty() && !with_env {
        return Ok(Fixed::default());
    }
    let by_hand = |field: &str, successor: &str, why: &str| {
        let key = doc.get_entry(root, field).map(|(key, _)| key);
        Diagnostic::warning(
            "kustomize/fix-by-hand",
            format!("`{field}` is left as it is: {why}"),
        )
        .at(key.and_then(|key| doc.location(key)))
        .help(format!("write `{successor}` instead"))
    };
    if doc.style(root) == Style::Flow || Fields::of(&doc, source).is_none() {
        let left = used
            .iter()
            .map(|(field, successor)| {
                by_hand(field, successor, "the file is not one field after another")
            })
            .collect();
        return Ok(Fixed { text: None, left });
    }
    let mut text = source.text().to_owned();
    let mut left = Vec::new();
    // One field at a time: each finds the lines as the one before has left them.
    for (field, successor) in ORDER {
        if !used.iter().any(|(name, _)| *name == field) {
            continue;
        }
        let current = Source::new(source.name(), text.as_str());
        match rewrite(&current, field, successor, is_file, vars) {
            Ok(new) => text = new,
            Err(why) => left.push(by_hand(field, successor, &why)),
        }
    }
    if with_env {
        match inner::envs(&Source::new(source.name(), text.as_str())) {
            Ok(new) => text = new.unwrap_or(text),
            Err(why) => left.push(
                Diagnostic::warning(
                    "kustomize/fix-by-hand",
                    format!("`env` is left as it is: {why}"),
                )
                .help("write `envs` and a list instead"),
            ),
        }
    }
    let text = (text != source.text()).then_some(text);
    Ok(Fixed { text, left })
}

/// The one document of a file, its anchors and aliases kept.
fn parse(source: &Source) -> Result<Document, Diagnostics> {
    let options = ParseOptions {
        expand_aliases: false,
        ..ParseOptions::default()
    };
    let mut documents = Document::parse_with(source, &options)?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Diagnostic::error(
            "kustomize/several-documents",
            format!("`{}` does not hold one document", source.name()),
        )
        .into()),
    }
}

/// What is rewritten, in the order in which `kustomize edit fix` appends.
const ORDER: [(&str, &str); 7] = [
    ("bases", "resources"),
    ("imageTags", "images"),
    ("patchesJson6902", "patches"),
    ("patchesStrategicMerge", "patches"),
    ("commonLabels", "labels"),
    ("helmChartInflationGenerator", "helmCharts"),
    ("vars", "replacements"),
];

/// The text with one field moved to its successor, or why that cannot be done.
fn rewrite(
    source: &Source,
    field: &str,
    successor: &str,
    is_file: &dyn Fn(&str) -> bool,
    vars: &Result<Vec<Item>, String>,
) -> Result<String, String> {
    let odd = || "its lines are unusual".to_owned();
    let doc = parse(source).map_err(|_| odd())?;
    let root = doc.root();
    let fields = Fields::of(&doc, source).ok_or_else(odd)?;
    let value = doc.get(root, field).ok_or_else(odd)?;
    if holds_anchors(&doc, value) {
        return Err("it holds an anchor or alias".to_owned());
    }
    let mut globals = Vec::new();
    let items = match field {
        "vars" => vars.clone()?,
        "helmChartInflationGenerator" => {
            if doc.style(value) == Style::Flow {
                return Err("it is written on one line".to_owned());
            }
            let (items, found) = inner::charts(fields.items(field).ok_or_else(odd)?)?;
            globals = found;
            items
        }
        "commonLabels" => {
            refuse_shared_labels(&doc, value)?;
            fields.labels(field).ok_or_else(odd)?
        }
        "patchesStrategicMerge" => {
            let paths: Vec<bool> = doc
                .items(value)
                .map(|item| {
                    let text = doc.text(item).unwrap_or_default();
                    !text.contains('\n') && is_file(text)
                })
                .collect();
            fields.patches(field, &paths).ok_or_else(odd)?
        }
        _ => fields.items(field).ok_or_else(odd)?,
    };
    if !globals.is_empty() && doc.get(root, "helmGlobals").is_some() {
        return Err("`helmGlobals` is there too".to_owned());
    }
    let text = match doc.get(root, successor) {
        Some(there) if doc.is_null(there) => Err(format!("`{successor}` is there and empty")),
        Some(there) if holds_anchors(&doc, there) => {
            Err(format!("`{successor}` holds an anchor or alias"))
        }
        Some(_) => fields.append(field, successor, &items).ok_or_else(odd),
        None => fields.put(field, successor, &items).ok_or_else(odd),
    }?;
    if globals.is_empty() {
        return Ok(text);
    }
    let end = if text.ends_with('\n') || text.is_empty() {
        ""
    } else {
        "\n"
    };
    Ok(format!("{text}{end}helmGlobals:\n{}\n", globals.join("\n")))
}

fn holds_anchors(doc: &Document, node: NodeId) -> bool {
    if doc.anchor(node).is_some() || doc.kind(node) == Kind::Alias {
        return true;
    }
    match doc.kind(node) {
        Kind::Mapping => doc
            .entries(node)
            .any(|(_, value)| holds_anchors(doc, value)),
        Kind::Sequence => doc.items(node).any(|item| holds_anchors(doc, item)),
        Kind::Scalar | Kind::Alias => false,
    }
}

/// A label in both fields would be set twice.
fn refuse_shared_labels(doc: &Document, common: NodeId) -> Result<(), String> {
    let labels = doc.get(doc.root(), "labels");
    for item in labels.iter().flat_map(|labels| doc.items(*labels)) {
        let Some(pairs) = doc.get(item, "pairs") else {
            continue;
        };
        for (key, _) in doc.entries(common) {
            let name = doc.text(key).unwrap_or_default();
            if doc.get(pairs, name).is_some() {
                return Err(format!("the label `{name}` is in `labels` too"));
            }
        }
    }
    Ok(())
}
