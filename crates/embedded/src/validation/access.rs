//! Roles and their bindings.

use super::flaw::{Flaws, not_supported};
use super::place::Place;

pub(super) fn rules(root: &Place<'_>, namespaced: bool, flaws: &mut Flaws) {
    for rule in root.at("rules").items() {
        let (resources, urls) = (rule.at("resources"), rule.at("nonResourceURLs"));
        if rule.at("verbs").is_empty() {
            flaws.required(&rule.at("verbs"), "verbs must contain at least one value");
        }
        if !urls.is_empty() {
            if namespaced {
                flaws.invalid(&urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if !resources.is_empty() || !rule.at("apiGroups").is_empty() {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                flaws.invalid(&urls, why);
            }
            continue;
        }
        if rule.at("apiGroups").is_empty() {
            let why = "resource rules must supply at least one api group";
            flaws.required(&rule.at("apiGroups"), why);
        }
        if resources.is_empty() {
            flaws.required(
                &resources,
                "resource rules must supply at least one resource",
            );
        }
    }
}

pub(super) fn binding(root: &Place<'_>, namespaced: bool, flaws: &mut Flaws) {
    let role = root.at("roleRef");
    let group = role.at("apiGroup");
    if group.text() != "rbac.authorization.k8s.io" {
        let supported = ["rbac.authorization.k8s.io"];
        flaws.push(not_supported(group.path.as_str(), group.text(), &supported));
    }
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    flaws.one_of(&role.at("kind"), kinds, false);
    flaws.need(&role.at("name"));
    for subject in root.at("subjects").items() {
        flaws.need(&subject.at("name"));
        match subject.at("kind").text() {
            "ServiceAccount" => {
                if !namespaced {
                    flaws.need(&subject.at("namespace"));
                }
            }
            "User" | "Group" => {}
            _ => {
                let kinds = ["ServiceAccount", "User", "Group"];
                flaws.one_of(&subject.at("kind"), &kinds, false);
            }
        }
    }
}
