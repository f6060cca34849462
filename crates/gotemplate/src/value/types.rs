//! Go types as functions declare them and `%T` prints them.

use std::borrow::Cow;
use std::fmt;

use super::{Kind, Value};

/// A Go type. The nested ones refer to statics, so that a type is a plain copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: any value, nil included.
    Any,
    /// `reflect.Value`: any value, and also none.
    Reflect,
    /// `bool`.
    Bool,
    /// `string`.
    String,
    /// A number type, by its kind.
    Number(Kind),
    /// A slice of another type: `[]string`; `[]uint8` is the type of [`Value::Bytes`].
    List(&'static Self),
    /// A map of strings to another type.
    Map(&'static Self),
    /// A named type, such as `time.Time`, that an [`Object`](super::Object) has.
    Named(&'static str),
}

impl Type {
    /// `int`.
    pub const INT: Self = Self::Number(Kind::Int);
    /// `int64`.
    pub const INT64: Self = Self::Number(Kind::Int64);
    /// `uint8`.
    pub const BYTE: Self = Self::Number(Kind::Uint8);
    /// `float64`.
    pub const FLOAT64: Self = Self::Number(Kind::Float64);
    /// `[]interface {}`.
    pub const LIST: Self = Self::List(&Self::Any);
    /// `[]string`.
    pub const STRINGS: Self = Self::List(&Self::String);
    /// `[]uint8`.
    pub const BYTES: Self = Self::List(&Self::BYTE);
    /// `map[string]interface {}`.
    pub const MAP: Self = Self::Map(&Self::Any);

    /// Whether untyped nil can be assigned to the type.
    pub fn can_be_nil(self) -> bool {
        matches!(
            self,
            Self::Any | Self::Reflect | Self::List(_) | Self::Map(_)
        )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Reflect => f.write_str("reflect.Value"),
            Self::Bool => f.write_str("bool"),
            Self::String => f.write_str("string"),
            Self::Number(kind) => f.write_str(kind.name()),
            Self::List(of) => write!(f, "[]{of}"),
            Self::Map(of) => write!(f, "map[string]{of}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Value {
    /// The value's type as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Self::Nil => Cow::Borrowed("<nil>"),
            Self::Str(_) => Cow::Borrowed("string"),
            Self::Bytes(_) => Cow::Borrowed("[]uint8"),
            Self::List(list) if list.elem() == Type::Any => Cow::Borrowed("[]interface {}"),
            Self::List(list) => Cow::Owned(format!("[]{}", list.elem())),
            Self::Map(map) if map.elem() == Type::Any => Cow::Borrowed("map[string]interface {}"),
            Self::Map(map) => Cow::Owned(format!("map[string]{}", map.elem())),
            Self::Object(object) => object.type_name(),
            number => Cow::Borrowed(number.kind().name()),
        }
    }

    /// Whether Go could assign the value to a variable of this type as it is.
    pub fn is_assignable_to(&self, to: Type) -> bool {
        match (self, to) {
            (_, Type::Any | Type::Reflect)
            | (Self::Bool(_), Type::Bool)
            | (Self::Str(_), Type::String)
            | (Self::Bytes(_), Type::BYTES) => true,
            (Self::List(list), Type::List(of)) => list.elem() == *of,
            (Self::Map(map), Type::Map(of)) => map.elem() == *of,
            (Self::Object(object), Type::Named(name)) => object.type_name() == name,
            // An unnamed type takes values of a named one that is made of it.
            (Self::Object(object), Type::List(_) | Type::Map(_)) => object
                .underlying()
                .is_some_and(|value| value.is_assignable_to(to)),
            (Self::Object(_), _) => false,
            (number, Type::Number(kind)) => number.kind() == kind,
            _ => false,
        }
    }
}
