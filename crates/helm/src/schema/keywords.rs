//! The keywords of one schema, as far as they are checked.

use super::document::{Document, Fields, Id, field};

/// What one schema asks, borrowed from its document. Cheap enough to make for each value that meets the schema.
#[derive(Default)]
pub(super) struct Keywords<'d> {
    pub(super) types: Option<Types>,
    pub(super) constant: Option<Id>,
    pub(super) variants: Option<&'d [Id]>,
    pub(super) format: Option<&'d str>,
    pub(super) refers: bool,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) required: &'d [Id],
    /// `dependencies`, `dependentRequired` and `dependentSchemas`.
    pub(super) dependencies: [&'d Fields; 3],
    pub(super) properties: &'d Fields,
    pub(super) patterns: &'d Fields,
    pub(super) additional: Option<Id>,
    pub(super) names: Option<Id>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) unique: bool,
    pub(super) first_items: &'d [Id],
    pub(super) items: Option<Id>,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<usize>,
    pub(super) max_contains: Option<usize>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<Id>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) multiple_of: Option<f64>,
    open_minimum: bool,
    open_maximum: bool,
    pub(super) not: Option<Id>,
    pub(super) all_of: &'d [Id],
    pub(super) any_of: &'d [Id],
    pub(super) one_of: &'d [Id],
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) unevaluated_properties: Option<Id>,
}

/// The types that a schema allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    /// The validator keeps types as a set of bits and prints them in this order.
    const NAMES: [&str; 7] = [
        "null", "boolean", "number", "integer", "string", "array", "object",
    ];

    /// Of one name or several; none where no name is known.
    fn read(document: &Document, id: Id) -> Option<Self> {
        let names = match document.items(id) {
            Some(items) => items,
            None => &[id],
        };
        let names = names.iter().filter_map(|name| document.text(*name));
        let bits = names.fold(0, |bits, name| bits | Self::bit(name));
        (bits != 0).then_some(Self(bits))
    }

    fn bit(name: &str) -> u8 {
        let index = Self::NAMES.iter().position(|known| *known == name);
        index.map_or(0, |index| 1 << index)
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.0 & Self::bit(name) != 0
    }

    pub(super) fn names(self) -> String {
        let names = Self::NAMES.into_iter().filter(|name| self.has(name));
        names.collect::<Vec<_>>().join(" or ")
    }
}

/// The draft that a document names: 4, 6, 7, 2019 or 2020.
pub(super) fn draft(document: &Document) -> u16 {
    let named = document
        .fields(document.root())
        .and_then(|fields| document.text(field(fields, "$schema")?))
        .unwrap_or_default();
    [
        ("draft-04", 4),
        ("draft-06", 6),
        ("draft-07", 7),
        ("2019-09", 2019),
    ]
    .iter()
    .find(|(part, _)| named.contains(part))
    .map_or(2020, |(_, draft)| *draft)
}

impl<'d> Keywords<'d> {
    /// Those of a schema that is an object.
    pub(super) fn read(document: &'d Document, fields: &'d Fields, draft: u16) -> Self {
        let mut words = Self::default();
        for (name, id) in fields {
            words.take(document, name, *id, draft);
        }
        words.of_lists(document, fields);
        // Draft 4 has flags that change the meaning of the border.
        if words.open_minimum {
            words.above = words.minimum.take();
        }
        if words.open_maximum {
            words.below = words.maximum.take();
        }
        words
    }

    /// `items` is a list of schemas and `additionalItems` the rest, or, later, `prefixItems` and `items`.
    fn of_lists(&mut self, document: &'d Document, fields: &Fields) {
        let Some(listed) = self.items.and_then(|items| document.items(items)) else {
            return;
        };
        self.first_items = listed;
        self.items = field(fields, "additionalItems");
    }

    fn take(&mut self, document: &'d Document, name: &str, id: Id, draft: u16) {
        let count = || document.number(id).map(whole);
        let items = || document.items(id).unwrap_or_default();
        let fields = || document.fields(id).unwrap_or_default();
        match name {
            "type" => self.types = Types::read(document, id),
            "const" if draft >= 6 => self.constant = Some(id),
            "enum" => self.variants = document.items(id),
            "format" if draft < 2019 => self.format = document.text(id),
            "$ref" | "$dynamicRef" | "$recursiveRef" => self.refers = true,
            "minProperties" => self.min_properties = count(),
            "maxProperties" => self.max_properties = count(),
            "required" => self.required = items(),
            "dependencies" => self.dependencies[0] = fields(),
            "dependentRequired" => self.dependencies[1] = fields(),
            "dependentSchemas" => self.dependencies[2] = fields(),
            "properties" => self.properties = fields(),
            "patternProperties" => self.patterns = fields(),
            "additionalProperties" => self.additional = Some(id),
            "propertyNames" => self.names = Some(id),
            "unevaluatedProperties" => self.unevaluated_properties = Some(id),
            "minItems" => self.min_items = count(),
            "maxItems" => self.max_items = count(),
            "uniqueItems" => self.unique = document.flag(id) == Some(true),
            "prefixItems" => self.first_items = items(),
            "items" => self.items = Some(id),
            "contains" => self.contains = Some(id),
            "minContains" => self.min_contains = count(),
            "maxContains" => self.max_contains = count(),
            "minLength" => self.min_length = count(),
            "maxLength" => self.max_length = count(),
            "pattern" => self.pattern = Some(id),
            "minimum" => self.minimum = document.number(id),
            "maximum" => self.maximum = document.number(id),
            "exclusiveMinimum" => {
                self.above = document.number(id);
                self.open_minimum = document.flag(id) == Some(true);
            }
            "exclusiveMaximum" => {
                self.below = document.number(id);
                self.open_maximum = document.flag(id) == Some(true);
            }
            "multipleOf" => self.multiple_of = document.number(id),
            "not" => self.not = Some(id),
            "allOf" => self.all_of = items(),
            "anyOf" => self.any_of = items(),
            "oneOf" => self.one_of = items(),
            "if" if draft >= 7 => self.condition = Some(id),
            "then" if draft >= 7 => self.then = Some(id),
            "else" if draft >= 7 => self.otherwise = Some(id),
            _ => {}
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a negative count is 0, one too large cannot be reached"
)]
fn whole(number: f64) -> usize {
    number as usize
}
