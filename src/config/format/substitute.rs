//! `substitute` of a phase.

use crate::config::{
    decode::{Field, Shape, Type, Value},
    names,
    reconcile::KindPattern,
    substitute::{FieldPath, Substitution, check_file_pattern},
};

pub(super) const SUBSTITUTE: Shape = Shape {
    name: "a substitution rule",
    title: "Substitute",
    about: "Objects that fit every part given; at least one part is given.",
    fields: &[
        Field::optional(
            "kinds",
            Type::List(&Type::Text("`Kind` or `Kind.group`")),
            "Objects of one of these kinds.",
        ),
        Field::optional(
            "files",
            Type::List(&Type::Text("a path with `*` and `?`")),
            "Objects written in a file whose path in the repository fits one of these; `*` stands \
             for any characters, `/` among them.",
        ),
        Field::optional(
            "fields",
            Type::List(&Type::Text("keys with `/` between them")),
            "Only the values at and below these fields: `metadata/annotations`. A list on the way \
             means every item of it; `\\/` is a slash inside a key.",
        ),
    ],
    one_of: &[],
    example: r"kinds: [ServiceAccount]
fields: [metadata/annotations]",
};

pub(super) fn decode(value: Value<'_>) -> Option<Vec<Substitution>> {
    if value.is_bool() {
        let all = value.bool()?;
        return Some(if all {
            vec![Substitution::default()]
        } else {
            Vec::new()
        });
    }
    if value.is_scalar() {
        value.wrong_type(
            "`true`, `false` or a list of rules",
            "write `true`, `false` or a list",
        );
        return None;
    }
    Some(value.list()?.into_iter().filter_map(decode_rule).collect())
}

fn decode_rule(value: Value<'_>) -> Option<Substitution> {
    let fields = value.fields(&SUBSTITUTE)?;
    let lists =
        ["kinds", "files", "fields"].map(|name| fields.optional(name).and_then(Value::list));
    if lists.iter().flatten().flatten().next().is_none() {
        value.invalid(
            "a substitution rule needs at least one of `kinds`, `files` and `fields`",
            "write `substitute: true` for all objects of the phase",
        );
        return None;
    }
    let [kinds, files, paths] = lists.map(Option::unwrap_or_default);
    Some(Substitution {
        kinds: kinds
            .into_iter()
            .filter_map(|item| item.text_where(names::kind))
            .map(|text| KindPattern::new(text.value))
            .collect(),
        files: files
            .into_iter()
            .filter_map(|item| item.text_where(check_file_pattern))
            .map(|text| text.value)
            .collect(),
        fields: paths.into_iter().filter_map(decode_path).collect(),
    })
}

fn decode_path(value: Value<'_>) -> Option<FieldPath> {
    let text = value.text()?;
    match FieldPath::parse(&text) {
        Ok(path) => Some(path),
        Err(message) => {
            value.invalid(
                message,
                "write keys with `/` between them, such as `metadata/annotations`",
            );
            None
        }
    }
}
