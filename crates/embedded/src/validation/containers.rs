//! Containers of a pod.

use std::collections::HashSet;

use trueup_schema::quantity::Quantity;

use super::flaw::{Flaws, invalid};
use super::names;
use super::place::Place;

/// A list of containers; `volumes` are the pod's.
pub(super) fn list(list: &Place<'_>, volumes: &HashSet<&str>, flaws: &mut Flaws) {
    let mut known = HashSet::new();
    for container in list.items() {
        let name = container.at("name");
        if flaws.need(&name) {
            flaws.syntax(&name, names::label);
        }
        if !name.is_empty() && !known.insert(name.text()) {
            flaws.duplicate(&name);
        }
        one(&container, volumes, flaws);
    }
}

fn one(container: &Place<'_>, volumes: &HashSet<&str>, flaws: &mut Flaws) {
    flaws.need(&container.at("image"));
    ports(&container.at("ports"), flaws);
    environment(&container.at("env"), flaws);
    mounts(&container.at("volumeMounts"), volumes, flaws);
    let policies = ["Always", "IfNotPresent", "Never"];
    flaws.one_of(&container.at("imagePullPolicy"), &policies, true);
    resources(&container.at("resources"), flaws);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(probe);
        if !probe.is_absent() {
            handler(&probe, flaws);
        }
    }
}

fn ports(list: &Place<'_>, flaws: &mut Flaws) {
    let mut known = HashSet::new();
    for port in list.items() {
        let name = port.at("name");
        if !name.is_empty() {
            let wrong = port_name(name.text());
            if wrong.is_empty() && !known.insert(name.text()) {
                flaws.duplicate(&name);
            }
            for why in wrong {
                flaws.invalid(&name, why);
            }
        }
        let number = port.at("containerPort");
        if number.number().unwrap_or(0) == 0 {
            flaws.required(&number, "");
        } else {
            flaws.port(&number);
        }
        if port.at("hostPort").number().unwrap_or(0) != 0 {
            flaws.port(&port.at("hostPort"));
        }
        flaws.one_of(&port.at("protocol"), &["SCTP", "TCP", "UDP"], false);
    }
}

/// The rule of `IsValidPortName`.
fn port_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > 15 {
        wrong.push("must be no more than 15 characters".to_owned());
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) {
        let why = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        wrong.push(why.to_owned());
        return wrong;
    }
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        wrong.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        wrong.push("must not begin or end with a hyphen".to_owned());
    }
    wrong
}

fn environment(list: &Place<'_>, flaws: &mut Flaws) {
    for variable in list.items() {
        flaws.need(&variable.at("name"));
        let from = variable.at("valueFrom");
        if !from.is_absent() && !variable.at("value").is_empty() {
            let why = "may not be specified when `value` is not empty";
            flaws.push(invalid(from.path.as_str(), "", why));
        }
    }
}

fn mounts(list: &Place<'_>, volumes: &HashSet<&str>, flaws: &mut Flaws) {
    let mut paths = HashSet::new();
    for mount in list.items() {
        let (name, path) = (mount.at("name"), mount.at("mountPath"));
        if flaws.need(&name) && !volumes.contains(name.text()) {
            flaws.not_found(&name);
        }
        flaws.need(&path);
        if !path.is_empty() && !paths.insert(path.text()) {
            flaws.invalid(&path, "must be unique");
        }
    }
}

fn quantity(place: &Place<'_>) -> Option<Quantity> {
    Quantity::parse(place.text()).ok()
}

/// Amounts are not negative, and no request is above its limit.
fn resources(resources: &Place<'_>, flaws: &mut Flaws) {
    let zero = Quantity::parse("0").ok();
    let (limits, requests) = (resources.at("limits"), resources.at("requests"));
    for map in [&limits, &requests] {
        for (_, amount) in map.entries() {
            if quantity(&amount) < zero {
                flaws.invalid(&amount, "must be greater than or equal to 0");
            }
        }
    }
    for (name, request) in requests.entries() {
        let limit = limits.at(name);
        if !limit.is_absent() && quantity(&request) > quantity(&limit) {
            flaws.push(invalid(
                requests.path.as_str(),
                request.value.clone(),
                format!(
                    "must be less than or equal to {name} limit of {}",
                    limit.text()
                ),
            ));
        }
    }
}

/// One way to ask, and its port.
fn handler(probe: &Place<'_>, flaws: &mut Flaws) {
    let ways = ["exec", "httpGet", "tcpSocket", "grpc"];
    if ways.iter().all(|way| probe.at(way).is_absent()) {
        flaws.required(probe, "must specify a handler type");
    }
    for way in ["httpGet", "tcpSocket"] {
        let port = probe.at(way).at("port");
        if !probe.at(way).is_absent() && port.value.is_number() {
            flaws.port(&port);
        }
    }
    for count in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds"] {
        flaws.not_negative(&probe.at(count));
    }
}
