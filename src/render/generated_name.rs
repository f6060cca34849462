//! Objects that have a `generateName` and no name: one of the same content always gets the same name.
//!
//! A server makes up another name at each request, so that nothing could ever be found again. A Job or a
//! Pod, which is a run of something, gets a name made from what it is: it is run once for what it is, and
//! anew when that changes. For anything else a made-up name is a mistake.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use trueup_manifest::{Diagnostic, Manifest, Origin};
use trueup_yaml::{Document, Schema, emit};

/// What stands in place of a generated ending until everything of the object is known.
const PENDING: &str = "0000000000";
/// The longest beginning: with the ending a name that a label of a Job's pods can hold.
const LONGEST: usize = 63 - PENDING.len();

/// A manifest that may have a `generateName` in place of a name.
pub(super) fn manifest(mut doc: Document, origin: Origin) -> Result<Manifest, Diagnostic> {
    if let Some(name) = pending(&doc) {
        let kind = doc.get(doc.root(), "kind").and_then(|kind| doc.text(kind));
        if !matches!(kind, Some("Job" | "Pod")) {
            let kind = kind.unwrap_or_default();
            let message =
                format!("a `{kind}` with `generateName` would be another object each time");
            let place = doc.at(doc.root(), &["metadata", "generateName"]);
            return Err(Diagnostic::error("render/generate-name", message)
                .at(place.and_then(|place| doc.location(place)))
                .via(&origin.chain)
                .help(
                    "give it a `name`; only a Job or a Pod gets a stable one from `generateName`",
                ));
        }
        if let Some(metadata) = doc.get(doc.root(), "metadata") {
            let name = doc.new_str(&name);
            doc.set(metadata, "name", name);
        }
    }
    Manifest::new(doc, origin)
}

/// The name until everything is known; none where the object has one.
fn pending(doc: &Document) -> Option<String> {
    let metadata = doc.get(doc.root(), "metadata")?;
    let text = |key| doc.get(metadata, key).and_then(|node| doc.text(node));
    let prefix = text("generateName").filter(|prefix| !prefix.is_empty())?;
    if !text("name").unwrap_or_default().is_empty() {
        return None;
    }
    let prefix: String = prefix.chars().take(LONGEST).collect();
    Some(prefix + PENDING)
}

/// Gives objects their names, now that their variables are replaced.
pub(super) fn settle(manifests: &mut [Manifest]) -> Result<(), Diagnostic> {
    for manifest in manifests {
        let Some(prefix) = manifest.name().strip_suffix(PENDING).map(ToOwned::to_owned) else {
            continue;
        };
        let doc = &mut manifest.doc;
        let Some(metadata) = doc.get(doc.root(), "metadata") else {
            continue;
        };
        if doc.remove(metadata, "generateName").is_none() {
            continue;
        }
        let mut json = String::new();
        emit::json(doc, doc.root(), Schema::Sigs, &mut json)
            .map_err(|error| Diagnostic::from(error).via(&manifest.origin.chain))?;
        let mut name = prefix;
        for byte in Sha256::digest(json.as_bytes())
            .iter()
            .take(PENDING.len() / 2)
        {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        let name = doc.new_str(&name);
        doc.set(metadata, "name", name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use trueup_yaml::Source;

    use super::*;

    fn named(text: &str) -> Result<String, Diagnostic> {
        let doc = Document::parse(&Source::new("m.yaml", text))
            .unwrap()
            .remove(0);
        let origin = doc.location(doc.root()).map(Origin::at).unwrap_or_default();
        let mut manifests = [manifest(doc, origin)?];
        settle(&mut manifests)?;
        let metadata = manifests[0]
            .doc
            .at(manifests[0].doc.root(), &["metadata"])
            .unwrap();
        assert!(
            manifests[0].doc.get(metadata, "generateName").is_none()
                || !manifests[0].name().starts_with("run-")
        );
        Ok(manifests[0].name().to_owned())
    }

    #[test]
    fn a_job_of_the_same_content_always_has_the_same_name() {
        let job = |image: &str| {
            named(&format!("{{apiVersion: batch/v1, kind: Job, metadata: {{generateName: run-}}, spec: {{image: {image}}}}}")).unwrap()
        };
        let name = job("one");
        assert_eq!(name, job("one"));
        assert_ne!(name, job("two"));
        assert_eq!(name.len(), "run-".len() + 10, "{name}");
        let long = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{generateName: {}}}}}",
            "x".repeat(80)
        );
        assert_eq!(named(&long).unwrap().len(), 63);
    }

    #[test]
    fn a_name_wins_and_other_kinds_need_one() {
        let both = "{apiVersion: batch/v1, kind: Job, metadata: {generateName: x-, name: given}}";
        assert_eq!(named(both).unwrap(), "given");
        let map = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}";
        let error = named(map).unwrap_err();
        assert_eq!(error.code, "render/generate-name");
        assert_eq!(error.location().unwrap().to_string(), "m.yaml:1:60");
    }
}
