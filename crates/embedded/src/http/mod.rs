//! From an HTTP request to an answer on the wire.
//!
//! In: a request with its whole body. Out: a response, or a cut connection when a fault says so.
//! This is where the request log is written and faults strike; what verbs mean lives in `verbs`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use sha2::{Digest as _, Sha256};

pub(crate) mod accept;
pub(crate) mod query;
mod render;
pub(crate) mod reply;
pub(crate) mod target;

use accept::{Accepted, Form};
use query::Query;
use reply::{Cut, Reply, ReplyBody};
use target::{ResourcePath, Target};

use crate::discovery;
use crate::faults::{Boundary, Fault, Moment, Verdict};
use crate::log::{Entry, RequestInfo};
use crate::server::core::Core;
use crate::status::ApiError;
use crate::verbs::{self, Call, Warnings};
use crate::watch;

pub(crate) use render::{partial, representation};

/// A request taken apart.
#[derive(Debug)]
struct Parsed {
    target: Target,
    query: Query,
    info: RequestInfo,
    manager: String,
    accept: String,
    content_type: String,
    body: Bytes,
}

/// Answers a request; an error cuts the connection.
pub(crate) async fn serve(
    core: Arc<Core>,
    request: Request<Bytes>,
) -> Result<Response<ReplyBody>, Cut> {
    let entry = entry(&request);
    let parsed = parse(request, &entry);
    let index = core.log.begin(entry.clone());
    let boundary = |moment| Boundary {
        moment,
        index,
        info: entry.info.clone(),
        user_agent: entry.user_agent.clone(),
        field_manager: entry.field_manager.clone(),
        dry_run: entry.dry_run,
    };
    let fault = match core
        .faults
        .hook()
        .map(|hook| hook(&boundary(Moment::Before)))
    {
        Some(Verdict::Cut) => Some(Fault::ResetBefore),
        Some(Verdict::Fault(fault)) => Some(fault),
        Some(Verdict::Continue) | None => core.faults.next(&entry.info),
    };
    if let Some(fault) = &fault {
        core.log.fault(index, fault.to_string());
    }
    let refused = match &fault {
        Some(Fault::ResetBefore) => return Err(Cut),
        Some(Fault::Latency(time)) => {
            tokio::time::sleep(*time).await;
            None
        }
        Some(Fault::TooManyRequests { retry_after }) => Some(ApiError::too_many_requests(
            "Too many requests, please try again later.",
            *retry_after,
        )),
        Some(Fault::Status(code)) => Some(ApiError::of_code(*code)),
        _ => None,
    };
    let reply = match refused {
        Some(error) => Reply::error(&error),
        None => {
            dispatch(&core, &parsed, fault.as_ref()).unwrap_or_else(|error| Reply::error(&error))
        }
    };
    let after = core
        .faults
        .hook()
        .map(|hook| hook(&boundary(Moment::After)));
    let cut = matches!(
        after,
        Some(Verdict::Cut | Verdict::Fault(Fault::ResetAfter))
    );
    if cut || fault == Some(Fault::ResetAfter) {
        core.log.fault(index, Fault::ResetAfter.to_string());
        return Err(Cut);
    }
    core.log.answer(index, reply.code);
    Ok(reply.into_response())
}

fn header<'a>(request: &'a Request<Bytes>, name: &header::HeaderName) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// What the log keeps of a request.
fn entry(request: &Request<Bytes>) -> Entry {
    let query_text = request.uri().query().unwrap_or_default();
    let query = Query::parse(query_text);
    let user_agent = header(request, &header::USER_AGENT);
    let body = request.body();
    Entry {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: query_text.to_owned(),
        info: info(
            request.method(),
            &target::parse(request.uri().path()),
            &query,
        ),
        user_agent: user_agent.to_owned(),
        content_type: header(request, &header::CONTENT_TYPE).to_owned(),
        field_manager: manager(&query, user_agent),
        dry_run: query.get("dryRun") == "All",
        body_hash: if body.is_empty() {
            String::new()
        } else {
            hex(&Sha256::digest(body))
        },
        ..Entry::default()
    }
}

fn parse(request: Request<Bytes>, entry: &Entry) -> Parsed {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    Parsed {
        target: target::parse(request.uri().path()),
        info: entry.info.clone(),
        manager: entry.field_manager.clone(),
        accept: header(&request, &header::ACCEPT).to_owned(),
        content_type: header(&request, &header::CONTENT_TYPE).to_owned(),
        query,
        body: request.into_body(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// `fieldManager`, or the first word of the user agent as the real server takes it.
fn manager(query: &Query, user_agent: &str) -> String {
    const LONGEST: usize = 128;
    let given = query.get("fieldManager");
    if !given.is_empty() {
        return given.to_owned();
    }
    let word = user_agent.split('/').next().unwrap_or_default();
    let word: String = word
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    if word.is_empty() {
        "unknown".to_owned()
    } else {
        word
    }
}

/// The RBAC words of a request.
fn info(method: &Method, target: &Target, query: &Query) -> RequestInfo {
    let Target::Resource(path) = target else {
        return RequestInfo {
            verb: method.as_str().to_ascii_lowercase(),
            ..RequestInfo::default()
        };
    };
    let watch = path.watch_prefix || query.flag("watch");
    let verb = match (method.as_str(), path.name.is_empty()) {
        ("GET" | "HEAD", _) if watch && path.subresource.is_empty() => "watch",
        ("GET" | "HEAD", true) => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "deletecollection",
        ("DELETE", false) => "delete",
        _ => "",
    };
    RequestInfo {
        verb: verb.to_owned(),
        group: path.group.clone(),
        version: path.version.clone(),
        resource: path.resource.clone(),
        subresource: path.subresource.clone(),
        namespace: if path.resource == "namespaces" && path.group.is_empty() {
            path.name.clone()
        } else {
            path.namespace.clone()
        },
        name: path.name.clone(),
    }
}

fn dispatch(core: &Arc<Core>, request: &Parsed, fault: Option<&Fault>) -> Result<Reply, ApiError> {
    match &request.target {
        Target::Resource(path) => resource(core, request, path, fault),
        other => {
            if !matches!(request.info.verb.as_str(), "get" | "head") {
                return Err(ApiError::method_not_allowed());
            }
            let accepted = accept::negotiate(&request.accept);
            discovery::answer(core, other, &request.accept, accepted)
        }
    }
}

fn resource(
    core: &Arc<Core>,
    request: &Parsed,
    path: &ResourcePath,
    fault: Option<&Fault>,
) -> Result<Reply, ApiError> {
    let found = core
        .registry()
        .get(&path.group, &path.version, &path.resource);
    let Some(resource) = found.filter(|_| !path.rest) else {
        return Ok(discovery::nothing_here(core, path));
    };
    let misplaced = !resource.namespaced() && !path.namespace.is_empty();
    let homeless = resource.namespaced() && path.namespace.is_empty() && !path.name.is_empty();
    if misplaced || homeless {
        return Err(ApiError::no_such_resource());
    }
    let accepted = accept::negotiate(&request.accept)?;
    let warnings = Warnings::default();
    let call = Call {
        core,
        resource,
        path,
        query: &request.query,
        info: &request.info,
        manager: &request.manager,
        content_type: &request.content_type,
        body: &request.body,
        warnings: &warnings,
    };
    if request.info.verb == "watch" {
        return watch::start(&call, accepted, fault);
    }
    let mut reply = match verbs::run(&call) {
        Ok(answer) => render::reply(&call, answer, &accepted),
        Err(error) => Reply::error(&error),
    };
    reply.warnings = warnings.into_texts();
    Ok(reply)
}

/// The plain form of what was accepted, for bodies that have but one.
fn plain(accepted: &Accepted) -> Accepted {
    Accepted {
        form: Form::Object,
        version: String::new(),
        yaml: accepted.yaml,
    }
}
