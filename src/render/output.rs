//! Rendered objects as text.

use trueup_manifest::{Diagnostic, Diagnostics, Manifest};
use trueup_yaml::{Schema, emit};

/// All objects as one stream of YAML documents, byte for byte as `kustomize build` prints them.
pub fn to_yaml(manifests: &[Manifest]) -> Result<String, Diagnostics> {
    let mut out = String::new();
    let mut findings = Diagnostics::new();
    for (index, manifest) in manifests.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        if let Err(error) = emit::kustomize(&manifest.doc, manifest.doc.root(), &mut out) {
            findings.push(Diagnostic::from(error).via(&manifest.origin.chain));
        }
    }
    findings.into_result(out)
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
