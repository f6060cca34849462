//! Versions and constraints on them, and Sprig's functions on both.

mod constraint;
mod plain;
#[cfg(test)]
mod tests;
mod version;

use std::{any::Any, borrow::Cow, cmp::Ordering, sync::Arc};

pub use constraint::Constraints;
pub use version::Version;

use super::bind::{STRING, quote};
use crate::{
    error::Error,
    function::{Call, Functions, Signature},
    value::{Kind, Object, Str, Type, Value},
};

const NAME: &str = "*semver.Version";

pub(super) fn add(functions: &mut Functions) {
    functions.add("semver", Signature::of(&[STRING]), |call| {
        Ok(Value::object(Version::parse(&call.text(0))?))
    });
    functions.add("semverCompare", Signature::of(&[STRING, STRING]), |call| {
        let text = call.string(0);
        let Some(text) = text.as_utf8() else {
            return Err(format!("improper constraint: {}", quote(text.as_bytes())).into());
        };
        let constraints = Constraints::parse(text)?;
        let version = Version::parse(&call.text(1))?;
        Ok(Value::Bool(constraints.check(&version)))
    });
}

/// The other version that a method was given.
fn other(call: &Call<'_, '_>) -> Result<Arc<dyn Object>, Error> {
    match call.value(0) {
        Value::Object(object) => Ok(Arc::clone(object)),
        _ => Err(super::bind::NIL_DEREFERENCE.into()),
    }
}

impl Object for Version {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(NAME)
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String"
            | "IncPatch" | "IncMinor" | "IncMajor" => Signature::of(&[]),
            "Compare" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual"
            | "Equal" => Signature::of(&[Type::Named(NAME)]),
            "SetPrerelease" | "SetMetadata" => Signature::of(&[STRING]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let number = |number| Value::Uint(Kind::Uint64, number);
        let object = |version: Result<Self, String>| Ok(Value::object(version?));
        match name {
            "Major" => Ok(number(self.major)),
            "Minor" => Ok(number(self.minor)),
            "Patch" => Ok(number(self.patch)),
            "Prerelease" => Ok(Value::from(self.pre.as_str())),
            "Metadata" => Ok(Value::from(self.metadata.as_str())),
            "Original" => Ok(Value::from(self.original.as_str())),
            "String" => Ok(Value::from(self.to_string())),
            "IncPatch" => object(self.next_patch()),
            "IncMinor" => object(self.next_minor()),
            "IncMajor" => object(self.next_major()),
            "SetPrerelease" => object(self.with_prerelease(&call.text(0))),
            "SetMetadata" => object(self.with_metadata(&call.text(0))),
            _ => {
                let other = other(call)?;
                let other = other
                    .as_any()
                    .downcast_ref::<Self>()
                    .ok_or(super::bind::NIL_DEREFERENCE)?;
                let order = self.compare(other);
                Ok(match name {
                    "LessThan" => Value::Bool(order.is_lt()),
                    "LessThanEqual" => Value::Bool(order.is_le()),
                    "GreaterThan" => Value::Bool(order.is_gt()),
                    "GreaterThanEqual" => Value::Bool(order.is_ge()),
                    "Equal" => Value::Bool(order.is_eq()),
                    _ => Value::Int(match order {
                        Ordering::Less => -1,
                        Ordering::Equal => 0,
                        Ordering::Greater => 1,
                    }),
                })
            }
        }
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_string().into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            self.compare(other).is_eq()
                && self.metadata == other.metadata
                && self.original == other.original
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
