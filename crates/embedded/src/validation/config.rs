//! `ConfigMap` and `Secret` objects. No message carries a secret's value.

use super::flaw::{Flaws, invalid};
use super::names;
use super::place::Place;

/// Bound on the content of either.
const MAX_CONTENT: usize = 1024 * 1024;

fn keys(map: &Place<'_>, flaws: &mut Flaws) -> usize {
    let mut size = 0;
    for (key, place) in map.entries() {
        for why in names::config_map_key(key) {
            flaws.push(invalid(place.path.as_str(), key, why));
        }
        size += place.text().len();
    }
    size
}

fn bound(size: usize, path: &str, flaws: &mut Flaws) {
    if size > MAX_CONTENT {
        flaws.push(trueup_schema::FieldError {
            path: path.to_owned(),
            reason: trueup_schema::Reason::TooLong,
            detail: format!("may not be more than {MAX_CONTENT} bytes"),
            bad_value: None,
        });
    }
}

pub(super) fn config_map(root: &Place<'_>, flaws: &mut Flaws) {
    let (data, binary) = (root.at("data"), root.at("binaryData"));
    let mut size = 0;
    for (key, place) in data.entries() {
        for why in names::config_map_key(key) {
            flaws.push(invalid(place.path.as_str(), key, why));
        }
        if !binary.at(key).is_absent() {
            let why = "duplicate of key present in binaryData";
            flaws.push(invalid(place.path.as_str(), key, why));
        }
        size += place.text().len();
    }
    size += keys(&binary, flaws);
    bound(size, "", flaws);
}

pub(super) fn secret(root: &Place<'_>, flaws: &mut Flaws) {
    let data = root.at("data");
    // Base64 takes four characters for three bytes.
    let size = keys(&data, flaws) / 4 * 3;
    bound(size, "data", flaws);
    let need: &[&str] = match root.at("type").text() {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in need {
        if data.at(key).is_absent() {
            let path = format!("data[{key}]");
            flaws.required(&Place::named(&path, None), "");
        }
    }
    if root.at("type").text() == "kubernetes.io/service-account-token" {
        let path = "metadata.annotations[kubernetes.io/service-account.name]";
        let annotations = root.at("metadata").at("annotations");
        if annotations
            .at("kubernetes.io/service-account.name")
            .is_empty()
        {
            flaws.required(&Place::named(path, None), "");
        }
    }
}
