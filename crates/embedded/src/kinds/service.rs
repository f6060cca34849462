//! Addresses and node ports of Services: given once, kept for life.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::invalid;
use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::status::ApiError;

/// First and last node port, as kube-apiserver's default range.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;
/// The first two octets of cluster addresses.
const NETWORK: &str = "10.96";

/// Keeps what the Service had, and gives it what it now needs.
pub(super) fn allocate(core: &Core, old: Option<&Value>, new: &mut Value) -> Result<(), ApiError> {
    let kind = text(new, "type").to_owned();
    if let Some(old) = old {
        keep(old, new, &kind);
    }
    if kind == "ExternalName" {
        return Ok(());
    }
    let taken = Taken::read(core, meta::uid(old.unwrap_or(new)));
    cluster_ip(core, new, &taken)?;
    let spec = meta::section(new, "spec");
    // A headless Service without a selector may have endpoints of either family.
    let any_family = spec
        .get("clusterIP")
        .is_some_and(|address| address == "None")
        && spec
            .get("selector")
            .is_none_or(|selector| selector == &json!({}));
    let (families, policy) = if any_family {
        (json!(["IPv4", "IPv6"]), "RequireDualStack")
    } else {
        (json!(["IPv4"]), "SingleStack")
    };
    spec.entry("ipFamilies").or_insert(families);
    spec.entry("ipFamilyPolicy").or_insert(json!(policy));
    let wants_ports = kind == "NodePort"
        || (kind == "LoadBalancer"
            && spec.get("allocateLoadBalancerNodePorts") != Some(&json!(false)));
    if wants_ports {
        node_ports(core, new, taken)
    } else {
        Ok(())
    }
}

fn text<'a>(service: &'a Value, field: &str) -> &'a str {
    service
        .get("spec")
        .and_then(|s| s.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// An update that leaves out what was allocated keeps it.
fn keep(old: &Value, new: &mut Value, kind: &str) {
    let had_address = text(old, "type") != "ExternalName";
    let spec = meta::section(new, "spec");
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(field);
        }
        // Not a default of this type; one that is written anew stays.
        if spec.get("internalTrafficPolicy") == old.pointer("/spec/internalTrafficPolicy") {
            spec.remove("internalTrafficPolicy");
        }
        return;
    }
    if had_address {
        for field in [
            "clusterIP",
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "healthCheckNodePort",
        ] {
            let before = old.get("spec").and_then(|s| s.get(field));
            let open = spec
                .get(field)
                .is_none_or(|v| v.is_null() || *v == json!(""));
            if let (Some(before), true) = (before, open) {
                spec.insert(field.to_owned(), before.clone());
            }
        }
    }
    first_address(old, spec);
    if !matches!(kind, "NodePort" | "LoadBalancer") {
        return;
    }
    let before = old
        .pointer("/spec/ports")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let same = before.iter().find(|had| {
            had.get("port") == port.get("port") && had.get("protocol") == port.get("protocol")
        });
        let node_port = same.and_then(|had| had.get("nodePort")).cloned();
        if let (Some(node_port), Some(map)) = (node_port, port.as_object_mut()) {
            map.entry("nodePort").or_insert(node_port);
        }
    }
}

/// `clusterIP` and the first of `clusterIPs` are one: whichever the update changed counts.
fn first_address(old: &Value, spec: &mut Map<String, Value>) {
    let old_list = old.pointer("/spec/clusterIPs");
    let changed = spec.get("clusterIP") != old.pointer("/spec/clusterIP");
    if changed
        && spec.get("clusterIPs") == old_list
        && let Some(address) = spec.get("clusterIP").cloned()
        && let Some(list) = spec.get_mut("clusterIPs").and_then(Value::as_array_mut)
        && let Some(first) = list.first_mut()
    {
        *first = address;
    }
}

struct Taken {
    addresses: HashSet<String>,
    ports: HashSet<i64>,
}

impl Taken {
    fn read(core: &Core, but: &str) -> Self {
        let (_, services) = core.store.list(&GroupResource::new("", "services"), "");
        let mut taken = Self {
            addresses: HashSet::new(),
            ports: HashSet::new(),
        };
        for service in services
            .iter()
            .filter(|service| meta::uid(&service.value) != but)
        {
            taken
                .addresses
                .insert(text(&service.value, "clusterIP").to_owned());
            let ports = service
                .value
                .pointer("/spec/ports")
                .and_then(Value::as_array);
            for port in ports.into_iter().flatten() {
                taken
                    .ports
                    .extend(port.get("nodePort").and_then(Value::as_i64));
            }
        }
        taken
    }
}

fn refuse(service: &Value, flaw: trueup_schema::FieldError) -> ApiError {
    ApiError::invalid("", "Service", meta::name(service), &[flaw])
}

fn cluster_ip(core: &Core, service: &mut Value, taken: &Taken) -> Result<(), ApiError> {
    let wanted = text(service, "clusterIP").to_owned();
    let address = if wanted.is_empty() {
        free(core, 65_534, |n| {
            let address = format!("{NETWORK}.{}.{}", n / 256, n % 256);
            (!taken.addresses.contains(&address)).then_some(address)
        })
        .ok_or_else(|| ApiError::internal("failed to allocate a serviceIP: range is full"))?
    } else {
        if wanted != "None" && taken.addresses.contains(&wanted) {
            let why = format!("failed to allocate IP {wanted}: provided IP is already allocated");
            return Err(refuse(
                service,
                invalid("spec.clusterIPs", json!([wanted]), why),
            ));
        }
        wanted
    };
    let spec = meta::section(service, "spec");
    spec.insert("clusterIP".to_owned(), json!(address));
    spec.entry("clusterIPs").or_insert_with(|| json!([address]));
    Ok(())
}

fn node_ports(core: &Core, service: &mut Value, mut taken: Taken) -> Result<(), ApiError> {
    let count = meta::section(service, "spec")
        .get("ports")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    for index in 0..count {
        let path = format!("/spec/ports/{index}");
        let asked = service
            .pointer(&format!("{path}/nodePort"))
            .and_then(Value::as_i64)
            .unwrap_or(0);
        if asked != 0 {
            let path = format!("spec.ports[{index}].nodePort");
            if !NODE_PORTS.contains(&asked) {
                let why = format!(
                    "provided port is not in the valid range. The range of valid ports is {}-{}",
                    NODE_PORTS.start(),
                    NODE_PORTS.end()
                );
                return Err(refuse(service, invalid(path, asked, why)));
            }
            if !taken.ports.insert(asked) {
                return Err(refuse(
                    service,
                    invalid(path, asked, "provided port is already allocated"),
                ));
            }
            continue;
        }
        let port = free(core, NODE_PORTS.end() - NODE_PORTS.start() + 1, |n| {
            let port = NODE_PORTS.start() + n;
            (!taken.ports.contains(&port)).then_some(port)
        })
        .ok_or_else(|| ApiError::internal("failed to allocate a nodePort: range is full"))?;
        taken.ports.insert(port);
        if let Some(slot) = service.pointer_mut(&path) {
            meta::put(slot, "nodePort", port);
        }
    }
    Ok(())
}

/// A free number below `count`, looked for from a random one on.
fn free<T>(core: &Core, count: i64, mut take: impl FnMut(i64) -> Option<T>) -> Option<T> {
    let start = i64::try_from(core.ids.next() % u64::try_from(count).unwrap_or(1)).unwrap_or(0);
    (0..count).find_map(|step| take((start + step) % count))
}
