//! `ValueAddTransformer`: a value in a field of selected objects, or in a path that the field holds.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind};

use super::{Namespace, Specs, Subjects, Transform, matcher, misfit};
use crate::{
    Context,
    load::Selector,
    node::{self, Misfit, Write},
    resource::{Matcher, ResMap},
};

/// Where a value goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueTarget {
    /// All objects where absent.
    pub(crate) selector: Option<Selector>,
    pub(crate) path: String,
    /// From 1, the part of a file path that the value is put before; 0 replaces the whole.
    pub(crate) position: i64,
}

/// Puts a value into fields.
pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<(ValueTarget, Option<Matcher>)>,
}

impl ValueAdd {
    pub(crate) fn new(value: String, targets: Vec<ValueTarget>) -> Result<Self, Diagnostic> {
        let targets = targets
            .into_iter()
            .map(|target| {
                let matcher = target.selector.as_ref().map(matcher).transpose()?;
                Ok((target, matcher))
            })
            .collect::<Result<_, Diagnostic>>()?;
        Ok(Self { value, targets })
    }

    fn write(&self, doc: &mut Document, target: &ValueTarget) -> Result<(), Misfit> {
        let path = node::split_path(&target.path, '/');
        let root = doc.root();
        let Some(field) = node::lookup_create(doc, root, &path, Kind::Scalar)? else {
            return Ok(());
        };
        node::expect(doc, field, Kind::Scalar)?;
        let new = match usize::try_from(target.position) {
            Ok(position) if position > 0 => insert_part(
                doc.text(field).unwrap_or_default(),
                position - 1,
                &self.value,
            ),
            _ => self.value.clone(),
        };
        if new.is_empty() {
            return Ok(());
        }
        node::write_scalar(doc, field, &new, Write::Raw)
    }
}

/// Puts a part into a file path; position 0 is before the first.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    if part.is_empty() {
        return path.to_owned();
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let joined = parts.join("/");
    if absolute {
        format!("/{joined}")
    } else {
        joined
    }
}

impl Transform for ValueAdd {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let schemas = context.schemas();
        let mut complaints = Diagnostics::new();
        for (target, matcher) in &self.targets {
            let namespace = (target.path == "metadata/namespace").then(|| Namespace {
                value: self.value.clone(),
                specs: Specs::default(),
                unset_only: false,
                subjects: Subjects::DefaultOnly,
            });
            for resource in resources.edit() {
                if !matcher
                    .as_ref()
                    .is_none_or(|matcher| matcher.accepts(resource))
                {
                    continue;
                }
                let written = match &namespace {
                    Some(namespace) => namespace.write_all(resource),
                    None => self.write(&mut resource.doc, target),
                };
                if let Err(wrong) = written {
                    complaints.push(misfit(resource, &wrong, "adding a value"));
                }
                resource.sync(&schemas);
            }
        }
        complaints.into_result(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_into_a_path_where_it_is_told() {
        for (path, position, expected) in [
            ("a/b", 0, "x/a/b"),
            ("a/b", 1, "a/x/b"),
            ("a/b", 9, "a/b/x"),
            ("/a/b", 0, "/x/a/b"),
            ("", 0, "x"),
        ] {
            assert_eq!(
                insert_part(path, position, "x"),
                expected,
                "{path} {position}"
            );
        }
    }
}
