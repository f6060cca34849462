//! Go structs and named types.

use std::any::Any;
use std::borrow::Cow;

use super::{Kind, Str, Value};
use crate::error::Error;
use crate::function::{Call, Signature};

/// A Go struct, a pointer to one, or a named type, with its fields and methods.
pub trait Object: Any + Send + Sync {
    /// The type's name as `%T` prints it: `*chart.Metadata`, `time.Duration`.
    fn type_name(&self) -> Cow<'static, str>;

    /// What it is made of: a struct unless [`underlying`](Self::underlying) says more.
    fn kind(&self) -> Kind {
        match self.underlying() {
            Some(value) => value.kind(),
            None => Kind::Struct,
        }
    }

    /// The map, list, string or number behind a named type that is no struct. Ranging, length,
    /// indexing, comparing and printing go by it.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// This named type made of another value of its kind; a plain value where there is none. Deep copies
    /// are made with it.
    fn with_underlying(&self, value: Value) -> Option<Value> {
        let _ = value;
        None
    }

    /// Whether a pointer is nil.
    fn is_nil(&self) -> bool {
        false
    }

    /// A struct's field.
    fn field(&self, name: &str) -> Option<Value> {
        let mut fields = self.fields().into_iter();
        fields.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All fields of a struct in their order, as `%v` prints them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The fields as `encoding/json` names them, without those that it leaves out; the same as
    /// [`fields`](Self::fields) for structs without tags.
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields()
    }

    /// The parameters of a method; `None` if there is no such method.
    fn method(&self, name: &str) -> Option<Signature> {
        let _ = name;
        None
    }

    /// Calls a method; its arguments have been checked against its signature.
    fn call(&self, name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let _ = call;
        Err(Error::new(format!("no method `{name}`")))
    }

    /// What `String()` or `Error()` returns, where the type has one of them.
    fn text(&self) -> Option<Str> {
        None
    }

    /// Whether it equals another object under `eq`; only asked for structs.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// For looking at the Rust type behind: `object.as_any().downcast_ref::<Time>()`.
    fn as_any(&self) -> &dyn Any;
}
