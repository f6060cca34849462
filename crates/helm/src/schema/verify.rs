//! Whether a schema can be used, all of it, before any value meets it.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::{
    document::{Document, Fields, Id, Json},
    keywords::draft,
    reference,
};

/// What the references of a document lead to, by the schema that refers; or why the document is no schema: a pattern
/// that cannot be read, a reference that leads nowhere, something that is neither an object nor a boolean.
pub(super) fn document(document: &Document) -> Result<HashMap<Id, Id>, String> {
    let mut verifier = Verifier {
        document,
        draft: draft(document),
        seen: HashSet::new(),
        waiting: vec![("#", document.root())],
        targets: HashMap::new(),
    };
    while let Some((place, schema)) = verifier.waiting.pop() {
        if verifier.seen.insert(schema) {
            verifier.schema(&Place::Start(place), schema)?;
        }
    }
    Ok(verifier.targets)
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
    document: &'d Document,
    draft: u16,
    /// What references lead to, and was looked at from there.
    seen: HashSet<Id>,
    /// What references lead to, with the reference.
    waiting: Vec<(&'d str, Id)>,
    targets: HashMap<Id, Id>,
}

impl<'d> Verifier<'d> {
    fn schema(&mut self, place: &Place<'_>, schema: Id) -> Result<(), String> {
        match self.document.get(schema) {
            Json::Object(fields) => self.fields(place, schema, fields),
            Json::Scalar(scalar) if scalar.is_boolean() => Ok(()),
            _ => Err(format!(
                "{place} is no schema: it must be an object or a boolean"
            )),
        }
    }

    fn fields(&mut self, place: &Place<'_>, schema: Id, fields: &'d Fields) -> Result<(), String> {
        if let Some(to) = reference::of(self.document, fields) {
            let target = reference::follow(self.document, to)?;
            self.targets.insert(schema, target);
            if !self.seen.contains(&target) {
                self.waiting.push((to, target));
            }
        }
        for (key, value) in fields {
            let place = &Place::Below(place, key);
            match &**key {
                "pattern" => {
                    if let Some(pattern) = self.document.text(*value) {
                        check_regex(pattern)?;
                    }
                }
                "properties" => self.named(place, *value)?,
                "patternProperties" => {
                    self.named(place, *value)?;
                    for (pattern, _) in self.below(*value) {
                        check_regex(pattern)?;
                    }
                }
                "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    for (name, needs) in self.below(*value) {
                        if self.document.items(*needs).is_none() {
                            self.schema(&Place::Below(place, name), *needs)?;
                        }
                    }
                }
                "items" if self.document.items(*value).is_some() => self.several(place, *value)?,
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.several(place, *value)?,
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
                    self.schema(place, *value)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn below(&self, schemas: Id) -> &'d Fields {
        self.document.fields(schemas).unwrap_or_default()
    }

    fn named(&mut self, place: &Place<'_>, schemas: Id) -> Result<(), String> {
        let mut schemas = self.below(schemas).iter();
        schemas.try_for_each(|(name, schema)| self.schema(&Place::Below(place, name), *schema))
    }

    fn several(&mut self, place: &Place<'_>, schemas: Id) -> Result<(), String> {
        let schemas = self.document.items(schemas).unwrap_or_default();
        let mut schemas = schemas.iter().enumerate();
        schemas.try_for_each(|(index, schema)| self.schema(&Place::Item(place, index), *schema))
    }
}

/// Whether a pattern can be read. Compiling it costs a hundred times as much, and most patterns meet no value.
fn check_regex(pattern: &str) -> Result<(), String> {
    match regex_syntax::parse(pattern) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{pattern}` is no regular expression")),
    }
}
