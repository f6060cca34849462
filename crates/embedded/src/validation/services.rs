//! Services, by `ValidateService` of the core group.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::flaw::{Flaws, invalid};
use super::place::Place;
use super::{metadata, names};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

pub(super) fn service(_old: Option<&Value>, root: &Place<'_>, flaws: &mut Flaws) {
    let spec = root.at("spec");
    let kind = spec.at("type").text();
    let headless = spec.at("clusterIP").text() == "None";
    let ports = spec.at("ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        flaws.required(&ports, "");
    }
    if kind == "ExternalName" {
        let name = spec.at("externalName");
        let plain = name.text().trim_end_matches('.');
        if plain.is_empty() {
            flaws.required(&name, "");
        } else {
            for why in names::subdomain(plain) {
                flaws.invalid(&name, why);
            }
        }
        if !spec.at("clusterIP").is_empty() {
            flaws.forbidden(
                &spec.at("clusterIPs"),
                "may not be set when `type` is 'ExternalName'",
            );
        }
    }
    each_port(&ports, flaws);
    let selector = spec.at("selector");
    let mut wrong = Vec::new();
    metadata::labels(&selector.path, selector.value.as_object(), &mut wrong);
    flaws.extend(wrong);
    flaws.one_of(&spec.at("sessionAffinity"), &["ClientIP", "None"], false);
    flaws.one_of(&spec.at("type"), &TYPES, false);
    if kind == "ClusterIP" {
        for port in ports.items() {
            if port.at("nodePort").number().unwrap_or(0) != 0 {
                let why = "may not be used when `type` is 'ClusterIP'";
                flaws.forbidden(&port.at("nodePort"), why);
            }
        }
    }
    duplicates(&ports, flaws);
}

fn each_port(ports: &Place<'_>, flaws: &mut Flaws) {
    let items = ports.items();
    let mut known = HashSet::new();
    for port in &items {
        let name = port.at("name");
        if name.is_empty() {
            if items.len() > 1 {
                flaws.required(&name, "");
            }
        } else {
            flaws.syntax(&name, names::label);
            if !known.insert(name.text()) {
                flaws.duplicate(&name);
            }
        }
        flaws.port(&port.at("port"));
        flaws.one_of(&port.at("protocol"), &["SCTP", "TCP", "UDP"], false);
        let target = port.at("targetPort");
        if target.value.is_number() {
            flaws.port(&target);
        } else if target.is_absent() {
            let number = port.at("port").number().unwrap_or(0);
            flaws.push(invalid(
                target.path,
                number,
                "must be between 1 and 65535, inclusive",
            ));
        }
    }
}

fn duplicates(ports: &Place<'_>, flaws: &mut Flaws) {
    let mut known = HashSet::new();
    for port in ports.items() {
        let (number, protocol) = (port.at("port").number().unwrap_or(0), port.at("protocol"));
        if !known.insert((number, protocol.text())) {
            let value = json!({
                "Name": "", "Protocol": protocol.text(), "AppProtocol": null,
                "Port": number, "TargetPort": 0, "NodePort": 0,
            });
            flaws.duplicate(&Place {
                path: port.path.clone(),
                value: &value,
            });
        }
    }
}
