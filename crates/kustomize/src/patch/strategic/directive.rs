//! `$patch: delete | replace | merge`.

use trueup_yaml::{Document, Kind, NodeId};

use crate::node::{self, Misfit};

const KEY: &str = "$patch";

/// What a patch asks to be done with the mapping or list it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

/// The directive of a patch node, which is taken out of it.
pub(super) fn directive(doc: &mut Document, patch: NodeId) -> Result<Directive, Misfit> {
    match doc.kind(patch) {
        Kind::Mapping => {
            let Some(value) = doc.get(patch, KEY) else {
                return Ok(Directive::Merge);
            };
            let directive = parse(doc, value)?;
            doc.remove(patch, KEY);
            Ok(directive)
        }
        Kind::Sequence => of_list(doc, patch),
        Kind::Scalar | Kind::Alias => Err(Misfit::Path(
            "a scalar cannot be patched by a mapping or list".to_owned(),
        )),
    }
}

fn parse(doc: &Document, value: NodeId) -> Result<Directive, Misfit> {
    match doc.text(value).unwrap_or_default() {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Misfit::Path(format!(
            "`$patch: {other}` is not known; write `delete`, `replace` or `merge`"
        ))),
    }
}

/// An item that holds nothing but a directive speaks for its whole list.
fn of_list(doc: &mut Document, patch: NodeId) -> Result<Directive, Misfit> {
    let Some(item) = doc.items(patch).find(|item| doc.get(*item, KEY).is_some()) else {
        return Ok(Directive::Merge);
    };
    let Some(value) = doc.get(item, KEY).filter(|_| doc.len(item) == 1) else {
        return Ok(Directive::Merge);
    };
    let directive = parse(doc, value)?;
    let said = doc.text(value).unwrap_or_default().to_owned();
    let kept: Vec<NodeId> = doc
        .items(patch)
        .filter(|item| {
            let says = doc.get(*item, KEY).and_then(|value| doc.text(value));
            !node::is_empty(doc, Some(*item)) && says != Some(said.as_str())
        })
        .collect();
    doc.set_items(patch, &kept);
    Ok(directive)
}
