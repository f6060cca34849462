//! GET of an object.

use super::{Answer, Call};
use crate::status::ApiError;

pub(super) fn get(call: &Call<'_>) -> Result<Answer, ApiError> {
    if let Some(revision) = call.query.number("resourceVersion")?
        && revision > call.core.store.revision()
    {
        return Err(ApiError::revision_too_large(
            revision,
            call.core.store.revision(),
        ));
    }
    Ok(Answer::object(200, call.existing()?))
}
