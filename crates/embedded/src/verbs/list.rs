//! GET of a collection: selectors, pages, and which revision is meant.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Answer, Call};
use crate::kinds;
use crate::selector::Selection;
use crate::status::ApiError;
use crate::store::{Key, Stored};

/// Objects of a list and what its `metadata` says.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Stored>>,
    /// Token of the next page, empty on the last.
    pub(crate) next: String,
    pub(crate) remaining: Option<usize>,
}

/// The content of a continue token, of the same shape as the real server's.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    /// `<namespace>/<name>` of the last object sent.
    start: String,
}

const TOKEN_VERSION: &str = "meta.k8s.io/v1";
const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list \
    result. You can start a new list without the continue parameter, or use the continue token \
    in this response to retrieve the remainder of the results. Continuing with the provided \
    token results in an inconsistent list - objects that were created, modified, or deleted \
    between the time the first chunk was returned and now may show up in the list.";

pub(super) fn list(call: &Call<'_>) -> Result<Answer, ApiError> {
    page(call, &selection(call)?).map(Answer::List)
}

/// The selectors of a list or watch; a name in the path selects that object.
pub(crate) fn selection(call: &Call<'_>) -> Result<Selection, ApiError> {
    let query = call.query;
    let selection = Selection::parse(
        query.get("labelSelector"),
        query.get("fieldSelector"),
        &call.resource,
    )?;
    Ok(if call.path.name.is_empty() {
        selection
    } else {
        selection.named(&call.path.name)
    })
}

fn page(call: &Call<'_>, selection: &Selection) -> Result<Page, ApiError> {
    let limit = call.query.number("limit")?.unwrap_or(0);
    let token = call.query.get("continue");
    let store = &call.core.store;
    let collection = call.resource.storage();
    let wanted = wanted_revision(call)?;
    let (revision, after, all) = if token.is_empty() {
        if let Some(exact) = wanted {
            let all = store.list_at(&collection, exact).map_err(|gone| {
                ApiError::expired(format!(
                    "The resourceVersion for the provided list is too old: {exact} ({})",
                    gone.oldest
                ))
            })?;
            (exact, None, all.into_iter().collect())
        } else {
            let (revision, objects) = store.list(&collection, &call.path.namespace);
            (revision, None, keyed(objects))
        }
    } else {
        let token = decode(token)?;
        let after = token
            .start
            .split_once('/')
            .map(|(namespace, name)| Key::new(namespace, name))
            .ok_or_else(|| bad_token("start"))?;
        match u64::try_from(token.rv) {
            // A token of an inconsistent continuation goes on with what is there now.
            Err(_) => {
                let (revision, objects) = store.list(&collection, &call.path.namespace);
                (revision, Some(after), keyed(objects))
            }
            Ok(revision) => match store.list_at(&collection, revision) {
                Ok(all) => (revision, Some(after), all.into_iter().collect()),
                Err(_) => return Err(ApiError::expired_page(EXPIRED, encode(-1, &after))),
            },
        }
    };
    Ok(cut(call, selection, revision, after.as_ref(), all, limit))
}

fn keyed(objects: Vec<Arc<Stored>>) -> Vec<(Key, Arc<Stored>)> {
    use crate::meta;
    objects
        .into_iter()
        .map(|o| (Key::new(meta::namespace(&o.value), meta::name(&o.value)), o))
        .collect()
}

/// The exact revision asked for, if one is.
fn wanted_revision(call: &Call<'_>) -> Result<Option<u64>, ApiError> {
    let query = call.query;
    let matching = query.get("resourceVersionMatch");
    let text = query.get("resourceVersion");
    let forbidden = |why: &str| {
        ApiError::invalid_options("ListOptions", kinds::forbidden("resourceVersionMatch", why))
    };
    if !matching.is_empty() && text.is_empty() {
        return Err(forbidden(
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ));
    }
    if !query.get("continue").is_empty() && !text.is_empty() && text != "0" {
        return Err(ApiError::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    let Some(revision) = query.number("resourceVersion").map_err(|_| {
        ApiError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: \
                 strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })?
    else {
        return Ok(None);
    };
    let now = call.core.store.revision();
    if revision > now {
        return Err(ApiError::revision_too_large(revision, now));
    }
    let limited = query.number("limit")?.is_some_and(|limit| limit > 0);
    match matching {
        "Exact" if revision == 0 => Err(forbidden(
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        )),
        "Exact" => Ok(Some(revision)),
        // Without a match rule a limited list of a given revision means exactly that one.
        "" if limited && revision > 0 => Ok(Some(revision)),
        "" | "NotOlderThan" => Ok(None),
        other => {
            let supported = ["Exact", "NotOlderThan", ""];
            let flaw = kinds::not_supported("resourceVersionMatch", other, &supported);
            Err(ApiError::invalid_options("ListOptions", flaw))
        }
    }
}

fn cut(
    call: &Call<'_>,
    selection: &Selection,
    revision: u64,
    after: Option<&Key>,
    all: Vec<(Key, Arc<Stored>)>,
    limit: u64,
) -> Page {
    let namespace = &call.path.namespace;
    let mut chosen = all.into_iter().filter(|(key, object)| {
        (namespace.is_empty() || key.namespace == *namespace)
            && after.is_none_or(|after| key > after)
            && selection.matches(&object.value)
    });
    if limit == 0 {
        let objects = chosen.map(|(_, object)| object).collect();
        return Page {
            revision,
            objects,
            next: String::new(),
            remaining: None,
        };
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let taken: Vec<(Key, Arc<Stored>)> = chosen.by_ref().take(limit).collect();
    let left = chosen.count();
    let next = match taken.last() {
        Some((last, _)) if left > 0 => encode(i64::try_from(revision).unwrap_or(i64::MAX), last),
        _ => String::new(),
    };
    Page {
        revision,
        objects: taken.into_iter().map(|(_, object)| object).collect(),
        // The real server knows the rest only when no selector thins it out.
        remaining: (left > 0 && selection.is_everything()).then_some(left),
        next,
    }
}

fn encode(revision: i64, last: &Key) -> String {
    let token = Token {
        v: TOKEN_VERSION.to_owned(),
        rv: revision,
        start: format!("{}/{}", last.namespace, last.name),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn decode(token: &str) -> Result<Token, ApiError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|error| bad_token(&error.to_string()))?;
    let token: Token =
        serde_json::from_slice(&bytes).map_err(|error| bad_token(&error.to_string()))?;
    if token.v == TOKEN_VERSION {
        Ok(token)
    } else {
        Err(bad_token("version"))
    }
}

fn bad_token(why: &str) -> ApiError {
    ApiError::bad_request(format!("continue key is not valid: {why}"))
}
