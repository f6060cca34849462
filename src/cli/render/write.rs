//! Rendered objects as files.

use std::{collections::HashSet, fs, path::Path};

use trueup_manifest::Manifest;

use crate::{cli::exit::Failure, render};

/// Writes all objects into a file, or each into a file of its own where the path is a folder.
pub(super) fn files(path: &Path, manifests: Vec<Manifest>) -> Result<(), Failure> {
    if !path.is_dir() {
        return write(path, &manifests);
    }
    let mut taken = HashSet::new();
    for (name, manifest) in named(manifests) {
        if !taken.insert(name.clone()) {
            return Err(Failure::new(
                "cli/same-file",
                format!("two objects would be written to `{name}`"),
            ));
        }
        write(&path.join(name), &[manifest])?;
    }
    Ok(())
}

fn write(path: &Path, manifests: &[Manifest]) -> Result<(), Failure> {
    let text = render::to_yaml(manifests)?;
    fs::write(path, text).map_err(|error| Failure::write(&format!("`{}`", path.display()), &error))
}

/// Names as `kustomize build --output DIR` gives them: group, version, kind and name in lower case,
/// with the namespace before them where there are several.
fn named(manifests: Vec<Manifest>) -> Vec<(String, Manifest)> {
    let namespaces: HashSet<&str> = manifests
        .iter()
        .map(Manifest::namespace)
        .filter(|namespace| !namespace.is_empty())
        .collect();
    let several = namespaces.len() > 1;
    manifests
        .into_iter()
        .map(|manifest| {
            let gvk = manifest.gvk();
            let parts = [gvk.group.as_str(), &gvk.version, &gvk.kind];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let mut name = format!("{}_{}.yaml", parts.join("_"), manifest.name());
            if several && !manifest.namespace().is_empty() {
                name = format!("{}_{name}", manifest.namespace());
            }
            // A name with a slash (of a ClusterRole, say `system/x`) must not lead elsewhere.
            (name.to_lowercase().replace(['/', '\\'], "_"), manifest)
        })
        .collect()
}
