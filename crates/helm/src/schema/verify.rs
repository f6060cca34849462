//! Whether a schema can be compiled, all of it, without doing so.

use std::{collections::HashSet, fmt};

use serde_json::{Map, Value};

use super::compile::{draft, refer, reference, regex};

/// Why the document is no schema, if it is none: a pattern that cannot be read, a reference that leads nowhere,
/// something that is neither an object nor a boolean.
pub(super) fn document(document: &Value) -> Result<(), String> {
    let mut verifier = Verifier {
        document,
        draft: draft(document),
        referred: HashSet::new(),
        waiting: vec![("#".to_owned(), document)],
    };
    while let Some((place, schema)) = verifier.waiting.pop() {
        verifier.schema(&Place::Start(&place), schema)?;
    }
    Ok(())
}

/// Where a schema is; most are never told, so that they are put together only when one is.
enum Place<'p> {
    Start(&'p str),
    Below(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(place) => f.write_str(place),
            Self::Below(above, part) => {
                let part = part.replace('~', "~0").replace('/', "~1");
                write!(f, "{above}/{part}")
            }
            Self::Item(above, index) => write!(f, "{above}/{index}"),
        }
    }
}

struct Verifier<'d> {
    document: &'d Value,
    draft: u16,
    /// The references that were followed.
    referred: HashSet<&'d str>,
    /// What references lead to.
    waiting: Vec<(String, &'d Value)>,
}

impl<'d> Verifier<'d> {
    fn schema(&mut self, place: &Place<'_>, schema: &'d Value) -> Result<(), String> {
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(fields) => self.fields(place, fields),
            _ => Err(format!(
                "{place} is no schema: it must be an object or a boolean"
            )),
        }
    }

    fn fields(&mut self, place: &Place<'_>, fields: &'d Map<String, Value>) -> Result<(), String> {
        if let Some(to) = reference(fields)
            && self.referred.insert(to)
        {
            self.waiting.push(refer(self.document, to)?);
        }
        for (key, value) in fields {
            let place = &Place::Below(place, key);
            match key.as_str() {
                "pattern" => {
                    if let Some(pattern) = value.as_str() {
                        regex(pattern)?;
                    }
                }
                "properties" => self.named(place, value)?,
                "patternProperties" => {
                    self.named(place, value)?;
                    for (pattern, _) in value.as_object().into_iter().flatten() {
                        regex(pattern)?;
                    }
                }
                "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    for (name, needs) in value.as_object().into_iter().flatten() {
                        if !needs.is_array() {
                            self.schema(&Place::Below(place, name), needs)?;
                        }
                    }
                }
                "items" if value.is_array() => self.several(place, value)?,
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.several(place, value)?,
                "if" | "then" | "else" if self.draft < 7 => {}
                "additionalProperties"
                | "propertyNames"
                | "unevaluatedProperties"
                | "items"
                | "additionalItems"
                | "contains"
                | "not"
                | "if"
                | "then"
                | "else" => {
                    self.schema(place, value)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn named(&mut self, place: &Place<'_>, schemas: &'d Value) -> Result<(), String> {
        let mut schemas = schemas.as_object().into_iter().flatten();
        schemas.try_for_each(|(name, schema)| self.schema(&Place::Below(place, name), schema))
    }

    fn several(&mut self, place: &Place<'_>, schemas: &'d Value) -> Result<(), String> {
        let schemas = schemas.as_array().into_iter().flatten();
        schemas
            .enumerate()
            .try_for_each(|(index, schema)| self.schema(&Place::Item(place, index), schema))
    }
}
