//! Rendered objects as text.

use rayon::prelude::*;
use trueup_manifest::{Diagnostic, Diagnostics, Manifest};
use trueup_yaml::{Schema, emit};

/// Objects that one thread prints at a time.
const CHUNK: usize = 128;
/// Bytes of an object as they mostly are.
const USUAL_SIZE: usize = 1_000;

/// All objects as one stream of YAML documents, byte for byte as `kustomize build` prints them.
pub fn to_yaml(manifests: &[Manifest]) -> Result<String, Diagnostics> {
    to_yaml_pieces(manifests).map(|pieces| pieces.concat())
}

/// [`to_yaml`] in pieces that were printed side by side, for a writer that needs no whole.
pub fn to_yaml_pieces(manifests: &[Manifest]) -> Result<Vec<String>, Diagnostics> {
    let printed: Vec<(String, Diagnostics)> = if manifests.len() <= CHUNK {
        vec![piece(0, manifests)]
    } else {
        let chunks = manifests.par_chunks(CHUNK).enumerate();
        chunks
            .map(|(chunk, manifests)| piece(chunk * CHUNK, manifests))
            .collect()
    };
    let mut findings = Diagnostics::new();
    let mut pieces = Vec::with_capacity(printed.len());
    for (piece, complaints) in printed {
        findings.extend(complaints);
        pieces.push(piece);
    }
    findings.into_result(pieces)
}

/// The objects from position `at`, and what cannot be printed.
fn piece(at: usize, manifests: &[Manifest]) -> (String, Diagnostics) {
    let mut out = String::with_capacity(manifests.len() * USUAL_SIZE);
    let mut findings = Diagnostics::new();
    for (index, manifest) in manifests.iter().enumerate() {
        if at + index > 0 {
            out.push_str("---\n");
        }
        if let Err(error) = emit::kustomize(&manifest.doc, manifest.doc.root(), &mut out) {
            findings.push(Diagnostic::from(error).via(&manifest.origin.chain));
        }
    }
    (out, findings)
}

/// All objects as one `List` in JSON, each on a line of its own.
pub fn to_json(manifests: &[Manifest]) -> Result<String, Diagnostics> {
    let mut out = String::from("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    let mut findings = Diagnostics::new();
    for (index, manifest) in manifests.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        if let Err(error) = emit::json(&manifest.doc, manifest.doc.root(), Schema::Kyaml, &mut out)
        {
            findings.push(Diagnostic::from(error).via(&manifest.origin.chain));
        }
    }
    out.push_str("\n]}\n");
    findings.into_result(out)
}
