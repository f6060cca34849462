//! What is made of a chart once and serves every release of it: parsed templates, compiled schemas.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use trueup_gotemplate::Templates;

use super::Data;
use crate::schema::Checker;

/// Texts by the path under which they are templates.
type Sources = Vec<(String, Data)>;

/// Which templates a chart has depends on its values, by way of the charts that they switch on: so many sets of them
/// are kept.
const MAX_SETS: usize = 4;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Prepared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sets: Mutex<Vec<(Sources, Templates)>>,
    schema: OnceLock<Result<Checker, String>>,
}

impl Prepared {
    /// The templates of these sources, parsed by `parse` if they have not been yet.
    pub(crate) fn templates<E>(
        &self,
        sources: Sources,
        parse: impl FnOnce(&Sources) -> Result<Templates, E>,
    ) -> Result<Templates, E> {
        let is_same = |kept: &Sources| {
            kept.len() == sources.len()
                && kept
                    .iter()
                    .zip(&sources)
                    .all(|(a, b)| a.1.is_same(&b.1) && a.0 == b.0)
        };
        let lock = || self.0.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, templates)) = lock().iter().find(|(kept, _)| is_same(kept)) {
            return Ok(templates.clone());
        }
        let templates = parse(&sources)?;
        let mut sets = lock();
        sets.truncate(MAX_SETS - 1);
        sets.insert(0, (sources, templates.clone()));
        Ok(templates)
    }

    /// The chart's own schema, read by `read` if it has not been yet.
    pub(crate) fn schema(
        &self,
        read: impl FnOnce() -> Result<Checker, String>,
    ) -> &Result<Checker, String> {
        self.0.schema.get_or_init(read)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}
