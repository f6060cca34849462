//! Claims, volumes and classes.

use trueup_schema::quantity::Quantity;

use super::flaw::{Flaws, not_supported};
use super::place::Place;

const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

fn access_modes(modes: &Place<'_>, flaws: &mut Flaws) {
    for mode in modes.items() {
        if !MODES.contains(&mode.text()) {
            flaws.push(not_supported(modes.path.as_str(), mode.text(), &MODES));
        }
    }
}

pub(super) fn claim(spec: &Place<'_>, flaws: &mut Flaws) {
    let modes = spec.at("accessModes");
    if modes.is_empty() {
        flaws.required(&modes, "at least 1 access mode is required");
    }
    access_modes(&modes, flaws);
    let request = spec.at("resources").at("requests").at("storage");
    let place = Place {
        path: format!("{}.resources[storage]", spec.path),
        value: request.value,
    };
    if place.is_absent() {
        flaws.required(&place, "");
    } else if Quantity::parse(place.text()).ok() <= Quantity::parse("0").ok() {
        flaws.invalid(&place, "must be greater than zero");
    }
}

/// Fields of a volume's spec that are no source.
const NO_SOURCE: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

pub(super) fn volume(spec: &Place<'_>, flaws: &mut Flaws) {
    flaws.need(&spec.at("accessModes"));
    access_modes(&spec.at("accessModes"), flaws);
    let capacity = spec.at("capacity");
    flaws.need(&capacity);
    if capacity.at("storage").is_absent() {
        flaws.push(not_supported(
            capacity.path.as_str(),
            capacity.value.clone(),
            &["storage"],
        ));
    }
    let fields = spec.value.as_object().into_iter().flatten();
    if fields
        .filter(|(key, _)| !NO_SOURCE.contains(&key.as_str()))
        .count()
        == 0
    {
        flaws.required(spec, "must specify a volume type");
    }
}

pub(super) fn class(root: &Place<'_>, flaws: &mut Flaws) {
    flaws.need(&root.at("provisioner"));
    flaws.one_of(&root.at("reclaimPolicy"), &["Delete", "Retain"], true);
    let modes = ["Immediate", "WaitForFirstConsumer"];
    flaws.one_of(&root.at("volumeBindingMode"), &modes, false);
}
