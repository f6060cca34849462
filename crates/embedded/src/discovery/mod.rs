//! Everything a client asks before it knows the resources: versions, groups, schemas, health.
//!
//! In: a target that names no resource. Out: its document. It reads the registry only.

use serde_json::{Value, json};

mod aggregated;
mod openapi;
mod plain;

use crate::http::accept::{Accepted, Form};
use crate::http::reply::Reply;
use crate::http::target::{ResourcePath, Target};
use crate::server::core::Core;
use crate::status::ApiError;

/// The Kubernetes release this server answers like.
pub(crate) const MINOR: &str = "36";
const GIT_VERSION: &str = "v1.36.3+trueup-embedded";

/// Answers a target that is no resource. `accept` is the raw header, for the OpenAPI documents.
pub(crate) fn answer(
    core: &Core,
    target: &Target,
    accept: &str,
    accepted: Result<Accepted, ApiError>,
) -> Result<Reply, ApiError> {
    let document = |value: Value, accepted: &Accepted| Ok(Reply::value(200, &value, accepted));
    match target {
        Target::Health(path) => Ok(health(path)),
        Target::OpenApiV2 => Ok(openapi::v2(accept)),
        Target::OpenApiV3Index => Ok(openapi::index(core)),
        Target::OpenApiV3(path) => Ok(openapi::document(core, path)),
        Target::Root => document(root(core), &accepted?),
        Target::Version => document(version(), &accepted?),
        Target::Core | Target::Groups => {
            let accepted = accepted?;
            let core_group = *target == Target::Core;
            if accepted.form == Form::Discovery {
                return Ok(aggregated::document(core, core_group, &accepted));
            }
            let registry = core.registry();
            let value = if core_group {
                plain::versions()
            } else {
                plain::groups(&registry.groups())
            };
            document(value, &accepted)
        }
        Target::Group(group) => {
            let found = plain::group(&core.registry().groups(), group);
            match found {
                Some(value) => document(value, &accepted?),
                None => Ok(page_not_found()),
            }
        }
        Target::GroupVersion(group, version) => {
            let found = plain::resources(&core.registry().groups(), group, version);
            match found {
                Some(value) => document(value, &accepted?),
                None => Err(ApiError::no_such_resource()),
            }
        }
        Target::Unknown | Target::Resource(_) => Ok(page_not_found()),
    }
}

/// The answer for a resource path that no resource has: plain text where the group is unknown, a
/// `Status` where it is known.
pub(crate) fn nothing_here(core: &Core, path: &ResourcePath) -> Reply {
    let known = path.group.is_empty()
        || core
            .registry()
            .groups()
            .iter()
            .any(|gv| gv.group == path.group);
    if known {
        Reply::error(&ApiError::no_such_resource())
    } else {
        page_not_found()
    }
}

fn page_not_found() -> Reply {
    Reply::text(404, "404 page not found\n")
}

fn health(path: &str) -> Reply {
    match path.split_once('/') {
        None | Some((_, "ping" | "etcd" | "log")) => Reply::text(200, "ok"),
        Some(_) => page_not_found(),
    }
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": MINOR,
        "emulationMajor": "1",
        "emulationMinor": MINOR,
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "archive",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn root(core: &Core) -> Value {
    let mut paths: Vec<String> = [
        "/api",
        "/api/v1",
        "/apis",
        "/apis/",
        "/healthz",
        "/livez",
        "/openapi/v3",
        "/openapi/v3/",
        "/readyz",
        "/version",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    for gv in core
        .registry()
        .groups()
        .iter()
        .filter(|gv| !gv.group.is_empty())
    {
        paths.push(format!("/apis/{}", gv.group));
        paths.push(format!("/apis/{}/{}", gv.group, gv.version));
    }
    paths.sort();
    paths.dedup();
    json!({"paths": paths})
}
