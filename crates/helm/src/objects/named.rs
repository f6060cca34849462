//! Maps with a type name of their own.

use std::{any::Any, borrow::Cow};

use trueup_gotemplate::{Map, Object, Value};

/// `chartutil.Values`: a map, but functions that ask for a plain one by a type assertion refuse it.
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

    fn as_any(&self) -> &dyn Any {
        self
    }
}
