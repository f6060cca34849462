//! What a request's path names, by the rules of `k8s.io/apiserver/pkg/endpoints/request`.

use percent_encoding::percent_decode_str;

/// A path under `/api/v1` or `/apis/<group>/<version>` that names a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty when the path names none.
    pub(crate) namespace: String,
    pub(crate) resource: String,
    /// Empty for the collection.
    pub(crate) name: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
    /// Segments after the subresource: never valid here, kept to say so.
    pub(crate) rest: bool,
    /// The deprecated `/watch/` prefix.
    pub(crate) watch_prefix: bool,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/`
    Root,
    /// `/version`
    Version,
    /// `/healthz`, `/readyz` and `/livez`, with anything below them.
    Health(String),
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/<group>`
    Group(String),
    /// `/api/v1` (empty group) or `/apis/<group>/<version>`
    GroupVersion(String, String),
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiV3Index,
    /// `/openapi/v3/<path>`, as `api/v1` or `apis/apps/v1`.
    OpenApiV3(String),
    /// A collection, an object or a subresource.
    Resource(ResourcePath),
    /// Nothing here.
    Unknown,
}

/// Reads a path.
pub(crate) fn parse(path: &str) -> Target {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => Target::Root,
        ["version"] => Target::Version,
        [health @ ("healthz" | "readyz" | "livez"), rest @ ..] => {
            Target::Health([&[*health], rest].concat().join("/"))
        }
        ["api"] => Target::Core,
        ["apis"] => Target::Groups,
        ["apis", group] => Target::Group((*group).to_owned()),
        ["api", version] => Target::GroupVersion(String::new(), (*version).to_owned()),
        ["apis", group, version] => {
            Target::GroupVersion((*group).to_owned(), (*version).to_owned())
        }
        ["openapi", "v2"] => Target::OpenApiV2,
        ["openapi", "v3"] => Target::OpenApiV3Index,
        ["openapi", "v3", rest @ ..] => Target::OpenApiV3(rest.join("/")),
        ["api", version, rest @ ..] => resource("", version, rest),
        ["apis", group, version, rest @ ..] => resource(group, version, rest),
        _ => Target::Unknown,
    }
}

fn resource(group: &str, version: &str, segments: &[&str]) -> Target {
    let (watch_prefix, segments) = match segments {
        ["watch", rest @ ..] => (true, rest),
        _ => (false, segments),
    };
    let mut path = ResourcePath {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: String::new(),
        resource: String::new(),
        name: String::new(),
        subresource: String::new(),
        rest: false,
        watch_prefix,
    };
    let rest = match segments {
        // `namespaces/<name>/status` is a part of the namespace, not a collection within it.
        ["namespaces", name, sub @ ("status" | "finalize")] => {
            (*name).clone_into(&mut path.namespace);
            &["namespaces", name, sub][..]
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
            (*namespace).clone_into(&mut path.namespace);
            rest
        }
        all => all,
    };
    let mut rest = rest.iter();
    let mut next = || {
        rest.next()
            .map(|segment| (*segment).to_owned())
            .unwrap_or_default()
    };
    path.resource = next();
    path.name = next();
    path.subresource = next();
    path.rest = !next().is_empty();
    if path.resource == "namespaces" {
        path.namespace.clear();
    }
    if path.resource.is_empty() {
        Target::Unknown
    } else {
        Target::Resource(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str) -> (String, String, String, String) {
        match parse(path) {
            Target::Resource(p) => (p.namespace, p.resource, p.name, p.subresource),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn resource_paths_are_read_as_the_real_server_reads_them() {
        let rows = [
            ("/api/v1/pods", ["", "pods", "", ""]),
            ("/api/v1/namespaces", ["", "namespaces", "", ""]),
            ("/api/v1/namespaces/a", ["", "namespaces", "a", ""]),
            (
                "/api/v1/namespaces/a/status",
                ["", "namespaces", "a", "status"],
            ),
            (
                "/api/v1/namespaces/a/finalize",
                ["", "namespaces", "a", "finalize"],
            ),
            ("/api/v1/namespaces/a/pods", ["a", "pods", "", ""]),
            (
                "/apis/apps/v1/namespaces/a/deployments/x/scale",
                ["a", "deployments", "x", "scale"],
            ),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aadmin",
                ["", "clusterroles", "system:admin", ""],
            ),
        ];
        for (path, [namespace, resource, name, sub]) in rows {
            let want = (namespace.into(), resource.into(), name.into(), sub.into());
            assert_eq!(named(path), want, "{path}");
        }
    }

    #[test]
    fn other_paths_name_their_own_target() {
        assert_eq!(parse("/"), Target::Root);
        assert_eq!(parse("/apis/apps"), Target::Group("apps".into()));
        assert_eq!(
            parse("/api/v1"),
            Target::GroupVersion(String::new(), "v1".into())
        );
        assert_eq!(
            parse("/openapi/v3/apis/apps/v1"),
            Target::OpenApiV3("apis/apps/v1".into())
        );
        assert_eq!(parse("/readyz/etcd"), Target::Health("readyz/etcd".into()));
        assert_eq!(parse("/metrics"), Target::Unknown);
    }
}
