//! Maps with a type name of their own.

use std::{any::Any, borrow::Cow};

use trueup_gotemplate::{Call, Error, Map, Object, Signature, Type, Value};

use crate::{functions::to_yaml, go};

/// `chartutil.Values`: a map with methods, which functions that ask for a plain one by a type assertion refuse.
pub(crate) fn values(map: Map) -> Value {
    Value::object(Values(map))
}

struct Values(Map);

impl Object for Values {
    fn type_name(&self) -> Cow<'static, str> {
        "chartutil.Values".into()
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Map(self.0.clone()))
    }

    fn with_underlying(&self, value: Value) -> Option<Value> {
        match value {
            Value::Map(map) => Some(values(map)),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "AsMap" | "YAML" => Some(Signature::of(&[])),
            "Table" | "PathValue" => Some(Signature::of(&[Type::String])),
            _ => None,
        }
    }

    fn call(&self, name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let path = call.text(0);
        match name {
            "AsMap" => Ok(Value::Map(self.0.clone())),
            "YAML" => {
                let text = to_yaml(&Value::Map(self.0.clone()));
                Ok(Value::from(text.unwrap_or_default() + "\n"))
            }
            "Table" => table(&self.0, path.split('.')).map(values),
            "PathValue" if path.is_empty() => Err(Error::new("YAML path cannot be empty")),
            "PathValue" => path_value(&self.0, &path),
            _ => Err(Error::new(format!("no method `{name}`"))),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The table at the end of a path of tables.
fn table<'p>(values: &Map, mut path: impl Iterator<Item = &'p str>) -> Result<Map, Error> {
    path.try_fold(values.clone(), |at, name| {
        let inner = at.get(name).and_then(|value| value.underlying());
        match inner {
            Some(Value::Map(inner)) => Ok(inner),
            _ => Err(Error::new(format!("{} is not a table", go::quote(name)))),
        }
    })
}

/// What is no table at the end of a path of tables.
fn path_value(values: &Map, path: &str) -> Result<Value, Error> {
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    let above = above.split('.').filter(|_| !above.is_empty());
    match table(values, above).map(|table| table.get(name)) {
        Ok(Some(value)) if value.as_map().is_none() => Ok(value),
        _ => Err(Error::new(format!("{} is not a value", go::quote(name)))),
    }
}
