//! Vars as replacements: where each is used, found by building without resolving any.

use std::collections::{BTreeMap, BTreeSet};

use trueup_manifest::{Tree, TreePath};
use trueup_yaml::{Document, Kind, NodeId};

use super::lines::Item;
use crate::{
    Context, Options,
    accumulate::{self, Accumulator},
    load::VarSpec,
    node::{Create, Misfit, each_field},
    resource::Resource,
};

/// What a text may be split at so that a var is one of its pieces.
const DELIMITERS: [&str; 10] = ["=", "/", ":", ",", " ", "@", ".", "-", "?", "&"];

/// Which piece of a text a var is: all of it, or one between delimiters.
type Piece = Option<(&'static str, usize)>;

/// The items of `replacements` that do what the `vars` of a kustomization do, or why there are none.
///
/// # Errors
///
/// In a person's words: what cannot be written as a replacement.
pub fn replacements_for_vars(
    tree: &dyn Tree,
    dir: &TreePath,
    options: &Options<'_>,
) -> Result<Vec<Item>, String> {
    let context = Context::new(options, None);
    let (own, all) = accumulate::unresolved(&context, tree, dir)
        .map_err(|_| "the kustomization does not build".to_owned())?;
    own.iter().map(|var| replacement(var, &all)).collect()
}

fn replacement(var: &VarSpec, all: &Accumulator) -> Result<Item, String> {
    let name = &var.name.value;
    let mark = format!("$({name})");
    // By object and piece, so that fields which are alike share a target.
    let mut targets: BTreeMap<(usize, Piece), Vec<String>> = BTreeMap::new();
    for (at, resource) in all.resources.iter().enumerate() {
        for (path, text) in uses(resource, all, &mark)? {
            for piece in pieces(&text, &mark).ok_or_else(|| {
                format!("the var `{name}` stands in the middle of `{text}`, not between delimiters")
            })? {
                targets.entry((at, piece)).or_default().push(path.clone());
            }
        }
    }
    if targets.is_empty() {
        return Err(format!("the var `{name}` is used nowhere here"));
    }
    let mut lines = vec!["- source:".to_owned()];
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("    {key}: {}", quoted(value)));
        }
    };
    add("group", &var.group);
    add("version", &var.version);
    add("kind", &var.kind);
    add("name", &var.object);
    add("namespace", &var.namespace);
    let path = if var.field_path.is_empty() {
        "metadata.name"
    } else {
        &var.field_path
    };
    if path.contains(['\'', '"', '\\']) {
        return Err(format!("the var `{name}` reads from a key with dots"));
    }
    add("fieldPath", &path.replace('[', ".").replace(']', ""));
    lines.push("  targets:".to_owned());
    // The last piece first: what is put into an earlier one may hold delimiters.
    for ((at, piece), paths) in targets.iter().rev() {
        let Some(resource) = all.resources.get(*at) else {
            continue;
        };
        target(resource, *piece, paths, &mut lines);
    }
    Ok(lines)
}

fn target(resource: &Resource, piece: Piece, paths: &[String], lines: &mut Vec<String>) {
    let id = resource.original_id();
    lines.push("  - select:".to_owned());
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("      {key}: {}", quoted(value)));
        }
    };
    add("group", &id.gvk.group);
    add("version", &id.gvk.version);
    add("kind", &id.gvk.kind);
    add("name", &id.name);
    add("namespace", &id.namespace);
    lines.push("    fieldPaths:".to_owned());
    lines.extend(paths.iter().map(|path| format!("    - {}", quoted(path))));
    if let Some((delimiter, index)) = piece {
        lines.push("    options:".to_owned());
        lines.push(format!("      delimiter: '{delimiter}'"));
        lines.push(format!("      index: {index}"));
    }
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(plain) && Document::reads_as_string(text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// The pieces of a text that are the var and nothing else; none where it stands elsewhere too.
fn pieces(text: &str, mark: &str) -> Option<Vec<Piece>> {
    if text == mark {
        return Some(vec![None]);
    }
    let times = text.matches(mark).count();
    DELIMITERS.iter().find_map(|delimiter| {
        let found: Vec<Piece> = text
            .split(delimiter)
            .enumerate()
            .filter(|(_, piece)| *piece == mark)
            .map(|(index, _)| Some((*delimiter, index)))
            .collect();
        (found.len() == times).then_some(found)
    })
}

/// Path and text of each field of an object in which vars are looked for and this one is found.
fn uses(
    resource: &Resource,
    all: &Accumulator,
    mark: &str,
) -> Result<Vec<(String, String)>, String> {
    let mut doc = resource.doc.clone();
    let root = doc.root();
    let mut looked: BTreeSet<NodeId> = BTreeSet::new();
    let specs = all.config.var_reference.iter();
    for spec in specs.filter(|spec| spec.is_for(resource)) {
        let visit: Result<(), Misfit> = each_field(
            &mut doc,
            root,
            &spec.fields,
            Create::No,
            &mut |doc, node| {
                scalars(doc, node, &mut looked);
                Ok(())
            },
        );
        visit.map_err(|_| "a field that vars stand in has another shape".to_owned())?;
    }
    let mut found = Vec::new();
    paths(&doc, root, "", &mut |path, node| {
        let text = doc.text(node).unwrap_or_default();
        if looked.contains(&node) && text.contains(mark) {
            found.push((path.to_owned(), text.to_owned()));
        }
    });
    Ok(found)
}

fn scalars(doc: &Document, node: NodeId, found: &mut BTreeSet<NodeId>) {
    match doc.kind(node) {
        Kind::Scalar => {
            found.insert(node);
        }
        Kind::Sequence => doc.items(node).for_each(|item| scalars(doc, item, found)),
        Kind::Mapping => doc
            .entries(node)
            .for_each(|(_, value)| scalars(doc, value, found)),
        Kind::Alias => {}
    }
}

/// Calls back for each scalar with its path as replacements write it.
fn paths(doc: &Document, node: NodeId, above: &str, found: &mut dyn FnMut(&str, NodeId)) {
    let joined = |part: String| {
        if above.is_empty() {
            part
        } else {
            format!("{above}.{part}")
        }
    };
    match doc.kind(node) {
        Kind::Scalar | Kind::Alias => found(above, node),
        Kind::Mapping => {
            for (key, value) in doc.entries(node) {
                let key = doc.text(key).unwrap_or_default();
                let part = if key.contains('.') {
                    format!("[{key}]")
                } else {
                    key.to_owned()
                };
                paths(doc, value, &joined(part), found);
            }
        }
        Kind::Sequence => {
            for (index, item) in doc.items(node).enumerate() {
                let name = doc.get(item, "name").and_then(|name| doc.text(name));
                let part = match name {
                    Some(name) if !name.contains(['$', '.']) => format!("[name={name}]"),
                    _ => index.to_string(),
                };
                paths(doc, item, &joined(part), found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_var_is_a_whole_text_or_pieces_between_one_delimiter() {
        assert_eq!(pieces("$(A)", "$(A)"), Some(vec![None]));
        assert_eq!(pieces("--x=$(A)", "$(A)"), Some(vec![Some(("=", 1))]));
        assert_eq!(
            pieces("$(A)/b/$(A)", "$(A)"),
            Some(vec![Some(("/", 0)), Some(("/", 2))])
        );
        assert_eq!(pieces("a$(A)b", "$(A)"), None);
    }
}
