//! Ingresses and network policies.

use super::flaw::Flaws;
use super::names;
use super::place::Place;

pub(super) fn ingress(spec: &Place<'_>, flaws: &mut Flaws) {
    let rules = spec.at("rules");
    let backend = spec.at("defaultBackend");
    if rules.is_empty() && backend.is_absent() {
        let place = Place::named(&spec.path, None);
        flaws.invalid(
            &place,
            "either `defaultBackend` or `rules` must be specified",
        );
    }
    if !backend.is_absent() {
        self::backend(&backend, flaws);
    }
    for rule in rules.items() {
        let host = rule.at("host");
        // A wildcard stands for one label.
        let plain = host
            .text()
            .strip_prefix("*.")
            .unwrap_or_else(|| host.text());
        if !host.is_empty() {
            for why in names::subdomain(plain) {
                flaws.invalid(&host, why);
            }
        }
        for path in rule.at("http").at("paths").items() {
            ingress_path(&path, flaws);
        }
        let http = rule.at("http");
        if !http.is_absent() {
            flaws.need(&http.at("paths"));
        }
    }
}

fn ingress_path(path: &Place<'_>, flaws: &mut Flaws) {
    const TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
    let kind = path.at("pathType");
    match kind.text() {
        "" => {
            flaws.required(&kind, "pathType must be specified");
            return;
        }
        "Exact" | "Prefix" if !path.at("path").text().starts_with('/') => {
            flaws.invalid(&path.at("path"), "must be an absolute path");
        }
        _ => flaws.one_of(&kind, &TYPES, false),
    }
    backend(&path.at("backend"), flaws);
}

fn backend(backend: &Place<'_>, flaws: &mut Flaws) {
    let (service, resource) = (backend.at("service"), backend.at("resource"));
    if service.is_absent() && resource.is_absent() {
        flaws.required(backend, "exactly one of service or resource is required");
        return;
    }
    if service.is_absent() {
        return;
    }
    let name = service.at("name");
    if flaws.need(&name) {
        flaws.syntax(&name, names::label);
    }
    let port = service.at("port");
    if port.at("name").is_empty() && port.at("number").number().unwrap_or(0) == 0 {
        flaws.required(backend, "port name or number is required");
    }
}

pub(super) fn policy(spec: &Place<'_>, flaws: &mut Flaws) {
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.at(direction).items() {
            for port in rule.at("ports").items() {
                if port.at("port").value.is_number() {
                    flaws.port(&port.at("port"));
                }
            }
            for peer in rule.at(peers).items() {
                if peer.is_empty() {
                    flaws.required(&peer, "must specify a peer");
                }
            }
        }
    }
    for kind in spec.at("policyTypes").items() {
        flaws.one_of(&kind, &["Ingress", "Egress"], false);
    }
}
