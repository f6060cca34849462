//! The end of a build: manifests, and the bytes that upstream prints.

use trueup_manifest::{Diagnostic, Diagnostics, Manifest};
use trueup_yaml::emit;

use crate::resource::{ResMap, Resource};

/// The objects as manifests. What upstream could not print is refused here.
pub(crate) fn manifests(resources: ResMap) -> Result<Vec<Manifest>, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut manifests = Vec::with_capacity(resources.len());
    let mut scratch = String::new();
    for resource in resources.into_items() {
        scratch.clear();
        if let Err(error) = emit::json(
            &resource.doc,
            resource.root(),
            trueup_yaml::Schema::Kyaml,
            &mut scratch,
        ) {
            complaints.push(unprintable(&resource, &error));
        }
        let origin = resource.origin();
        manifests.push(Manifest {
            doc: resource.doc,
            origin,
        });
    }
    complaints.into_result(manifests)
}

fn unprintable(resource: &Resource, error: &trueup_yaml::Error) -> Diagnostic {
    let message = format!("`{}` cannot be printed: {}", resource.id(), error.message());
    Diagnostic::error("kustomize/unprintable", message)
        .at(error.location().clone())
        .label(resource.location(), "the object")
}

/// The documents with `---` between them.
pub(crate) fn to_yaml(manifests: &[Manifest]) -> String {
    let mut out = String::new();
    for (index, manifest) in manifests.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        // `manifests` has refused what cannot be printed.
        let _ = emit::kustomize(&manifest.doc, manifest.doc.root(), &mut out);
    }
    out
}
