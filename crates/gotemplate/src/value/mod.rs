//! Values as a Go program holds them: what `reflect` sees of them decides how templates treat them.
//!
//! A [`Value`] is 24 bytes and cheap to clone: strings, lists and maps are shared. Maps have Go's
//! reference semantics (`set` in a template changes the map that others hold too), lists and strings
//! never change. Values of YAML documents are converted a collection at a time, when first looked at.
//! Nothing here prints: that is for `fmt`.

mod buffer;
mod kind;
mod list;
mod map;
mod object;
mod release;
mod text;
mod truth;
mod types;
mod yaml;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use buffer::Buffer;
pub use kind::Kind;
pub use list::List;
pub use map::Map;
pub use object::Object;
pub use text::Str;
pub use types::Type;

/// A Go value.
#[derive(Clone, Default)]
pub enum Value {
    /// No value: untyped nil, and what Go's `reflect` calls invalid.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `int64`.
    Int64(i64),
    /// `int8`, `int16` or `int32` (`rune`), by its kind.
    SmallInt(Kind, i32),
    /// `uint`, `uint8` (`byte`), `uint16`, `uint32` or `uint64`, by its kind.
    Uint(Kind, u64),
    /// `float64`: any number that YAML or JSON gives.
    Float(f64),
    /// `float32`.
    Float32(f32),
    /// `complex128`: the literal `1i`.
    Complex(f64, f64),
    /// `string`.
    Str(Str),
    /// `[]byte`, printed by Go's `%T` as `[]uint8`.
    Bytes(Arc<Str>),
    /// A slice; `[]interface {}` unless its element type says otherwise.
    List(List),
    /// A map with string keys; `map[string]interface {}` unless its element type says otherwise.
    Map(Map),
    /// A Go struct, a pointer to one, or a named type with methods.
    Object(Arc<dyn Object>),
}

impl Value {
    /// A `string`.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A `[]byte`.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Arc::new(Str::from_bytes(bytes)))
    }

    /// A `uint8`.
    pub fn byte(byte: u8) -> Self {
        Self::Uint(Kind::Uint8, u64::from(byte))
    }

    /// A `map[string]interface {}`; of equal keys the last wins.
    pub fn map<K: Into<Str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// A `[]interface {}`.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(List::typed(Type::String, items))
    }

    /// A Go object.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Arc::new(object))
    }

    /// Whether this is untyped nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The text of a `string`.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// A list.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The integer in a value of any signed integer kind.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) | Self::Int64(n) => Some(*n),
            Self::SmallInt(_, n) => Some(i64::from(*n)),
            Self::Object(object) => object.underlying()?.as_int(),
            _ => None,
        }
    }

    /// The integer in a value of any unsigned integer kind.
    pub fn as_uint(&self) -> Option<u64> {
        match self {
            Self::Uint(_, n) => Some(*n),
            Self::Object(object) => object.underlying()?.as_uint(),
            _ => None,
        }
    }

    /// The number in a `float64` or `float32`.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(n) => Some(*n),
            Self::Float32(n) => Some(f64::from(*n)),
            Self::Object(object) => object.underlying()?.as_float(),
            _ => None,
        }
    }

    /// The value behind a named type that is no struct (`time.Duration` is an `int64`); other values
    /// stand for themselves.
    pub fn underlying(&self) -> Option<Self> {
        match self {
            Self::Object(object) => object.underlying(),
            other => Some(other.clone()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::Str(text)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl std::fmt::Debug for Value {
    /// The type only: the value may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}
