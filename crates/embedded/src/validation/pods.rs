//! Pod specifications, by `ValidatePodSpec` of the core group.

use std::collections::HashSet;

use super::flaw::{Flaws, not_supported};
use super::place::Place;
use super::{containers, metadata, names};

/// A pod by itself.
pub(super) fn pod(root: &Place<'_>, flaws: &mut Flaws) {
    spec(&root.at("spec"), flaws);
    let path = root.at("spec");
    if !["Always", "OnFailure", "Never"].contains(&path.at("restartPolicy").text()) {
        let place = path.at("restartPolicy");
        let supported = ["Always", "OnFailure", "Never"];
        flaws.push(not_supported(place.path.as_str(), place.text(), &supported));
    }
    policies(&path, flaws);
}

/// A template of pods.
pub(super) fn template(template: &Place<'_>, flaws: &mut Flaws) {
    template_with(template, &[], flaws);
}

/// A template of pods that are given volumes beside those of the template: a claim for each pod.
pub(super) fn template_with(template: &Place<'_>, claims: &[&str], flaws: &mut Flaws) {
    let path = template.at("metadata").at("labels");
    let mut wrong = Vec::new();
    metadata::labels(&path.path, path.value.as_object(), &mut wrong);
    flaws.extend(wrong);
    spec_with(&template.at("spec"), claims, flaws);
    policies(&template.at("spec"), flaws);
}

fn policies(spec: &Place<'_>, flaws: &mut Flaws) {
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    flaws.one_of(&spec.at("dnsPolicy"), &dns, true);
}

/// Volumes and containers.
pub(super) fn spec(spec: &Place<'_>, flaws: &mut Flaws) {
    spec_with(spec, &[], flaws);
}

fn spec_with(spec: &Place<'_>, claims: &[&str], flaws: &mut Flaws) {
    let mut volumes = volumes(&spec.at("volumes"), flaws);
    volumes.extend(claims);
    let containers = spec.at("containers");
    if flaws.need(&containers) {
        self::containers::list(&containers, &volumes, flaws);
    }
    self::containers::list(&spec.at("initContainers"), &volumes, flaws);
    let account = spec.at("serviceAccountName");
    if !account.is_empty() {
        flaws.syntax(&account, names::subdomain);
    }
    let node = spec.at("nodeName");
    if !node.is_empty() {
        flaws.syntax(&node, names::subdomain);
    }
    for secret in spec.at("imagePullSecrets").items() {
        if secret.at("name").is_empty() {
            continue;
        }
        flaws.syntax(&secret.at("name"), names::subdomain);
    }
}

/// The names of the volumes.
fn volumes<'a>(list: &Place<'a>, flaws: &mut Flaws) -> HashSet<&'a str> {
    let mut known = HashSet::new();
    for volume in list.items() {
        let name = volume.at("name");
        source(&volume, flaws);
        if !flaws.need(&name) {
            continue;
        }
        let wrong = names::label(name.text());
        if wrong.is_empty() {
            if !known.insert(name.text()) {
                flaws.duplicate(&name);
            }
        } else {
            flaws.syntax(&name, names::label);
        }
    }
    known
}

/// Sources in the order the real validation asks for them.
const SOURCES: [&str; 10] = [
    "emptyDir",
    "hostPath",
    "secret",
    "nfs",
    "persistentVolumeClaim",
    "configMap",
    "downwardAPI",
    "projected",
    "csi",
    "ephemeral",
];

fn source(volume: &Place<'_>, flaws: &mut Flaws) {
    let mut found = 0;
    for name in SOURCES {
        let source = volume.at(name);
        if source.is_absent() {
            continue;
        }
        found += 1;
        if found > 1 {
            flaws.forbidden(&source, "may not specify more than 1 volume type");
            continue;
        }
        match name {
            "hostPath" => drop(flaws.need(&source.at("path"))),
            "secret" => drop(flaws.need(&source.at("secretName"))),
            "persistentVolumeClaim" => drop(flaws.need(&source.at("claimName"))),
            "configMap" => drop(flaws.need(&source.at("name"))),
            "csi" => drop(flaws.need(&source.at("driver"))),
            "nfs" => {
                flaws.need(&source.at("server"));
                flaws.need(&source.at("path"));
            }
            _ => {}
        }
    }
}
