//! Merging dictionaries as `dario.cat/mergo` 1.0.1 does it for Sprig, its oddities included.

use crate::sprig::bind::deeper;
use crate::{
    error::Error,
    function::Context,
    value::{Kind, Map, Value},
};

/// How deep maps in maps are merged.
const DEPTH: usize = 10_000;

/// Puts into `into` what `from` has: where the key is missing or empty, or everywhere when `overwrite`; maps under
/// one key are merged in turn. Values are shared, not copied.
pub(super) fn merge(
    into: &Map,
    from: &Map,
    overwrite: bool,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    merge_at(into, from, overwrite, DEPTH, context)
}

fn merge_at(
    into: &Map,
    from: &Map,
    overwrite: bool,
    depth: usize,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("the maps to merge are nested more than {DEPTH} deep").into());
    };
    for (key, new) in from.entries() {
        context.spend(1)?;
        let old = into.get_bytes(key.as_bytes());
        // An interface that holds nothing; a nil map or slice in it is something.
        if new.is_nil() {
            if overwrite {
                into.insert(key, new);
            }
            continue;
        }
        let kind = new.kind();
        if kind == Kind::Map
            && let (Some(old), Some(new)) = (old.as_ref().and_then(as_map), as_map(&new))
        {
            deeper(|| merge_at(&old, &new, overwrite, depth, context))?;
        }
        // Looked at after the merge, which may have filled it.
        let empty = old.as_ref().is_none_or(|old| !old.truth());
        if !empty && kind == Kind::Slice {
            if overwrite {
                into.insert(key, new);
            }
            continue;
        }
        let both_maps =
            kind == Kind::Map && old.as_ref().is_some_and(|old| old.kind() == Kind::Map);
        if !empty && both_maps {
            continue;
        }
        if overwrite || empty {
            into.insert(key, new);
        }
    }
    Ok(())
}

fn as_map(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map.clone()),
        Value::Object(object) => as_map(&object.underlying()?),
        _ => None,
    }
}
