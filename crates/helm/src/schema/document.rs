//! The text of a schema as an arena: whatever refers to a part of it is an index.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A value of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

/// The fields of an object: in the order of their names, none twice.
pub(super) type Fields = [(Box<str>, Id)];

/// A value.
#[derive(Debug)]
pub(super) enum Json {
    /// Anything that holds nothing else.
    Scalar(Value),
    Array(Box<[Id]>),
    Object(Box<Fields>),
}

/// All values of a schema's text.
#[derive(Debug, Default)]
pub(super) struct Document {
    values: Vec<Json>,
    root: Option<Id>,
}

impl Document {
    /// Reads a text; of equal names the last wins.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let mut document = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let told = |error: serde_json::Error| error.to_string();
        let root = document.deserialize(&mut deserializer).map_err(told)?;
        deserializer.end().map_err(told)?;
        document.root = Some(root);
        Ok(document)
    }

    pub(super) fn root(&self) -> Id {
        self.root.unwrap_or(Id(0))
    }

    pub(super) fn get(&self, id: Id) -> &Json {
        const NULL: &Json = &Json::Scalar(Value::Null);
        self.values.get(id.0 as usize).unwrap_or(NULL)
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Json::Scalar(scalar) => scalar.as_str(),
            _ => None,
        }
    }

    pub(super) fn flag(&self, id: Id) -> Option<bool> {
        match self.get(id) {
            Json::Scalar(scalar) => scalar.as_bool(),
            _ => None,
        }
    }

    pub(super) fn number(&self, id: Id) -> Option<f64> {
        match self.get(id) {
            Json::Scalar(scalar) => scalar.as_f64(),
            _ => None,
        }
    }

    /// The items of an array.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The fields of an object.
    pub(super) fn fields(&self, id: Id) -> Option<&Fields> {
        match self.get(id) {
            Json::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// What a JSON pointer (RFC 6901) leads to.
    pub(super) fn pointer(&self, pointer: &str) -> Option<Id> {
        let mut at = self.root();
        for part in pointer.split('/').skip(1) {
            at = match self.get(at) {
                Json::Object(fields) => field(fields, &part.replace("~1", "/").replace("~0", "~"))?,
                Json::Array(items) => *items.get(part.parse::<usize>().ok()?)?,
                Json::Scalar(_) => return None,
            };
        }
        Some(at)
    }

    fn add(&mut self, value: Json) -> Id {
        // A text of a chart has less than 2³² values: its size is bounded.
        let id = Id(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        id
    }
}

/// A field by its name.
pub(super) fn field(fields: &Fields, name: &str) -> Option<Id> {
    let at = fields.binary_search_by(|(known, _)| (**known).cmp(name));
    at.ok().and_then(|at| fields.get(at)).map(|(_, id)| *id)
}

impl<'de> DeserializeSeed<'de> for &mut Document {
    type Value = Id;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Id, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Document {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(Value::Null)))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(flag.into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(number.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Id, E> {
        Ok(self.add(Json::Scalar(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut read: A) -> Result<Id, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = read.next_element_seed(&mut *self)? {
            items.push(item);
        }
        Ok(self.add(Json::Array(items.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut read: A) -> Result<Id, A::Error> {
        let mut fields: Vec<(Box<str>, Id)> = Vec::new();
        while let Some(name) = read.next_key()? {
            fields.push((name, read.next_value_seed(&mut *self)?));
        }
        // Later ones first among equals, as `dedup_by_key` keeps the first.
        fields.reverse();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields.dedup_by(|a, b| a.0 == b.0);
        Ok(self.add(Json::Object(fields.into())))
    }
}
