//! Rendered objects as files.

use std::{collections::HashSet, path::Path, slice};

use trueup_manifest::Manifest;

use crate::{
    cli::{exit::Failure, whole_file},
    render,
};

/// Writes all objects into a file, or each into a file of its own where the path is a folder.
pub(super) fn files(path: &Path, manifests: &[Manifest]) -> Result<(), Failure> {
    if !path.is_dir() {
        return write(path, manifests);
    }
    let names = render::file_names(manifests);
    let mut taken = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !taken.insert(*name)) {
        let message = format!("two objects would be written to `{twice}`");
        return Err(Failure::new("cli/same-file", message));
    }
    for (name, manifest) in names.iter().zip(manifests) {
        write(&path.join(name), slice::from_ref(manifest))?;
    }
    Ok(())
}

fn write(path: &Path, manifests: &[Manifest]) -> Result<(), Failure> {
    let text = render::to_yaml(manifests)?;
    whole_file::write(path, &text)
}
