//! DELETE of a collection.

use serde_json::{Value, json};

use super::{Answer, Call, DeleteOptions, delete, list};
use crate::meta;
use crate::status::ApiError;
use crate::store::Key;

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, ApiError> {
    let options = DeleteOptions::read(call)?;
    let selection = list::selection(call)?;
    let collection = call.resource.storage();
    let (revision, objects) = call.core.store.list(&collection, &call.path.namespace);
    let mut items: Vec<Value> = Vec::new();
    for object in objects
        .iter()
        .filter(|object| selection.matches(&object.value))
    {
        let key = Key::new(meta::namespace(&object.value), meta::name(&object.value));
        match delete::remove(call.core, &call.resource, &key, &options) {
            Ok(_) => items.push(object.value.clone()),
            // Somebody else was faster: gone is gone.
            Err(error) if error.code() == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if call.resource.custom.is_some() {
        meta::put(&mut metadata, "continue", "");
    }
    Ok(Answer::other(
        200,
        json!({
            "kind": call.resource.list_kind,
            "apiVersion": call.resource.api_version(),
            "metadata": metadata,
            "items": items,
        }),
    ))
}
