//! The built-in resources, read from `builtin.tsv`.

use std::sync::Arc;

use super::{GroupVersion, Resource, Scope, Subresource};

const TABLE: &str = include_str!("builtin.tsv");
const ALL_VERBS: &str = "create,delete,deletecollection,get,list,patch,update,watch";

/// All built-in group versions in the real server's order.
pub(super) fn table() -> Vec<GroupVersion> {
    let mut groups: Vec<GroupVersion> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let Some(resource) = parse(line) else {
            continue;
        };
        let resource = Arc::new(resource);
        match groups.last_mut() {
            Some(gv) if gv.group == resource.group && gv.version == resource.version => {
                gv.resources.push(resource);
            }
            _ => groups.push(GroupVersion {
                group: resource.group.clone(),
                version: resource.version.clone(),
                resources: vec![resource],
            }),
        }
    }
    groups
}

/// One line of the table; `None` for a malformed one, which a test rules out.
pub(super) fn parse(line: &str) -> Option<Resource> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let group = dash(next()?);
    let version = next()?.to_owned();
    let plural = next()?.to_owned();
    let singular = next()?.to_owned();
    let kind = next()?.to_owned();
    let scope = match next()? {
        "Namespaced" => Scope::Namespaced,
        "Cluster" => Scope::Cluster,
        _ => return None,
    };
    let verbs = match next()? {
        "*" => words(ALL_VERBS),
        some => words(some),
    };
    let short_names = words(&dash(next()?));
    let categories = words(&dash(next()?));
    let subresources = dash(next()?)
        .split_whitespace()
        .map(subresource)
        .collect::<Option<Vec<_>>>()?;
    let list_kind = format!("{kind}List");
    Some(Resource {
        group,
        version,
        plural,
        singular,
        kind,
        list_kind,
        scope,
        verbs,
        short_names,
        categories,
        subresources,
        custom: None,
    })
}

fn subresource(text: &str) -> Option<Subresource> {
    let (name, rest) = text.split_once(':')?;
    let (gvk, verbs) = rest.split_once(':')?;
    let mut gvk = gvk.split('/');
    Some(Subresource {
        name: name.to_owned(),
        group: gvk.next()?.to_owned(),
        version: gvk.next()?.to_owned(),
        kind: gvk.next()?.to_owned(),
        verbs: words(verbs),
    })
}

fn dash(text: &str) -> String {
    if text == "-" {
        String::new()
    } else {
        text.to_owned()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How many lines of the table are data.
#[cfg(test)]
pub(super) fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#'))
}
