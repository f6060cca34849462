//! The end of a build: manifests, and the bytes that upstream prints.

use trueup_manifest::{Diagnostic, Diagnostics, Manifest};
use trueup_yaml::{Schema, emit};

use crate::{
    parallel,
    resource::{ResMap, Resource},
};

/// The objects as manifests. What upstream could not print is refused here.
pub(crate) fn manifests(resources: ResMap) -> Result<Vec<Manifest>, Diagnostics> {
    let manifests = parallel::map_into(resources.into_items(), |resource| {
        match emit::check_json(&resource.doc, resource.root(), Schema::Kyaml) {
            Ok(()) => {
                let origin = resource.origin();
                let doc = resource.doc;
                Ok(Manifest { doc, origin })
            }
            Err(error) => Err(unprintable(&resource, &error)),
        }
    });
    let mut complaints = Diagnostics::new();
    let mut printable = Vec::with_capacity(manifests.len());
    for manifest in manifests {
        printable.extend(complaints.keep(manifest));
    }
    complaints.into_result(printable)
}

fn unprintable(resource: &Resource, error: &trueup_yaml::Error) -> Diagnostic {
    let message = format!("`{}` cannot be printed: {}", resource.id(), error.message());
    Diagnostic::error("kustomize/unprintable", message)
        .at(error.location().clone())
        .label(resource.location(), "the object")
}

/// Bytes of a document as they mostly are.
const USUAL_SIZE: usize = 1_000;

/// The documents with `---` between them, in pieces.
pub(crate) fn to_yaml(manifests: &[Manifest]) -> Vec<String> {
    parallel::chunks(manifests, |at, chunk| {
        let mut out = String::with_capacity(chunk.len() * USUAL_SIZE);
        for (index, manifest) in chunk.iter().enumerate() {
            if at + index > 0 {
                out.push_str("---\n");
            }
            // `manifests` has refused what cannot be printed.
            let _ = emit::kustomize(&manifest.doc, manifest.doc.root(), &mut out);
        }
        out
    })
}
