//! Vars: the value of one object's field, put wherever `$(NAME)` stands in fields that allow it.

use std::collections::{BTreeMap, BTreeSet};

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Style};

use super::expand::{Value, expand};
use crate::{
    Context,
    accumulate::Accumulator,
    load::VarSpec,
    node::{self, Create, Misfit, each_field},
    resource::{ResMap, Resource},
    transform::{ByKind, misfit},
};

/// Replaces all vars by their values. Warns of those that stand nowhere.
pub(crate) fn resolve_vars(
    context: &Context<'_>,
    all: &mut Accumulator,
) -> Result<(), Diagnostics> {
    if all.has_no_vars() {
        return Ok(());
    }
    let mut complaints = Diagnostics::new();
    let mut values = BTreeMap::new();
    for var in all.vars() {
        if let Some(value) = complaints.keep(value_of(var, &all.resources)) {
            values.insert(var.name.value.clone(), value);
        }
    }
    complaints.into_result(())?;
    let mut used = BTreeSet::new();
    let config = all.config.clone();
    let by_kind = ByKind::new(&config.var_reference, &all.resources);
    let mut complaints = Diagnostics::new();
    for resource in all.resources.edit_fields() {
        let specs = by_kind.of(resource.gvk());
        let root = resource.root();
        for spec in specs {
            let replaced = each_field::<Misfit>(
                &mut resource.doc,
                root,
                &spec.fields,
                Create::No,
                &mut |doc, field| replace_in(doc, field, &values, &mut used),
            );
            if let Err(wrong) = replaced {
                complaints.push(misfit(resource, &wrong, "replacing vars"));
            }
        }
    }
    for var in all.vars().filter(|var| !used.contains(&var.name.value)) {
        let message = format!("the var `{}` is never used", var.name.value);
        context.warn(
            Diagnostic::warning("kustomize/unused-var", message)
                .at(var.name.place.clone())
                .help(format!(
                    "write `$({})` in a field that vars reach, or remove it",
                    var.name.value
                )),
        );
    }
    let schemas = context.schemas();
    all.resources
        .edit()
        .iter_mut()
        .for_each(|resource| resource.sync(&schemas));
    complaints.into_result(())
}

/// The value that a var reads; none where it is a mapping or list, which nothing can hold.
fn value_of(var: &VarSpec, resources: &ResMap) -> Result<Option<Value>, Diagnostic> {
    let name = var.name.value.as_str();
    let source = resources
        .iter()
        .find(|resource| resource.book.vars.iter().any(|known| **known == *name));
    let Some(source) = source else {
        let message = format!("the var `{name}` reads from an object that is not there");
        return Err(Diagnostic::error("kustomize/var-source", message)
            .at(var.name.place.clone())
            .help("let `objref` name an object of this kustomization or its bases, with its `apiVersion`"));
    };
    read(source, &var.field_path).ok_or_else(|| {
        let message = format!(
            "the var `{name}` reads `{}`, which `{}` does not have",
            var.field_path,
            source.id()
        );
        Diagnostic::error("kustomize/var-source", message)
            .at(var.name.place.clone())
            .label(source.location(), "the object")
    })
}

/// The value of a field, by a dotted path in which `a[0]` is an item. None where it is missing or not
/// what it claims to be.
#[expect(
    clippy::option_option,
    reason = "missing is not the same as not a scalar"
)]
fn read(source: &Resource, path: &str) -> Option<Option<Value>> {
    let mut parts = Vec::new();
    for part in node::smart_split(path) {
        match part
            .strip_suffix(']')
            .and_then(|part| part.rsplit_once('['))
        {
            Some((name, index))
                if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) =>
            {
                if !name.is_empty() {
                    parts.push(name.to_owned());
                }
                parts.push(index.to_owned());
            }
            _ => parts.push(part),
        }
    }
    let doc = &source.doc;
    let field = node::lookup(doc, source.root(), &parts).ok().flatten()?;
    if doc.kind(field) != Kind::Scalar {
        return Some(None);
    }
    let text = doc.text(field).unwrap_or_default();
    Some(Some(match doc.resolve(field, Schema::Kyaml) {
        Resolved::Int(_) | Resolved::Uint(_) => Value::Int(text.parse().ok()?),
        Resolved::Float(_) => Value::Float(text.parse().ok()?),
        Resolved::Bool(value) => Value::Bool(value),
        _ => Value::Str(text.to_owned()),
    }))
}

fn replace_in(
    doc: &mut Document,
    field: NodeId,
    values: &BTreeMap<String, Option<Value>>,
    used: &mut BTreeSet<String>,
) -> Result<(), Misfit> {
    if node::is_null(doc, field) {
        return Ok(());
    }
    let is_string = |doc: &Document, node| doc.str(node).is_some() || doc.is_untyped(node);
    let mut replace = |doc: &mut Document, node: NodeId| {
        let text = doc.text(node).unwrap_or_default();
        let found = expand(text, |name| {
            let value = values.get(name)?.clone()?;
            used.insert(name.to_owned());
            Some(value)
        });
        // What had no type is a string from now on, with a var in it or without.
        let untyped = || doc.is_untyped(node).then(|| Value::Str(text.to_owned()));
        if let Some(found) = found.or_else(untyped) {
            write(doc, node, &found);
        }
    };
    match doc.kind(field) {
        Kind::Scalar if is_string(doc, field) => replace(doc, field),
        Kind::Scalar | Kind::Alias => {}
        Kind::Mapping => {
            for (key, value) in doc.entries(field).collect::<Vec<_>>() {
                if !is_string(doc, key) {
                    return Err(Misfit::Path("a key is not a string".to_owned()));
                }
                if is_string(doc, value) {
                    replace(doc, value);
                }
            }
        }
        Kind::Sequence => {
            for item in doc.items(field).collect::<Vec<_>>() {
                if !is_string(doc, item) {
                    return Err(Misfit::Path(
                        "an item of the list is not a string".to_owned(),
                    ));
                }
                replace(doc, item);
            }
        }
    }
    Ok(())
}

fn write(doc: &mut Document, node: NodeId, value: &Value) {
    let new = match value {
        Value::Str(text) => doc.new_str(text),
        Value::Int(value) => doc.new_int(*value),
        Value::Bool(value) => doc.new_bool(*value),
        Value::Float(value) => doc.new_scalar(&format!("{value}"), Style::Plain, Some("!!float")),
    };
    doc.replace(node, new);
}
