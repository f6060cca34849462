//! Rules for what others stand on: services, namespaces, kinds.

use serde_json::Value;

use super::{Health, Object};

/// Unlike kstatus, a load balancer is waited for.
pub(super) fn service(object: Object<'_>) -> Health {
    let balancers = object
        .at(&["status", "loadBalancer", "ingress"])
        .and_then(Value::as_array);
    let has_address = balancers.is_some_and(|balancers| !balancers.is_empty());
    if object.text(&["spec", "type"]) == "LoadBalancer" && !has_address {
        return Health::in_progress("its load balancer has no address yet");
    }
    Health::current()
}

pub(super) fn namespace(object: Object<'_>) -> Health {
    match object.text(&["status", "phase"]) {
        "Terminating" => Health::failed("it is being deleted"),
        _ => Health::current(),
    }
}

pub(super) fn crd(object: Object<'_>) -> Health {
    if let Some(names) = object
        .condition("NamesAccepted")
        .filter(|condition| condition.is("False"))
    {
        return Health::failed(names.says());
    }
    match object.condition("Established") {
        Some(established) if established.is("True") => Health::current(),
        Some(established) if established.reason() != "Installing" => {
            Health::in_progress(established.says())
        }
        _ => Health::in_progress("it is not established yet"),
    }
}

pub(super) fn api_service(object: Object<'_>) -> Health {
    match object.condition("Available") {
        Some(available) if available.is("True") => Health::current(),
        Some(available) => Health::in_progress(available.says()),
        None => Health::in_progress("it is not available yet"),
    }
}

pub(super) fn disruption_budget(object: Object<'_>) -> Health {
    if object.at(&["status", "observedGeneration"]).is_none() {
        return Health::in_progress("no controller has seen it yet");
    }
    let (healthy, wanted) = (
        object.count("currentHealthy"),
        object.count("desiredHealthy"),
    );
    if healthy < wanted {
        return Health::in_progress(format!("{healthy} of {wanted} pods are healthy"));
    }
    Health::current()
}
