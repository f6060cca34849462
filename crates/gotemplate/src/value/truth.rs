//! What counts as true.

use super::{Kind, Value};

impl Value {
    /// Go templates' truth: not the zero of its type, not empty. Structs are true.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) | Self::Int64(n) => *n != 0,
            Self::SmallInt(_, n) => *n != 0,
            Self::Uint(_, n) => *n != 0,
            Self::Float(n) => *n != 0.0,
            Self::Float32(n) => *n != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => match object.kind() {
                Kind::Struct | Kind::Func => true,
                Kind::Ptr => !object.is_nil(),
                _ => object.underlying().is_some_and(|value| value.truth()),
            },
        }
    }
}
