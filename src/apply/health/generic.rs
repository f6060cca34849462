//! Rules for any kind: generations and standard conditions.

use super::{Health, Object};

/// In progress, while the controller has not seen the newest generation.
pub(super) fn unobserved(object: Object<'_>) -> Option<Health> {
    let generation = object.number(&["metadata", "generation"])?;
    let observed = object.number(&["status", "observedGeneration"])?;
    (observed < generation).then(|| {
        Health::in_progress(format!(
            "generation {generation} is not observed yet, the controller is at {observed}"
        ))
    })
}

/// What `Stalled`, `Reconciling` and `Ready` say.
pub(super) fn conditions(object: Object<'_>) -> Health {
    if let Some(stalled) = object
        .condition("Stalled")
        .filter(|condition| condition.is("True"))
    {
        return Health::failed(stalled.says());
    }
    if let Some(busy) = object
        .condition("Reconciling")
        .filter(|condition| condition.is("True"))
    {
        return Health::in_progress(busy.says());
    }
    match object.condition("Ready") {
        Some(ready) if ready.is("True") => Health::current(),
        Some(ready) => Health::in_progress(ready.says()),
        None => Health::current(),
    }
}
